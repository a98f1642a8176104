"""Segments of an account's text index."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op, Rows, Sql


def read_text(account: AccountId, kind: str, segments: UidSet) -> Op[Rows]:
    """(segment, data) of one kind, ascending."""
    return (
        yield Sql(
            "SELECT segment, data FROM text_segment WHERE account = ? AND kind = ? AND segment IN ? ORDER BY segment",
            (account, kind, segments),
        )
    )
