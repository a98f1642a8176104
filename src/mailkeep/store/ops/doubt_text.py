"""Segments of the text index that cannot be read."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import SEGMENT, Op
from mailkeep.store.steps.forget_text import forget_text


def doubt_text(account: AccountId, segments: UidSet) -> Op[None]:
    """They are to be written anew, as those with dead text are.  No modseq: nothing a client sees depends on it."""
    yield from forget_text(account, UidSet(segment * SEGMENT for segment in segments))
