"""Messages whose texts and numbers are in segments.

What is read is looked through where it is read, in the store's thread for long reads, some segments at a time.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.service.lanes import Lanes, cut, of_members, pick
from mailkeep.service.numbering import aside
from mailkeep.service.search_plan import Hits, Probe, by_place
from mailkeep.service.segment import BODY, HEAD, NUMBERS, Numbers, find_records, unpack_each, unpack_numbers
from mailkeep.service.words import WHERE, WORDS, find_words, has_words, is_exact, places_of, span_of
from mailkeep.store import ops
from mailkeep.store.contract import SEGMENT, Op, Store

LONG_AT_ONCE: Final = 32  # segments of heads or bodies; about 2 MB compressed
SHORT_AT_ONCE: Final = 1024  # segments of fields or numbers
DENSE: Final = 16  # messages wanted of each segment in a row: then all of the row are read
LISTS_AT_ONCE: Final = 16  # of words; about 2 MB compressed

Wanted = Mapping[Probe, set[int]]  # segments to look for it in
Places = dict[int, list[set[int]]]  # by list of words, for each needle: places of messages in the span


class Kept:
    """`messages` ascends; all are below `indexed_to`."""

    def __init__(
        self, store: Store, account: AccountId, messages: Sequence[int], indexed_to: int, probes: Iterable[Probe]
    ) -> None:
        self._store = store
        self._account = account
        self.messages = messages
        self._indexed_to = indexed_to
        self._probes = by_place(probes)
        self._hits: dict[Probe, list[int]] = {probe: [] for probe in probes}
        self._read: dict[str, set[int]] = {}  # segments by place
        self._numbers: Numbers | None = None

    async def find(self, probe: Probe, lanes: Lanes) -> Lanes:
        """See `Texts.find`."""
        place = probe.place
        read = self._read.setdefault(place, set())
        segments = self._segments(lanes) - read
        if segments:
            wanted: Wanted = dict.fromkeys(self._probes[place], segments)
            if place == BODY:
                wanted = await self._look_up(wanted, segments)
            await self._look(place, wanted)
            read |= segments
        return of_members(self.messages, self._hits[probe]) & lanes

    def _segments(self, lanes: Lanes) -> set[int]:
        """Where those messages are; some more if that is told at once."""
        near = range(self.messages[0] // SEGMENT, self.messages[-1] // SEGMENT + 1)
        if len(near) * DENSE <= lanes.bit_count():
            return set(near)
        return {message // SEGMENT for message in pick(self.messages, lanes, len(self.messages))}

    async def _look_up(self, wanted: Wanted, segments: set[int]) -> Wanted:
        """Ask the words of whole spans first; what remains to be looked for, and where."""
        probes = [probe for probe in wanted if has_words(probe.needle)]
        if not probes:
            return wanted
        spans = {span_of(segment) for segment in segments}
        lists = sorted(span[-1] for span in spans if span.stop * SEGMENT <= self._indexed_to)
        places: Places = {}
        for some in cut(lists, LISTS_AT_ONCE):
            needles = tuple(probe.needle for probe in probes)
            places |= await self._store.scan(look_up, self._account, UidSet(some), needles)
        hits, remaining = await aside(len(probes) * len(places), _judge, wanted, probes, places)
        self._take(hits)
        return remaining

    async def _look(self, place: str, wanted: Wanted) -> None:
        segments = sorted(set().union(*wanted.values()))
        for some in cut(segments, LONG_AT_ONCE if place in (HEAD, BODY) else SHORT_AT_ONCE):
            self._take(await self._store.scan(look_through, self._account, place, UidSet(some), wanted))

    def _take(self, hits: Hits) -> None:
        for probe, messages in hits.items():
            self._hits[probe] += messages

    async def numbers(self, lanes: Lanes) -> Numbers:  # noqa: ARG002  all at once
        """See `Texts.numbers`."""
        if self._numbers is None:
            self._numbers = await self._store.scan(numbers_of, self._account, self.messages)
        return self._numbers


def look_up(account: AccountId, lists: UidSet, needles: tuple[bytes, ...]) -> Op[Places]:
    """By list of words, which goes by the last segment of its span: for each needle, where it is or may be.

    One operation, because words and where they are must be of the same moment.
    """
    rows = yield from ops.read_text(account, WORDS, lists)
    found = {last: find_words(words, needles) for last, words in rows}
    some = UidSet(last for last, words in found.items() if any(words))
    rows = (yield from ops.read_text(account, WHERE, some)) if some else []
    nowhere: list[set[int]] = [set() for _ in needles]
    return dict.fromkeys(found, nowhere) | {last: places_of(where, found[last]) for last, where in rows}


def _judge(wanted: Wanted, probes: list[Probe], places: Places) -> tuple[Hits, Wanted]:
    """What the words have settled, and which segments must still be looked through."""
    hits: dict[Probe, list[int]] = {probe: [] for probe in probes}
    remaining = {probe: set(segments) for probe, segments in wanted.items()}
    for last, found in places.items():
        span = span_of(last)
        for probe, some in zip(probes, found, strict=True):
            messages = [span.start * SEGMENT + place for place in some]
            if is_exact(probe.needle):
                hits[probe] += messages
                remaining[probe].difference_update(span)
            else:
                remaining[probe] -= set(span).difference(message // SEGMENT for message in messages)
    return hits, remaining


def look_through(account: AccountId, place: str, segments: UidSet, wanted: Wanted) -> Op[Hits]:
    """In which messages of the segments each probe finds something."""
    hits: dict[Probe, list[int]] = {probe: [] for probe in wanted}
    for segment, records in unpack_each((yield from ops.read_text(account, place, segments))):
        for probe, asked in wanted.items():
            if segment in asked:
                first = segment * SEGMENT
                hits[probe] += [first + number for number in find_records(records, probe.needle, probe.field)]
    return hits


def numbers_of(account: AccountId, messages: Sequence[int]) -> Op[Numbers]:
    """The numbers of just these messages, out of those of their segments."""
    segments = UidSet({message // SEGMENT for message in messages})
    every = Numbers(array("q"), array("q"), array("q"))
    start: dict[int, int] = {}  # where the numbers of a segment begin
    for segment, data in (yield from ops.read_text(account, NUMBERS, segments)):
        start[segment] = len(every.sent)
        numbers = unpack_numbers(data)
        every.arrived.extend(numbers.arrived)
        every.sizes.extend(numbers.sizes)
        every.sent.extend(numbers.sent)
    at = [start[message // SEGMENT] + message % SEGMENT for message in messages]
    return Numbers(*(array("q", map(column.__getitem__, at)) for column in (every.arrived, every.sizes, every.sent)))
