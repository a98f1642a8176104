"""Messages by their own numbers, with their octets where these are in the row."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op, Rows, Sql


def message_octets(account: AccountId, messages: UidSet) -> Op[Rows]:
    """(message, internaldate, size, blob, data) of those of `messages` that exist, ascending; `data` may be None.

    Then its octets are `Store.open_blob(blob)`.
    """
    return (
        yield Sql(
            "SELECT m.message, m.internaldate, m.size, m.blob, b.data FROM message m"
            " LEFT JOIN blob b ON b.account = m.account AND b.blob = m.blob"
            " WHERE m.account = ? AND m.message IN ? ORDER BY m.message",
            (account, messages),
        )
    )
