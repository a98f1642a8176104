"""Searching a mailbox: exact, substring, without regard to case in any script.

- What the view decides is decided on its arrays.  Of the rest, what costs least comes first and leaves less to do.
- Messages are taken in the order of their numbers, in batches; texts come from segments as far as these go, else from
  the messages themselves.  The answer does not depend on which.
- Whatever takes more than a few milliseconds runs in threads.  A search whose connection goes away is cancelled at its
  next batch.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Sequence
from operator import le
from typing import Final
from weakref import WeakKeyDictionary

from mailkeep.model import query as q
from mailkeep.model.uidset import EMPTY
from mailkeep.service import lanes as lane
from mailkeep.service.lanes import Lanes, pick
from mailkeep.service.search_arrays import Arrays
from mailkeep.service.search_batch import Batch
from mailkeep.service.search_plan import Probe, make_plan, probes, split
from mailkeep.service.search_texts import Fresh, Kept
from mailkeep.service.segment import VERSION
from mailkeep.service.view import View
from mailkeep.store import ops
from mailkeep.store.contract import Row, Store

BATCH: Final = 50_000  # messages searched together in segments
FRESH_BATCH: Final = 4_000  # and without


class Search:
    """Finds messages in a view."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers: WeakKeyDictionary[View, _Numbers] = WeakKeyDictionary()

    async def search(self, view: View, known: Sequence[int], query: q.Query) -> list[int]:
        """Those of `known` (ascending) that exist and match, ascending."""
        cheap, costly = split(make_plan(query))
        arrays = Arrays(view)
        lanes = _known(arrays.uids, known) & arrays.evaluate(cheap)
        if costly is None or not lanes:
            return list(pick(arrays.uids, lanes, arrays.count))
        arrays.prepare(costly)
        places = list(pick(range(arrays.count), lanes, arrays.count))
        numbers = await self._message_numbers(view, arrays.uids)
        found: list[int] = []
        async for batch in self._batches(arrays, numbers.messages, numbers.ordered(places), probes(costly)):
            found += await batch.search(costly)
        return sorted(found)

    async def _message_numbers(self, view: View, uids: array[int]) -> _Numbers:
        """The number of each UID's message.  It never changes, so it is read once."""
        known = self._numbers.get(view) or _Numbers(array("I"), array("q"))
        last = known.uids[-1] if known.uids else 0
        if uids and uids[-1] > last:
            rows = await self._store.scan(ops.message_numbers, view.account, view.mailbox, last)
            known = known.extended(rows)
        if known.uids != uids:
            known = known.cut(uids)
        self._numbers[view] = known
        return known

    async def _batches(
        self, arrays: Arrays, messages: array[int], places: list[int], wanted: set[Probe]
    ) -> AsyncIterator[Batch]:
        """All of `places`, which ascend by the number of the message."""
        store, account, mailbox = self._store, arrays.view.account, arrays.view.mailbox
        index = await store.read(ops.get_text_index, account)
        indexed_to, loose = (index.indexed_to, index.loose) if index.version == VERSION else (0, EMPTY)
        cut = bisect_left(places, indexed_to, key=messages.__getitem__)
        kept, fresh = places[:cut], places[cut:]
        if loose:
            kept = [place for place in kept if messages[place] not in loose]
            fresh += set(places[:cut]).difference(kept)
            fresh.sort(key=messages.__getitem__)
        for some in _cut(kept, BATCH):
            numbers = array("q", map(messages.__getitem__, some))
            yield Batch(store, arrays, some, Kept(store, account, numbers, wanted))
        for some in _cut(fresh, FRESH_BATCH):
            numbers = array("q", map(messages.__getitem__, some))
            uids = array("I", map(arrays.uids.__getitem__, some))
            yield Batch(store, arrays, some, Fresh(store, account, mailbox, uids, numbers, wanted))


class _Numbers:
    """Which message each UID of a mailbox is, 0 where the entry has gone.  UIDs ascend, messages mostly do."""

    __slots__ = ("_ascending", "messages", "uids")

    def __init__(self, uids: array[int], messages: array[int]) -> None:
        self.uids = uids
        self.messages = messages
        self._ascending = 0 not in messages and all(map(le, messages, messages[1:]))

    def ordered(self, places: list[int]) -> list[int]:
        """Those of the places that have a message, by its number."""
        if self._ascending:
            return places
        return sorted((place for place in places if self.messages[place]), key=self.messages.__getitem__)

    def extended(self, rows: list[Row]) -> _Numbers:
        """With more entries behind."""
        uids, messages = zip(*rows, strict=True) if rows else ((), ())
        return _Numbers(self.uids + array("I", uids), self.messages + array("q", messages))

    def cut(self, uids: array[int]) -> _Numbers:
        """For just these UIDs."""
        numbers = dict(zip(self.uids, self.messages, strict=True))
        return _Numbers(uids, array("q", [numbers.get(uid, 0) for uid in uids]))


def _known(uids: array[int], known: Sequence[int]) -> Lanes:
    """The places of those UIDs that a client knows: mostly the first ones, or all."""
    if uids[: len(known)] == known:
        return lane.every(len(known))
    return lane.of_members(uids, known)


def _cut(places: list[int], size: int) -> Iterator[list[int]]:
    return (places[start : start + size] for start in range(0, len(places), size))
