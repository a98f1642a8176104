"""Searching a mailbox: exact, substring, without regard to case in any script.

- The query is compiled once into a test per message; what it costs decides the order: flags from the view first, then
  numbers and dates from the rows, then kept header fields, then the message itself.
- Rows are read in batches on the event loop; messages are looked into in a thread, so that nobody waits for a scan.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from calendar import timegm
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Final

from mailkeep.formats.mime.scan import Part, scan
from mailkeep.formats.mime.text import body_texts, field_texts, fold, matches, search_texts
from mailkeep.model import query as q
from mailkeep.model.flags import More
from mailkeep.model.ids import Uid
from mailkeep.model.message import NO_MORE
from mailkeep.model.uidset import UidSet
from mailkeep.service.messages import Fetched, Messages
from mailkeep.service.search_fields import SEARCH_FIELDS, SEARCHED, SearchFields, decode
from mailkeep.service.view import View

BATCH: Final = 200  # rows read at a time
BATCH_OCTETS: Final = 4 * 1024 * 1024  # of messages held at a time; a single larger one is held alone


class Cost(IntEnum):
    """What must be at hand to test a message, cheapest first."""

    VIEW = 0
    ROW = 1
    FIELDS = 2
    MESSAGE = 3


class Candidate:
    """One message under test; its parts are decoded when a test asks for them, and once."""

    __slots__ = ("__dict__", "mask", "modseq", "more", "octets", "row", "uid")

    def __init__(self, uid: Uid, mask: int, more: More, modseq: int) -> None:
        self.uid = uid
        self.mask = mask
        self.more = more
        self.modseq = modseq
        self.row: Fetched
        self.octets = b""

    @cached_property
    def fields(self) -> SearchFields:
        """The kept header fields."""
        (found,) = self.row.derived
        assert found is not None
        return decode(found[1])

    @cached_property
    def part(self) -> Part:
        """The structure of the message."""
        return scan(self.octets)

    @cached_property
    def folded_texts(self) -> list[str]:
        """All that BODY looks at, folded: many keys may look at it."""
        return [fold(text) for text in body_texts(self.part, self.octets)]


Test = Callable[[Candidate], bool]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query as a test, and what the test needs."""

    cost: Cost
    test: Test


class Search:
    """Finds messages in a view."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    async def search(self, view: View, known: Sequence[int], query: q.Query) -> list[int]:
        """Those of `known` (ascending) that exist and match, ascending."""
        cheap, costly = _split(query)
        candidates = [c for c in _candidates(view, known) if cheap.test(c)]
        if costly is None:
            return [int(c.uid) for c in candidates]
        found: list[int] = []
        for start in range(0, len(candidates), BATCH):
            batch = candidates[start : start + BATCH]
            found += await self._test(view, batch, costly)
        return found

    async def _test(self, view: View, batch: list[Candidate], compiled: Compiled) -> list[int]:
        kinds = (SEARCH_FIELDS.kind,) if compiled.cost >= Cost.FIELDS else ()
        uids = UidSet(c.uid for c in batch)
        rows = {
            row.entry.uid: row
            for row in await self._messages.fetch(
                view.account, view.mailbox, uids, kinds, bodies=compiled.cost == Cost.MESSAGE
            )
            if not row.gone
        }
        present = [c for c in batch if c.uid in rows]
        for candidate in present:
            candidate.row = rows[candidate.uid]
        if compiled.cost < Cost.MESSAGE:
            return [int(c.uid) for c in present if compiled.test(c)]
        found: list[int] = []
        for some in _by_size(present):
            for candidate in some:
                candidate.octets = self._messages.open_body(view.account, candidate.row).read()
            found += await asyncio.get_running_loop().run_in_executor(None, _test_all, some, compiled.test)
        return found


def _test_all(candidates: list[Candidate], test: Test) -> list[int]:
    found: list[int] = []
    for candidate in candidates:
        if test(candidate):
            found.append(candidate.uid)
        candidate.octets = b""
        candidate.__dict__.clear()
    return found


def _by_size(candidates: list[Candidate]) -> Iterator[list[Candidate]]:
    """Cut into runs that may be held in memory together."""
    run: list[Candidate] = []
    size = 0
    for candidate in candidates:
        if run and size + candidate.row.entry.size > BATCH_OCTETS:
            yield run
            run, size = [], 0
        run.append(candidate)
        size += candidate.row.entry.size
    if run:
        yield run


def _candidates(view: View, known: Sequence[int]) -> Iterator[Candidate]:
    for uid in known:
        i = view.index(uid)
        if i >= 0:
            yield Candidate(Uid(uid), view.masks[i], view.more.get(Uid(uid), NO_MORE), view.modseqs[i])


def _split(query: q.Query) -> tuple[Compiled, Compiled | None]:
    """What the view alone decides, and the rest."""
    terms = query.terms if isinstance(query, q.And) else (query,)
    compiled = [compile_query(term) for term in terms]
    cheap = _all([c for c in compiled if c.cost == Cost.VIEW])
    costly = [c for c in compiled if c.cost > Cost.VIEW]
    return cheap, _all(costly) if costly else None


def _all(terms: list[Compiled]) -> Compiled:
    terms = sorted(terms, key=lambda c: c.cost)
    tests = tuple(c.test for c in terms)
    return Compiled(max((c.cost for c in terms), default=Cost.VIEW), lambda c: all(test(c) for test in tests))


def _any(terms: list[Compiled]) -> Compiled:
    terms = sorted(terms, key=lambda c: c.cost)
    tests = tuple(c.test for c in terms)
    return Compiled(max((c.cost for c in terms), default=Cost.VIEW), lambda c: any(test(c) for test in tests))


def compile_query(query: q.Query) -> Compiled:
    """The test of a query; its depth is bounded by whoever parsed it."""
    match query:
        case q.And(terms):
            return _all([compile_query(term) for term in terms])
        case q.Or(terms):
            return _any([compile_query(term) for term in terms])
        case q.Not(term):
            inner = compile_query(term)
            return Compiled(inner.cost, lambda c: not inner.test(c))
        case q.All() | q.HasFlag() | q.HasKeyword() | q.UidIn() | q.ModSeqAtLeast():
            return Compiled(Cost.VIEW, _of_view(query))
        case q.HeaderContains(field, text):
            return _header(field.lower(), fold(text))
        case q.BodyContains(text):
            needle = fold(text)
            return Compiled(Cost.MESSAGE, lambda c: not needle or any(needle in text for text in c.folded_texts))
        case q.TextContains(text):
            return Compiled(Cost.MESSAGE, _text(fold(text)))
        case q.Before(of, day) | q.Since(of, day):
            return _date(of, day, before=isinstance(query, q.Before))
        case _:
            return Compiled(Cost.ROW, _of_row(query))


def _of_view(query: q.All | q.HasFlag | q.HasKeyword | q.UidIn | q.ModSeqAtLeast) -> Test:
    match query:
        case q.All():
            return lambda c: True  # noqa: ARG005  every message
        case q.HasFlag(mask):
            return lambda c: c.mask & mask == mask
        case q.HasKeyword(number):
            return lambda c: number in c.more
        case q.UidIn(uids):
            return lambda c: c.uid in uids
        case q.ModSeqAtLeast(modseq):
            return lambda c: c.modseq >= modseq


def _of_row(query: q.ArrivedUntil | q.ArrivedFrom | q.Larger | q.Smaller | q.EmailIs | q.ThreadIs) -> Test:
    match query:
        case q.ArrivedUntil(at):
            return lambda c: c.row.entry.internaldate <= at
        case q.ArrivedFrom(at):
            return lambda c: c.row.entry.internaldate >= at
        case q.Larger(size):
            return lambda c: c.row.entry.size > size
        case q.Smaller(size):
            return lambda c: c.row.entry.size < size
        case q.EmailIs(emailid):
            return lambda c: c.row.entry.emailid == emailid
        case q.ThreadIs(threadid):
            return lambda c: c.row.entry.threadid == threadid


def _date(of: q.DateOf, day: dt.date, *, before: bool) -> Compiled:
    start = timegm(day.timetuple())
    match of:
        case q.DateOf.SENT:
            return Compiled(Cost.FIELDS, lambda c: c.fields.sent is not None and (c.fields.sent < day) is before)
        case q.DateOf.INTERNAL:
            return Compiled(Cost.ROW, lambda c: (c.row.entry.internaldate < start) is before)
        case q.DateOf.SAVED:
            return Compiled(Cost.ROW, lambda c: (c.row.entry.saved_at < start) is before)


def _header(field: str, needle: str) -> Compiled:
    if field in SEARCHED:
        return Compiled(Cost.FIELDS, lambda c: (text := c.fields.texts.get(field)) is not None and needle in text)
    name = field.encode("utf-8", "replace")
    return Compiled(Cost.MESSAGE, lambda c: any(needle in fold(text) for text in field_texts(c.part, c.octets, name)))


def _text(needle: str) -> Test:
    def test(c: Candidate) -> bool:
        return matches(needle, search_texts(c.part, c.octets))

    return test
