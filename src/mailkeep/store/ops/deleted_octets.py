r"""How much an EXPUNGE would free."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.store.contract import Op, Sql


def deleted_octets(account: AccountId, mailbox: MailboxId) -> Op[int]:
    r"""The sum of the sizes of the entries with \Deleted, which an index finds; RFC 9208 §4.1.4."""
    [(octets,)] = yield Sql(
        "SELECT coalesce(sum(m.size), 0) FROM entry e JOIN message m ON m.account = e.account AND m.message = e.message"
        " WHERE e.account = ? AND e.mailbox = ? AND e.flags & 8 != 0",
        (account, mailbox),
    )
    return int(octets)
