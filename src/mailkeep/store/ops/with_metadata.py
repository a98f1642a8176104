"""Which mailboxes have metadata at all."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.store.contract import Op, Sql


def with_metadata(account: AccountId) -> Op[tuple[MailboxId, ...]]:
    """Ascending; somebody's private entries count too, and roles."""
    rows = yield Sql(
        "SELECT mailbox FROM metadata WHERE account = ? AND value IS NOT NULL"
        " UNION SELECT mailbox FROM mailbox WHERE account = ? AND role IS NOT NULL AND deleted_at IS NULL ORDER BY 1",
        (account, account),
    )
    return tuple(MailboxId(mailbox) for (mailbox,) in rows)
