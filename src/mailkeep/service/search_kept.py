"""Messages whose texts and numbers are in segments.

What is read is looked through where it is read, in the store's thread for long reads, some segments at a time.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mailkeep import telemetry
from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.uidset import UidSet
from mailkeep.service.lanes import Lanes, cut, every, of_members, pick
from mailkeep.service.numbering import aside
from mailkeep.service.search_fresh import Fresh, at_once
from mailkeep.service.search_plan import Hits, Probe, by_place
from mailkeep.service.segment import BODY, DAMAGE, HEAD, NUMBERS, Numbers, find_records, unpack_each, unpack_numbers
from mailkeep.service.words import WHERE, WORDS, find_words, has_words, is_exact, is_whole, places_of, span_of
from mailkeep.store import ops
from mailkeep.store.contract import SEGMENT, Op, Store

LONG_AT_ONCE: Final = 32  # segments of heads or bodies; about 2 MB compressed
SHORT_AT_ONCE: Final = 1024  # segments of fields or numbers
DENSE: Final = 16  # messages wanted of each segment in a row: then all of the row are read
LISTS_AT_ONCE: Final = 16  # of words; about 2 MB compressed

log = telemetry.logger()

Wanted = Mapping[Probe, set[int]]  # segments to look for it in
Places = dict[int, list[set[int]]]  # by list of words, for each needle: places of messages in the span


class Kept:
    """`messages` ascends; all are below `indexed_to`; `uids` are theirs.

    What is damaged in the index is read from the messages themselves, logged, and written anew by the indexer.
    """

    def __init__(
        self,
        store: Store,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[int],
        messages: Sequence[int],
        indexed_to: int,
        probes: Iterable[Probe],
    ) -> None:
        self._store = store
        self._account = account
        self._mailbox = mailbox
        self._uids = uids
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
        for some in cut(lists, at_once(LISTS_AT_ONCE, len(probes))):
            needles = tuple(probe.needle for probe in probes)
            found, damaged = await self._store.scan(look_up, self._account, UidSet(some), needles)
            places |= found
            if damaged:
                self._doubt(WHERE, damaged)
        hits, remaining = await aside(len(probes) * len(places), _judge, wanted, probes, places)
        self._take(hits)
        return remaining

    async def _look(self, place: str, wanted: Wanted) -> None:
        segments = sorted(set().union(*wanted.values()))
        most = LONG_AT_ONCE if place in (HEAD, BODY) else SHORT_AT_ONCE
        for some in cut(segments, at_once(most, len(wanted))):
            hits, damaged = await self._store.scan(look_through, self._account, place, UidSet(some), wanted)
            self._take(hits)
            if damaged:
                self._doubt(place, damaged)
                await self._look_into(damaged, wanted)

    def _doubt(self, kind: str, segments: set[int]) -> None:
        """Have these segments written anew."""
        damaged = UidSet(segments)
        log.error("search.index_damaged", account=self._account, kind=kind, segments=str(damaged))
        self._store.later(ops.doubt_text, self._account, damaged)

    async def _look_into(self, damaged: set[int], wanted: Wanted) -> None:
        """The messages themselves, of segments that cannot be read."""
        fresh, count = self._fresh(damaged, wanted)
        for probe, asked in wanted.items():
            if asked & damaged:
                found = await fresh.find(probe, every(count))
                self._hits[probe] += pick(fresh.messages, found, count)

    def _fresh(self, damaged: set[int], probes: Iterable[Probe]) -> tuple[Fresh, int]:
        """Those messages that are wanted of the segments, and how many."""
        places = [place for place, message in enumerate(self.messages) if message // SEGMENT in damaged]
        uids, messages = ([numbers[place] for place in places] for numbers in (self._uids, self.messages))
        return Fresh(self._store, self._account, self._mailbox, uids, messages, probes), len(places)

    def _take(self, hits: Hits) -> None:
        for probe, messages in hits.items():
            self._hits[probe] += messages

    async def numbers(self, lanes: Lanes) -> Numbers:  # noqa: ARG002  all at once
        """See `Texts.numbers`."""
        if self._numbers is not None:
            return self._numbers
        numbers, damaged = await self._store.scan(numbers_of, self._account, self.messages)
        if damaged:
            self._doubt(NUMBERS, damaged)
            await self._put_in_place(numbers, damaged)
        self._numbers = numbers
        return numbers

    async def _put_in_place(self, numbers: Numbers, damaged: set[int]) -> None:
        """The numbers of the messages themselves, where those of the segments cannot be read."""
        fresh, count = self._fresh(damaged, ())
        right = await fresh.numbers(every(count))
        places = [place for place, message in enumerate(self.messages) if message // SEGMENT in damaged]
        for i, place in enumerate(places):
            numbers.arrived[place] = right.arrived[i]
            numbers.sizes[place] = right.sizes[i]
            numbers.sent[place] = right.sent[i]


def look_up(account: AccountId, lists: UidSet, needles: tuple[bytes, ...]) -> Op[tuple[Places, set[int]]]:
    """By list of words, which goes by the last segment of its span: for each needle, where it is or may be.

    Lists that are damaged are told apart.  One operation, because words and where they are must be of the same moment.
    """
    rows = yield from ops.read_text(account, WORDS, lists)
    found = {last: find_words(words, needles) for last, words in rows if is_whole(words)}
    some = UidSet(last for last, words in found.items() if any(words))
    rows = (yield from ops.read_text(account, WHERE, some)) if some else []
    where: dict[int, bytes] = dict(rows)
    nowhere: list[set[int]] = [set() for _ in needles]
    places: Places = dict.fromkeys(found, nowhere)
    damaged = set(lists) - found.keys()
    for last in some:
        try:
            places[last] = places_of(where.get(last, b""), found[last])
        except DAMAGE:
            del places[last]
            damaged.add(last)
    return places, damaged


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


def look_through(account: AccountId, place: str, segments: UidSet, wanted: Wanted) -> Op[tuple[Hits, set[int]]]:
    """In which messages of the segments each probe finds something; and which segments cannot be read."""
    hits: dict[Probe, list[int]] = {probe: [] for probe in wanted}
    damaged = set(segments)
    for segment, records in unpack_each((yield from ops.read_text(account, place, segments))):
        if records is None:
            continue
        damaged.remove(segment)
        for probe, asked in wanted.items():
            if segment in asked:
                first = segment * SEGMENT
                hits[probe] += [first + number for number in find_records(records, probe.needle, probe.field)]
    return hits, damaged


def numbers_of(account: AccountId, messages: Sequence[int]) -> Op[tuple[Numbers, set[int]]]:
    """The numbers of just these messages, out of those of their segments; and which segments cannot be read."""
    segments = UidSet({message // SEGMENT for message in messages})
    found = Numbers(array("q"), array("q"), array("q"))
    start: dict[int, int] = {}  # where the numbers of a segment begin
    for segment, data in (yield from ops.read_text(account, NUMBERS, segments)):
        try:
            numbers = unpack_numbers(data)
        except DAMAGE:
            continue
        start[segment] = len(found.sent)
        found.arrived.extend(numbers.arrived)
        found.sizes.extend(numbers.sizes)
        found.sent.extend(numbers.sent)
    damaged = set(segments) - start.keys()
    if damaged:
        start |= dict.fromkeys(damaged, len(found.sent))
        for column in (found.arrived, found.sizes, found.sent):
            column.frombytes(bytes(8 * SEGMENT))
    at = [start[message // SEGMENT] + message % SEGMENT for message in messages]
    columns = (array("q", map(column.__getitem__, at)) for column in (found.arrived, found.sizes, found.sent))
    return Numbers(*columns), damaged
