"""Which message each entry of a view is: it never changes, so it is read once while the view is there."""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import le
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from mailkeep.service.lanes import FEW
from mailkeep.service.view import View
from mailkeep.store import ops
from mailkeep.store.contract import Store

T = TypeVar("T")

MANY: Final = 16_384  # of anything that a loop of Python goes over: more of it belongs in a thread, or in pieces


class Numbering:
    """The numbers of the messages of `uids`, which ascend; 0 where the entry has gone.

    `ascending`: the numbers are all there, and ascend too, as they do where mail is delivered.
    """

    __slots__ = ("ascending", "messages", "uids")

    def __init__(self, uids: array[int], messages: array[int], ascending_to: int = 0) -> None:
        """`ascending_to`: so many of the messages are known to ascend."""
        self.uids = uids
        self.messages = messages
        rest = messages[max(0, ascending_to - 1) :]
        self.ascending = 0 not in rest and all(map(le, rest, rest[1:]))

    def ordered(self, places: Sequence[int]) -> list[int]:
        """Those of the places that have a message, by its number."""
        return sorted((place for place in places if self.messages[place]), key=self.messages.__getitem__)

    def pick(self, uids: array[int]) -> Numbering:
        """For just these few UIDs."""
        places = [bisect_left(self.uids, uid) for uid in uids]
        found = [
            self.messages[place] if place < len(self.uids) and self.uids[place] == uid else 0
            for uid, place in zip(uids, places, strict=True)
        ]
        return Numbering(uids, array("q", found))

    def cut(self, uids: array[int]) -> Numbering:
        """For just these UIDs."""
        numbers = dict(zip(self.uids, self.messages, strict=True))
        return Numbering(uids, array("q", [numbers.get(uid, 0) for uid in uids]))


class Numberings:
    """A `Numbering` for each view that was searched, as long as it exists."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: WeakKeyDictionary[View, Numbering] = WeakKeyDictionary()

    async def of_view(self, view: View, uids: array[int]) -> Numbering:
        """For the UIDs that the view has, or had a moment ago."""
        known = self._known.get(view) or Numbering(array("I"), array("q"))
        if uids and (not known.uids or uids[-1] > known.uids[-1]):
            known = await self._extended(view, known)
        if len(uids) * FEW < len(known.uids):
            self._known[view] = known
            return known.pick(uids)
        if known.uids != uids:
            known = await aside(len(uids), known.cut, uids)
        self._known[view] = known
        return known

    async def _extended(self, view: View, known: Numbering) -> Numbering:
        uids, messages = known.uids[:], known.messages[:]
        last = uids[-1] if uids else 0
        while rows := await self._store.scan(ops.message_numbers, view.account, view.mailbox, last, MANY):
            uids.extend([uid for uid, _ in rows])
            messages.extend([message for _, message in rows])
            last = uids[-1]
            if len(rows) < MANY:
                break
        ascending_to = len(known.uids) if known.ascending else 0
        return await aside(len(uids) - ascending_to, Numbering, uids, messages, ascending_to)


async def aside(many: int, function: Callable[..., T], *args: object) -> T:
    """Call it, in a thread if it goes over many things."""
    return function(*args) if many <= MANY else await asyncio.to_thread(function, *args)
