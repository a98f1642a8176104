"""Which mailboxes have metadata at all."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.store.contract import Op, Sql


def with_metadata(account: AccountId) -> Op[tuple[MailboxId, ...]]:
    """Ascending; somebody's private entries count too."""
    rows = yield Sql(
        "SELECT DISTINCT mailbox FROM metadata WHERE account = ? AND value IS NOT NULL ORDER BY mailbox", (account,)
    )
    return tuple(MailboxId(mailbox) for (mailbox,) in rows)
