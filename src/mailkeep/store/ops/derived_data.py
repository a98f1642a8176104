"""Derived data of one kind, as plain rows."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op, Rows, Sql


def derived_data(account: AccountId, kind: str, messages: UidSet) -> Op[Rows]:
    """(message, version, data) of those of `messages` that have any, ascending."""
    return (
        yield Sql(
            "SELECT message, version, data FROM derived WHERE account = ? AND kind = ? AND message IN ?"
            " ORDER BY message",
            (account, kind, messages),
        )
    )
