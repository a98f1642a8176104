"""Text of messages that are no more must leave the index."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import SEGMENT, Op, Sql


def forget_text(account: AccountId, messages: UidSet) -> Op[None]:
    """Messages are gone for good: mark their segments, as part of the operation that removes them."""
    segments = UidSet({message // SEGMENT for message in messages})
    for segment in segments:
        yield Sql(
            "INSERT INTO text_stale SELECT account, CAST(? AS BIGINT) FROM text_index"
            " WHERE account = ? AND indexed_to > ? ON CONFLICT DO NOTHING",
            (segment, account, segment * SEGMENT),
        )
