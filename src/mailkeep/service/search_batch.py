"""Carrying out a plan on some messages of a mailbox together."""

from __future__ import annotations

import asyncio
from calendar import timegm
from collections.abc import Callable, Sequence
from typing import Protocol

from mailkeep.model import query as q
from mailkeep.service import lanes as lane
from mailkeep.service.lanes import Lanes, pick
from mailkeep.service.pace import Pace
from mailkeep.service.search_arrays import Arrays
from mailkeep.service.search_exact import confirm
from mailkeep.service.search_fresh import MESSAGES_AT_ONCE, read_rows, read_sources
from mailkeep.service.search_plan import Every, Exact, NumberQuery, OfRow, OfView, Plan, Probe, Some, Without
from mailkeep.service.segment import Numbers
from mailkeep.store.contract import Row, Store


class Texts(Protocol):
    """Texts and numbers of some messages, wherever they come from; `messages` are their numbers, ascending."""

    messages: Sequence[int]

    async def find(self, probe: Probe, lanes: Lanes) -> Lanes:
        """Those of `lanes` that hold it."""
        ...

    async def numbers(self, lanes: Lanes) -> Numbers:
        """Of all the messages, in order; right for `lanes` at least."""
        ...


class Batch:
    """Some messages of a mailbox, by place in its arrays, and where their texts are."""

    def __init__(self, store: Store, arrays: Arrays, places: Sequence[int], texts: Texts) -> None:
        self._store = store
        self._arrays = arrays
        self._places = places
        self._texts = texts
        self._rows: list[Row | None] | None = None
        self._pace = Pace()

    async def search(self, plan: Plan) -> list[int]:
        """The UIDs of those that match, in no order."""
        lanes = await self._evaluate(plan, lane.every(len(self._places)))
        return [self._arrays.uids[place] for place in pick(self._places, lanes, len(self._places))]

    async def _evaluate(self, plan: Plan, lanes: Lanes) -> Lanes:
        """Those of `lanes` for which it is true."""
        if not lanes:
            return 0
        if self._pace.is_over:
            await self._pace.give_way()
        match plan:
            case Every(terms):
                for term in terms:
                    lanes = await self._evaluate(term, lanes)
                return lanes
            case Some(terms):
                found = 0
                for term in terms:
                    found |= await self._evaluate(term, lanes ^ found)
                return found
            case Without(term):
                return lanes ^ await self._evaluate(term, lanes)
            case OfView():
                all_lanes = self._arrays.leaf(plan).to_bytes(self._arrays.count, "little")
                return lanes & lane.of_selector(bytes(map(all_lanes.__getitem__, self._places)))
            case OfRow(query):
                return lanes & await self._of_row(query, lanes)
            case Probe():
                return await self._texts.find(plan, lanes)
            case Exact(probe):
                return await self._confirm(plan, await self._texts.find(probe, lanes))

    async def _confirm(self, exact: Exact, lanes: Lanes) -> Lanes:
        messages = self._texts.messages
        found: list[int] = []
        for some in lane.cut(list(pick(messages, lanes, len(messages))), MESSAGES_AT_ONCE):
            sources = await read_sources(self._store, self._arrays.view.account, some)
            found += await asyncio.to_thread(confirm, sources, exact)
        return lanes & lane.of_members(messages, found)

    async def _of_row(self, query: NumberQuery, lanes: Lanes) -> Lanes:
        match query:
            case q.Before(q.DateOf.SAVED, day):
                start = timegm(day.timetuple())
                return await self._test_rows(lambda row: row[1] < start)
            case q.Since(q.DateOf.SAVED, day):
                start = timegm(day.timetuple())
                return await self._test_rows(lambda row: row[1] >= start)
            case q.EmailIs(emailid):
                return await self._test_rows(lambda row: row[4:6] == emailid)
            case q.ThreadIs(threadid):
                return await self._test_rows(lambda row: row[6:8] == threadid)
            case _:
                numbers = await self._texts.numbers(lanes)
                column, test = _test_of(query, numbers)
                return lane.of_test(test, column)

    async def _test_rows(self, test: Callable[[Row], bool]) -> Lanes:
        if self._rows is None:
            view = self._arrays.view
            uids = [self._arrays.uids[place] for place in self._places]
            rows = await read_rows(self._store, view.account, view.mailbox, uids)
            self._rows = [rows.get(uid) for uid in uids]
        return lane.of_test(lambda row: row is not None and test(row), self._rows)


def _test_of(query: NumberQuery, numbers: Numbers) -> tuple[Sequence[int], Callable[[int], bool]]:
    """The numbers that a query is about, and its test of one."""
    match query:
        case q.Before(q.DateOf.SENT, day):
            last = day.toordinal()
            return numbers.sent, lambda sent: 0 < sent < last
        case q.Since(q.DateOf.SENT, day):
            return numbers.sent, day.toordinal().__le__
        case q.Before(_, day):
            return numbers.arrived, timegm(day.timetuple()).__gt__
        case q.Since(_, day):
            return numbers.arrived, timegm(day.timetuple()).__le__
        case q.ArrivedUntil(at):
            return numbers.arrived, at.__ge__
        case q.ArrivedFrom(at):
            return numbers.arrived, at.__le__
        case q.Larger(size):
            return numbers.sizes, size.__lt__
        case q.Smaller(size):
            return numbers.sizes, size.__gt__
        case q.EmailIs() | q.ThreadIs():
            raise AssertionError("these are of the row")
