"""When messages came into being, and how large they are, as plain rows."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op, Rows, Sql


def message_facts(account: AccountId, messages: UidSet) -> Op[Rows]:
    """(message, internaldate, size) of those of `messages` that exist, ascending."""
    return (
        yield Sql(
            "SELECT message, internaldate, size FROM message WHERE account = ? AND message IN ? ORDER BY message",
            (account, messages),
        )
    )
