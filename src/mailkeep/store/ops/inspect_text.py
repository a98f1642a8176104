"""A stretch of an account's text index, beside the messages that it is about."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import SEGMENT, Op, Sql, TextInspection
from mailkeep.store.ops.get_text_index import get_text_index


def inspect_text(account: AccountId, first: int, last: int) -> Op[TextInspection]:
    """Everything that is kept of segments `first` to `last`, in one snapshot.  Raises: NotFound."""
    index = yield from get_text_index(account)
    segments = (account, first, last)
    stale = yield Sql("SELECT segment FROM text_stale WHERE account = ? AND segment BETWEEN ? AND ?", segments)
    rows = yield Sql(
        "SELECT kind, segment, data FROM text_segment WHERE account = ? AND segment BETWEEN ? AND ?"
        " ORDER BY kind, segment",
        segments,
    )
    messages = yield Sql(
        "SELECT message, internaldate, size FROM message"
        " WHERE account = ? AND message BETWEEN ? AND ? ORDER BY message",
        (account, first * SEGMENT, last * SEGMENT + SEGMENT - 1),
    )
    return TextInspection(index, UidSet(segment for (segment,) in stale), tuple(rows), tuple(messages))
