"""Which message each entry of a mailbox is."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.store.contract import Op, Rows, Sql


def message_numbers(account: AccountId, mailbox: MailboxId, after: int, limit: int) -> Op[Rows]:
    """(uid, message) of the first `limit` entries with UIDs greater than `after`, ascending."""
    return (
        yield Sql(
            "SELECT uid, message FROM entry WHERE account = ? AND mailbox = ? AND uid > ? ORDER BY uid LIMIT ?",
            (account, mailbox, after, limit),
        )
    )
