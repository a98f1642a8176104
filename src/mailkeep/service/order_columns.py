"""Columns of a mailbox, kept as long as its view is there: what was sorted once is sorted quickly again.

A column that is kept goes on from where it is: values are read of new messages only, and sorting what is in order but
for its end takes hardly longer than looking at it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, compress, count
from operator import ne
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from mailkeep.service.lanes import cut
from mailkeep.service.numbering import Numberings, aside
from mailkeep.service.order_read import DATE, DATED, PIECE, Reader, Value, What
from mailkeep.service.pieces import Work, at_once, in_thread, sort_in_pieces
from mailkeep.service.view import View
from mailkeep.store.contract import Store

T = TypeVar("T")

KEPT: Final = 1_000_000  # values of all columns together; 30 octets each, or 100 where all texts differ
FEW: Final = 64  # new values that are put in their places one by one


@dataclass(slots=True, eq=False)
class Column:
    """The values of `uids`, by place.

    `order`: the first places, or all, by value and then by place, as far as anybody has asked for it.  `ranks`, by
    place: equal for equal values, less for lesser ones; empty until asked for.
    """

    uids: array[int]
    values: list[Value]
    order: array[int] = field(default_factory=lambda: array("I"))
    ranks: array[int] = field(default_factory=lambda: array("I"))
    used: int = 0

    @property
    def top(self) -> int:
        """The greatest rank."""
        return self.ranks[self.order[-1]] if self.ranks else 0


class Columns:
    """The columns of all views."""

    def __init__(self, store: Store, numberings: Numberings) -> None:
        self._reader = Reader(store)
        self._numberings = numberings
        self._kept: WeakKeyDictionary[View, dict[What, Column]] = WeakKeyDictionary()
        self._clock = count()

    async def get(self, view: View, uids: array[int], what: What) -> Column:
        """A column for the UIDs that the view has, or had a moment ago.  Raises: NotFound, Unavailable."""
        column = self._kept.get(view, {}).get(what)
        if column is None or column.uids != uids:
            column = await self._bring_forward(view, column or Column(array("I"), []), uids, what)
            self._kept.setdefault(view, {})[what] = column
            self._forget()
        column.used = next(self._clock)
        return column

    async def ordered(self, view: View, uids: array[int], what: What, *, ranked: bool) -> Column:
        """The same, with its order and, if asked for, its ranks."""
        column = await self.get(view, uids, what)
        if len(column.order) < len(uids):
            few = len(uids) - len(column.order) <= FEW
            column.order = await carry_out(_insert(column) if few else _order(column), FEW if few else len(uids))
        if ranked and len(column.ranks) < len(uids):
            column.ranks = await carry_out(_ranks(column.order, column.values.__getitem__), len(uids))
        return column

    async def _bring_forward(self, view: View, old: Column, uids: array[int], what: What) -> Column:
        if old.uids != uids[: len(old.uids)]:
            old = await carry_out(_without_the_gone(old, uids), len(uids))
        numbering = await self._numberings.of_view(view, uids)
        start = len(old.uids)
        messages = numbering.messages[start:]
        values = await self._reader.read(view.account, messages, What(DATE) if what.name == DATED else what)
        if what.name == DATED:
            values = await aside(len(values), _dated, values, uids[start:])
        return Column(uids, old.values + values, old.order)

    def _forget(self) -> None:
        """Those used longest ago, until the rest is few enough."""
        columns = [(column.used, view, what) for view, kept in self._kept.items() for what, column in kept.items()]
        many = sum(len(self._kept[view][what].values) for _, view, what in columns)
        for _, view, what in sorted(columns, key=lambda column: column[0]):
            if many <= KEPT:
                break
            many -= len(self._kept[view].pop(what).values)


async def carry_out(work: Work[T], many: int) -> T:
    """In a thread if it is about many things."""
    return await in_thread(work) if many > PIECE else at_once(work)


def _without_the_gone(old: Column, uids: array[int]) -> Work[Column]:
    """What is left of a column, as far as it agrees with `uids`."""
    present = frozenset(uids)
    yield
    stays = bytes(map(present.__contains__, old.uids))
    left = array("I", compress(old.uids, stays))
    yield
    if left != uids[: len(left)]:
        return Column(array("I"), [])
    moved = array("I", accumulate(stays, initial=0))
    order = array("I", map(moved.__getitem__, compress(old.order, map(stays.__getitem__, old.order))))
    yield
    return Column(left, list(compress(old.values, stays)), order)


def _dated(dates: Sequence[int], uids: array[int]) -> list[Value]:
    return [(date << 32) + uid for date, uid in zip(dates, uids, strict=True)]


def _order(column: Column) -> Work[array[int]]:
    """The whole order, from what there is of it: what is in order is sorted in no time."""
    places = [*column.order, *range(len(column.order), len(column.uids))]
    yield
    return array("I", (yield from sort_in_pieces(places, column.values.__getitem__)))


def _insert(column: Column) -> Work[array[int]]:
    """The same for a few new places."""
    order = column.order[:]
    value_of = column.values.__getitem__
    for place in range(len(order), len(column.uids)):
        order.insert(bisect_right(order, value_of(place), key=value_of), place)
        yield
    return order


def _ranks(order: Sequence[int], key: Callable[[int], Value]) -> Work[array[int]]:
    """By place, the rank of its key."""
    ranks = array("I", bytes(4 * len(order)))
    rank, last = 0, key(order[0]) if order else None
    for some in cut(order, PIECE):
        keys = list(map(key, some))
        new = map(ne, keys, chain((last,), keys))
        found = list(accumulate(new, initial=rank))[1:]
        for place, at in zip(some, found, strict=True):
            ranks[place] = at
        rank, last = found[-1], keys[-1]
        yield
    return ranks


def place_of(uids: array[int], uid: int) -> int:
    """Where `uid` stands, or -1."""
    at = bisect_left(uids, uid)
    return at if at < len(uids) and uids[at] == uid else -1
