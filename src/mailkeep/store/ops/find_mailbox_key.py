"""The key of a mailbox, if its user has one."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.store.contract import Op, Sql


def find_mailbox_key(account: AccountId, holder: AccountId, mailbox: MailboxId) -> Op[bytes | None]:
    """RFC 4467 §2.2.  `holder` is the account that has the mailbox."""
    rows = yield Sql(
        "SELECT key FROM mailbox_key WHERE account = ? AND holder = ? AND mailbox = ?", (account, holder, mailbox)
    )
    return rows[0][0] if rows else None
