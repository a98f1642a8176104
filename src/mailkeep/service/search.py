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
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from mailkeep.model import query as q
from mailkeep.model.uidset import EMPTY
from mailkeep.service import lanes as lane
from mailkeep.service.fuzzy import relevancy
from mailkeep.service.lanes import Lanes, cut, pick
from mailkeep.service.numbering import Numbering, Numberings, aside
from mailkeep.service.pace import Pace
from mailkeep.service.search_arrays import Arrays
from mailkeep.service.search_batch import Batch
from mailkeep.service.search_fresh import Fresh
from mailkeep.service.search_kept import Kept
from mailkeep.service.search_plan import Probe, make_plan, probes, split
from mailkeep.service.segment import VERSION
from mailkeep.service.view import View
from mailkeep.store import ops
from mailkeep.store.contract import SEGMENT, Store, TextIndex

BATCH: Final = 64 * SEGMENT  # messages searched together in segments: what the loop does for them is quick
FRESH_BATCH: Final = 4000  # and without


def _ignore(_: int) -> None:
    pass


class Search:
    """Finds messages in a view."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.numberings = Numberings(store)

    async def search(
        self, view: View, known: Sequence[int], query: q.Query, advance: Callable[[int], None] = _ignore
    ) -> list[int]:
        """Those of `known` (ascending) that exist and match, ascending.

        `advance` is told how many more messages of the view have been dealt with, where that takes long.
        """
        return await self._search(Arrays(view), known, query, advance)

    async def search_some(self, view: View, uids: Sequence[int], query: q.Query) -> list[int]:
        """The same for a few UIDs: it costs what they are, not what the mailbox is."""
        return await self._search(Arrays(view, uids), uids, query, _ignore)

    async def relevancy(self, view: View, found: Sequence[int], query: q.Query) -> bytes:
        """From 1 to 100, how well each of `found` fits the fuzzy query that found it (RFC 6203 §4)."""
        return await relevancy(query, found, lambda term: self._search(Arrays(view), found, term, _ignore))

    async def _search(
        self, arrays: Arrays, known: Sequence[int], query: q.Query, advance: Callable[[int], None]
    ) -> list[int]:
        view = arrays.view
        pace = Pace()
        cheap, costly = split(make_plan(query))
        if pace.is_over:  # thousands of keys
            await pace.give_way()
        lanes = _known(arrays.uids, known) & await arrays.evaluate(cheap)
        if costly is None or not lanes:
            return list(pick(arrays.uids, lanes, arrays.count))
        advance(arrays.count - lanes.bit_count())
        numbering = await self.numberings.of_view(view, arrays.uids)
        wanted = probes(costly)
        index = await self._store.read(ops.get_text_index, view.account)
        if index.version != VERSION:
            index = replace(index, indexed_to=0, loose=EMPTY)
        found: list[int] = []
        async for places in _pieces(numbering, lanes):
            for batch in self._batches(arrays, numbering.messages, places, index, wanted):
                found += await batch.search(costly)
            advance(len(places))
        return sorted(found)

    def _batches(
        self, arrays: Arrays, messages: array[int], places: Sequence[int], index: TextIndex, wanted: set[Probe]
    ) -> Iterator[Batch]:
        """All of `places`, which ascend by the number of the message."""
        store, account, mailbox = self._store, arrays.view.account, arrays.view.mailbox
        border = bisect_left(places, index.indexed_to, key=messages.__getitem__)
        kept, fresh = places[:border], places[border:]
        if index.loose:
            kept = [place for place in kept if messages[place] not in index.loose]
            fresh = sorted({*places}.difference(kept), key=messages.__getitem__)
        if kept:
            uids, numbers = _at(arrays.uids, kept), _at(messages, kept)
            texts = Kept(store, account, mailbox, uids, numbers, index.indexed_to, wanted)
            yield Batch(store, arrays, kept, texts)
        for some in cut(fresh, FRESH_BATCH):
            uids, numbers = _at(arrays.uids, some), _at(messages, some)
            yield Batch(store, arrays, some, Fresh(store, account, mailbox, uids, numbers, wanted))


async def _pieces(numbering: Numbering, lanes: Lanes) -> AsyncIterator[Sequence[int]]:
    """The places of `lanes`, some at a time, in the order of their messages; a range if they are all there."""
    count = len(numbering.uids)
    if numbering.ascending:
        for start in range(0, count, BATCH):
            size = min(BATCH, count - start)
            piece, whole = lanes >> 8 * start & lane.every(size), range(start, start + size)
            if piece:
                yield whole if piece == lane.every(size) else list(pick(whole, piece, size))
    else:
        ordered = await aside(count, numbering.ordered, list(pick(range(count), lanes, count)))
        for places in cut(ordered, BATCH):
            yield places


def _at(numbers: array[int], places: Sequence[int]) -> array[int]:
    """The numbers at those places."""
    if isinstance(places, range):
        return numbers[places.start : places.stop]
    return array(numbers.typecode, map(numbers.__getitem__, places))


def _known(uids: array[int], known: Sequence[int]) -> Lanes:
    """The places of those UIDs that a client knows: mostly the first ones, or all."""
    if uids[: len(known)] == known:
        return lane.every(len(known))
    return lane.of_members(uids, known)
