"""Sorting and threading a mailbox (RFC 5256).

- What is sorted by is read once (`order_columns`); the order itself is kept too, so that asking again costs no sorting.
- Whatever takes more than a few milliseconds runs in threads, in pieces: cancelling ends it at the next one.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import add
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakValueDictionary

from mailkeep.formats.collation import Comparator
from mailkeep.model.ids import AccountId
from mailkeep.model.order import Criterion, SortKey, Threading
from mailkeep.service import lanes as lane
from mailkeep.service import order_keys as k
from mailkeep.service import threads as t
from mailkeep.service.numbering import Numberings, aside
from mailkeep.service.order_columns import Columns, carry_out, place_of
from mailkeep.service.order_read import ARRIVED, DATE, DATED, SIZE, What
from mailkeep.service.pieces import Work, sort_in_pieces
from mailkeep.service.threads import NO_THREADS, Letters, Links, Threads
from mailkeep.service.view import View
from mailkeep.store.contract import Store

__all__ = ["Order", "Threads"]

REMEMBERED: Final = 8  # results for each view
LINKED: Final = 200_000  # messages of which it is kept who answers whom; some 150 octets each
FEW: Final = 16  # of so many messages one is wanted: then those are sorted by themselves

_TEXT_COLUMNS: Final = {
    SortKey.CC: k.CC,
    SortKey.FROM: k.FROM,
    SortKey.SUBJECT: k.SUBJECT,
    SortKey.TO: k.TO,
    SortKey.DISPLAYFROM: k.DISPLAY_FROM,
    SortKey.DISPLAYTO: k.DISPLAY_TO,
}
_NUMBER_COLUMNS: Final = {SortKey.ARRIVAL: ARRIVED, SortKey.DATE: DATE, SortKey.SIZE: SIZE}


@dataclass(frozen=True, slots=True)
class Collation:
    """How texts are compared; `reverse`: the other way round (RFC 4790 §3.3)."""

    comparator: Comparator = Comparator.CASEMAP
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class _Result:
    """`value` is the answer for these messages, as long as the view has these."""

    uids: array[int]
    chosen: bytes
    value: Any


class Order:
    """Sorts and threads what was found in a view."""

    def __init__(self, store: Store, numberings: Numberings) -> None:
        self._columns = Columns(store, numberings)
        self._results: WeakKeyDictionary[View, OrderedDict[object, _Result]] = WeakKeyDictionary()
        self._links: WeakKeyDictionary[View, tuple[array[int], Links]] = WeakKeyDictionary()
        self._turns: WeakValueDictionary[AccountId, asyncio.Lock] = WeakValueDictionary()

    async def sort(
        self,
        view: View,
        found: Sequence[int],
        criteria: tuple[Criterion, ...],
        collation: Collation,
        scores: Mapping[int, int] | None = None,
    ) -> Sequence[int]:
        """Those of the UIDs `found` (ascending) that are still there, sorted.

        `scores`: by UID, for RELEVANCY, best first.  Raises: NotFound, Unavailable.
        """
        if len(found) < 2:
            return found
        async with self._turn(view):
            uids = view.uids[:]
            few = len(found) * FEW < len(uids) or scores is not None
            ranked = few or len(criteria) > 1 or criteria[0].reverse
            keys = [await self._key(view, uids, each, collation, scores or {}, ranked=ranked) for each in criteria]
            if few:
                places = [at for uid in found if (at := place_of(uids, uid)) >= 0]
                return await carry_out(_sort_some(uids, places, keys), len(places))
            order = await self._order_of_all(view, uids, (criteria, collation), keys)
            chosen = await aside(len(uids), _selector, uids, found)
            return await carry_out(_pick(uids, order, chosen), len(uids))

    async def _order_of_all(self, view: View, uids: array[int], name: object, keys: list[_Key]) -> Sequence[int]:
        if len(keys) == 1 and not keys[0].reverse:
            return keys[0].order
        known = self._known(view, name, uids, b"")
        if known is None:
            known = await carry_out(_order(keys, len(uids)), len(uids))
            self._remember(view, name, _Result(uids, b"", known))
        order: Sequence[int] = known
        return order

    async def _key(
        self,
        view: View,
        uids: array[int],
        criterion: Criterion,
        collation: Collation,
        scores: Mapping[int, int],
        *,
        ranked: bool,
    ) -> _Key:
        if criterion.key is SortKey.RELEVANCY:
            ranks = array("I", [100 - scores.get(uid, 0) for uid in uids])
            return _Key(ranks, 100, (), reverse=criterion.reverse)
        name = _NUMBER_COLUMNS.get(criterion.key)
        reverse = criterion.reverse
        what = What(name) if name is not None else What(_TEXT_COLUMNS[criterion.key], collation.comparator)
        if name is None:
            reverse = reverse != collation.reverse
        column = await self._columns.ordered(view, uids, what, ranked=ranked or reverse)
        return _Key(column.ranks, column.top, column.order, reverse=reverse)

    async def thread(self, view: View, found: Sequence[int], threading: Threading, collation: Collation) -> Threads:
        """The threads of the UIDs `found` (ascending), of those still there.  Raises: NotFound, Unavailable."""
        if not found:
            return NO_THREADS
        async with self._turn(view):
            uids = view.uids[:]
            chosen = await aside(len(uids), _selector, uids, found)
            if 1 not in chosen:
                return NO_THREADS
            name = (threading, collation.comparator)
            known = self._known(view, name, uids, chosen)
            if known is None:
                letters = await self._letters(view, uids, chosen, threading, collation)
                links = self._take_links(view, uids) if 0 not in chosen else Links()
                work = _thread(letters, array("I", compress(uids, chosen)), threading, links)
                known = await carry_out(work, len(found))
                if 0 not in chosen:
                    self._keep_links(view, uids, links)
                self._remember(view, name, _Result(uids, chosen, known))
            threads: Threads = known
            return threads

    async def _letters(
        self, view: View, uids: array[int], chosen: bytes, threading: Threading, collation: Collation
    ) -> Letters:
        async def column(name: str) -> Sequence[Any]:
            values = (await self._columns.get(view, uids, What(name, collation.comparator))).values
            return list(compress(values, chosen)) if 0 in chosen else values

        dates = await column(DATED)
        match threading:
            case Threading.ORDEREDSUBJECT:
                return Letters(dates, await column(k.SUBJECT))
            case Threading.REFERENCES:
                return Letters(dates, await column(k.SUBJECT), await column(k.REPLY), ids=await column(k.IDS))
            case Threading.REFS:
                return Letters(dates, arrivals=await column(ARRIVED), ids=await column(k.IDS))

    def _turn(self, view: View) -> asyncio.Lock:
        """One at a time for each account: who asks for the same then finds it done, and others have threads too."""
        return self._turns.setdefault(view.account, asyncio.Lock())

    def _take_links(self, view: View, uids: array[int]) -> Links:
        """What is known of who answers whom, for whoever extends it now: nobody else must meanwhile."""
        known = self._links.pop(view, None)
        return known[1] if known is not None and known[0] == uids[: len(known[0])] else Links()

    def _keep_links(self, view: View, uids: array[int], links: Links) -> None:
        if not len(links):
            return
        self._links[view] = uids, links
        while len(self._links) > 1 and sum(len(uids) for uids, _ in self._links.values()) > LINKED:
            del self._links[next(iter(self._links))]

    def _known(self, view: View, name: object, uids: array[int], chosen: bytes) -> Any:
        result = self._results[view].get(name) if view in self._results else None
        return result.value if result is not None and result.chosen == chosen and result.uids == uids else None

    def _remember(self, view: View, name: object, result: _Result) -> None:
        results = self._results.setdefault(view, OrderedDict())
        results[name] = result
        results.move_to_end(name)
        if len(results) > REMEMBERED:
            results.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Key:
    """One criterion.  `ranks` by place, up to `top`; `order`: see `Column`."""

    ranks: array[int]
    top: int
    order: Sequence[int]
    reverse: bool


def _joined(keys: Sequence[_Key], places: Sequence[int]) -> Work[list[int]]:
    """For each of the places, one number that compares as all its ranks do."""
    joined = [0] * len(places)
    for key in keys:
        ranks: list[int] = list(map(key.ranks.__getitem__, places))
        yield
        if key.reverse:
            ranks = list(map(key.top.__sub__, ranks))
            yield
        joined = list(map(add, map((key.top + 1).__mul__, joined), ranks))
        yield
    return joined


def _order(keys: Sequence[_Key], count: int) -> Work[array[int]]:
    joined = yield from _joined(keys, range(count))
    return array("I", (yield from sort_in_pieces(range(count), joined.__getitem__)))


def _sort_some(uids: array[int], places: list[int], keys: Sequence[_Key]) -> Work[list[int]]:
    joined = yield from _joined(keys, places)
    order = yield from sort_in_pieces(range(len(places)), joined.__getitem__)
    return [uids[places[at]] for at in order]


def _selector(uids: array[int], found: Sequence[int]) -> bytes:
    """An octet for each UID: 1 if it was found."""
    if len(found) == len(uids) and array("I", found) == uids:
        return b"\1" * len(uids)
    return lane.of_members(uids, found).to_bytes(len(uids), "little")


def _pick(uids: array[int], order: Sequence[int], chosen: bytes) -> Work[list[int]]:
    picked: list[int] = []
    everything = 0 not in chosen
    for some in lane.cut(order, t.PIECE * 8):
        picked += map(uids.__getitem__, some if everything else compress(some, map(chosen.__getitem__, some)))
        yield
    return picked


def _thread(letters: Letters, uids: array[int], threading: Threading, links: Links) -> Work[Threads]:
    if threading is Threading.ORDEREDSUBJECT:
        threads = yield from t.by_subject(letters)
    elif threading is Threading.REFERENCES:
        threads = yield from t.by_references(letters, links)
    else:
        threads = yield from t.by_arrival(letters, links)
    return Threads(array("I", map(uids.__getitem__, threads.members)), threads.brackets)
