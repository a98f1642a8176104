"""Where a search finds the texts and numbers of messages: kept in segments, or else made from the messages.

Both give the same answers.  What takes long runs in threads, in pieces that are bounded in memory: whatever is read is
looked through for everything that the query asks for, and dropped.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final, Protocol

from mailkeep.formats.mime.scan import scan
from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId, MailboxId, MessageId
from mailkeep.model.uidset import UidSet
from mailkeep.service.lanes import Lanes, of_members, pick
from mailkeep.service.search_fields import SEARCH_FIELDS
from mailkeep.service.search_plan import Probe
from mailkeep.service.segment import (
    BODY,
    HEAD,
    NUMBERS,
    Numbers,
    field_record,
    find_records,
    message_record,
    unpack,
    unpack_numbers,
)
from mailkeep.service.words import WHERE, WORDS, find_words, has_words, is_exact, places_of, span_of
from mailkeep.store import ops
from mailkeep.store.contract import SEGMENT, Derived, Op, Row, Rows, Store

SEGMENTS_AT_ONCE: Final = 64  # of long texts; about 4 MB compressed
LISTS_AT_ONCE: Final = 16  # of words; about 3 MB
SHORT_AT_ONCE: Final = 1024  # segments of fields or numbers
MESSAGES_AT_ONCE: Final = 64  # looked into
ROWS_AT_ONCE: Final = 4000

Hits = Mapping[Probe, list[int]]  # numbers of messages
Wanted = Mapping[Probe, set[int]]  # segments to look for it in
Places = dict[int, list[set[int]]]  # by list of words, for each needle: places of messages in the span


class Texts(Protocol):
    """Texts and numbers of some messages."""

    async def find(self, probe: Probe, lanes: Lanes) -> Lanes:
        """Those of `lanes` that hold it."""
        ...

    async def numbers(self, lanes: Lanes) -> Numbers:
        """Of all the messages, in order; right for `lanes` at least."""
        ...


class Kept:
    """Messages whose texts are in segments.  `messages` ascends, all are below `indexed_to`."""

    def __init__(
        self, store: Store, account: AccountId, messages: Sequence[int], indexed_to: int, probes: Iterable[Probe]
    ) -> None:
        self._store = store
        self._account = account
        self._messages = messages
        self._indexed_to = indexed_to
        self._probes = by_place(probes)
        self._hits: dict[Probe, list[int]] = {probe: [] for probe in probes}
        self._read: dict[str, set[int]] = {}  # segments by place
        self._numbers: Numbers | None = None

    async def find(self, probe: Probe, lanes: Lanes) -> Lanes:
        """See `Texts.find`."""
        place = probe.place
        read = self._read.setdefault(place, set())
        segments = {message // SEGMENT for message in pick(self._messages, lanes, len(self._messages))} - read
        if segments:
            wanted: Wanted = dict.fromkeys(self._probes[place], segments)
            if place == BODY:
                wanted = await self._look_up(wanted, segments)
            await self._look(place, wanted)
            read |= segments
        return of_members(self._messages, self._hits[probe]) & lanes

    async def _look_up(self, wanted: Wanted, segments: set[int]) -> Wanted:
        """Ask the words of whole spans first; what remains to be looked for, and where."""
        lists = UidSet(
            {last for each in segments if (last := span_of(each)[-1]) * SEGMENT + SEGMENT <= self._indexed_to}
        )
        probes = [probe for probe in wanted if has_words(probe.needle)]
        if not probes:
            return wanted
        places: Places = {}
        for some in _cut(sorted(lists), LISTS_AT_ONCE):
            needles = tuple(probe.needle for probe in probes)
            places |= await self._store.scan(look_up, self._account, UidSet(some), needles)
        hits, remaining = _judge(wanted, probes, places)
        self._take(hits)
        return remaining

    async def _look(self, place: str, wanted: Wanted) -> None:
        segments = sorted(set().union(*wanted.values()))
        for some in _cut(segments, SEGMENTS_AT_ONCE if place in (HEAD, BODY) else SHORT_AT_ONCE):
            rows = await self._store.scan(ops.read_text, self._account, place, UidSet(some))
            self._take(await asyncio.to_thread(look_through, rows, wanted))

    def _take(self, hits: Hits) -> None:
        for probe, messages in hits.items():
            self._hits[probe] += messages

    async def numbers(self, lanes: Lanes) -> Numbers:  # noqa: ARG002  all at once
        """See `Texts.numbers`."""
        if self._numbers is None:
            segments = UidSet({message // SEGMENT for message in self._messages})
            rows = await self._store.scan(ops.read_text, self._account, NUMBERS, segments)
            self._numbers = await asyncio.to_thread(_spread, rows, self._messages)
        return self._numbers


def look_up(account: AccountId, lists: UidSet, needles: tuple[bytes, ...]) -> Op[Places]:
    """By list of words, which goes by the last segment of its span: for each needle, where it is or may be.

    One operation, because words and where they are must be of the same moment.
    """
    rows = yield from ops.read_text(account, WORDS, lists)
    found = {last: find_words(data, needles) for last, data in rows}
    some = UidSet(last for last, words in found.items() if any(words))
    rows = (yield from ops.read_text(account, WHERE, some)) if some else []
    nowhere: list[set[int]] = [set() for _ in needles]
    return dict.fromkeys(found, nowhere) | {last: places_of(data, found[last]) for last, data in rows}


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


def look_through(rows: Rows, wanted: Wanted) -> Hits:
    """In which messages of the segments (number, data) each probe finds something."""
    hits: dict[Probe, list[int]] = {probe: [] for probe in wanted}
    for segment, data in rows:
        records = unpack(data)
        for probe, segments in wanted.items():
            if segment in segments:
                first = segment * SEGMENT
                hits[probe] += [first + place for place in find_records(records, probe.needle, probe.field)]
    return hits


def _spread(rows: Rows, messages: Sequence[int]) -> Numbers:
    """The numbers of just these messages, out of those of their segments."""
    every = Numbers(array("q"), array("q"), array("q"))
    start: dict[int, int] = {}  # where the numbers of a segment begin
    for segment, data in rows:
        start[segment] = len(every.sent)
        numbers = unpack_numbers(data)
        every.arrived.extend(numbers.arrived)
        every.sizes.extend(numbers.sizes)
        every.sent.extend(numbers.sent)
    at = [start[message // SEGMENT] + message % SEGMENT for message in messages]
    return Numbers(*(array("q", map(column.__getitem__, at)) for column in (every.arrived, every.sizes, every.sent)))


class Fresh:
    """Messages whose texts are made when they are searched.  `messages` ascends; `uids` are theirs."""

    def __init__(
        self,
        store: Store,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[int],
        messages: Sequence[int],
        probes: Iterable[Probe],
    ) -> None:
        self._store = store
        self._account = account
        self._mailbox = mailbox
        self._uids = uids
        self._messages = messages
        self._probes = by_place(probes)
        self._hits: dict[Probe, list[int]] = {probe: [] for probe in probes}
        self._looked_into: set[int] = set()
        self._has_fields = False
        self._days: dict[int, int] = {}
        self._numbers: Numbers | None = None

    async def find(self, probe: Probe, lanes: Lanes) -> Lanes:
        """See `Texts.find`."""
        if probe.place in (HEAD, BODY):
            wanted = set(pick(self._messages, lanes, len(self._messages))) - self._looked_into
            await self._look_into(sorted(wanted))
            self._looked_into |= wanted
        else:
            await self._read_fields()
        return of_members(self._messages, self._hits[probe]) & lanes

    async def _look_into(self, messages: list[int]) -> None:
        probes = self._probes.get(HEAD, ()), self._probes.get(BODY, ())
        for some in _cut(messages, MESSAGES_AT_ONCE):
            sources = await read_sources(self._store, self._account, some)
            for probe, found in (await asyncio.to_thread(_look_into, sources, *probes)).items():
                self._hits[probe] += found

    async def _read_fields(self) -> None:
        """Days and short fields: these are few octets a message."""
        if self._has_fields:
            return
        probes = [probe for place, some in self._probes.items() if place not in (HEAD, BODY) for probe in some]
        for some in _cut(sorted(set(self._messages)), ROWS_AT_ONCE):
            rows = await read_fields(self._store, self._account, some)
            days, hits = await asyncio.to_thread(_look_at_fields, rows, probes)
            self._days |= days
            for probe, found in hits.items():
                self._hits[probe] += found
        self._has_fields = True

    async def numbers(self, lanes: Lanes) -> Numbers:  # noqa: ARG002  all at once
        """See `Texts.numbers`."""
        if self._numbers is None:
            await self._read_fields()
            rows = await read_rows(self._store, self._account, self._mailbox, self._uids)
            self._numbers = Numbers(
                array("q", [rows[uid][2] if uid in rows else 0 for uid in self._uids]),
                array("q", [rows[uid][3] if uid in rows else 0 for uid in self._uids]),
                array("q", [self._days.get(message, 0) for message in self._messages]),
            )
        return self._numbers


def by_place(probes: Iterable[Probe]) -> dict[str, list[Probe]]:
    """The probes for each place."""
    places: dict[str, list[Probe]] = {}
    for probe in probes:
        places.setdefault(probe.place, []).append(probe)
    return places


@dataclass(frozen=True, slots=True)
class Source:
    """A message; `read` gives its octets."""

    message: int
    internaldate: int
    size: int
    read: Callable[[], bytes]


async def read_sources(store: Store, account: AccountId, messages: Iterable[int]) -> list[Source]:
    """Those of the messages that exist, ascending; octets of large ones are read only when they are called for."""
    found: list[Source] = []
    for message, internaldate, size, blob, data in await store.scan(ops.message_octets, account, UidSet(messages)):
        try:
            read = store.open_blob(account, blob).read if data is None else partial(bytes, data)
        except NotFound:
            continue  # it has gone meanwhile
        found.append(Source(message, internaldate, size, read))
    return found


def _look_into(sources: list[Source], in_head: Sequence[Probe], in_body: Sequence[Probe]) -> Hits:
    hits: dict[Probe, list[int]] = {probe: [] for probe in (*in_head, *in_body)}
    for source in sources:
        data = source.read()
        part = scan(data)
        for place, probes in ((HEAD, in_head), (BODY, in_body)):
            if not probes:
                continue
            record = message_record(place, part, data)
            for probe in probes:
                if find_records(record, probe.needle, probe.field):
                    hits[probe].append(source.message)
    return hits


async def read_fields(store: Store, account: AccountId, messages: Sequence[int]) -> dict[int, bytes]:
    """By message, what `search_fields` keeps of it; what is missing or old is made, and kept from now on."""
    rows = await store.scan(ops.derived_data, account, SEARCH_FIELDS.kind, UidSet(messages))
    found = {message: data for message, version, data in rows if version == SEARCH_FIELDS.version}
    missing = [message for message in messages if message not in found]
    for some in _cut(missing, MESSAGES_AT_ONCE):
        made = await asyncio.to_thread(_make_fields, await read_sources(store, account, some))
        found |= made
        derived = [(MessageId(n), Derived(SEARCH_FIELDS.kind, SEARCH_FIELDS.version, made[n])) for n in made]
        store.later(ops.put_derived, account, tuple(derived))
    return found


def _make_fields(sources: list[Source]) -> dict[int, bytes]:
    made: dict[int, bytes] = {}
    for source in sources:
        data = source.read()
        made[source.message] = SEARCH_FIELDS.function(scan(data), data)
    return made


def _look_at_fields(rows: dict[int, bytes], probes: Sequence[Probe]) -> tuple[dict[int, int], Hits]:
    hits: dict[Probe, list[int]] = {probe: [] for probe in probes}
    days: dict[int, int] = {}
    for message, fields in rows.items():
        day = day_of(fields)
        if day:
            days[message] = day
        for probe in probes:
            # Most messages do not have the needle anywhere: that is known before a field is cut out.
            if probe.needle in fields and find_records(field_record(fields, probe.place), probe.needle):
                hits[probe].append(message)
    return days, hits


def day_of(fields: bytes) -> int:
    """The day of the Date field as `date.toordinal` has it, 0 for none."""
    day = fields[:10]
    return date.fromisoformat(day.decode()).toordinal() if day[4:5] == b"-" else 0


async def read_rows(store: Store, account: AccountId, mailbox: MailboxId, uids: Sequence[int]) -> dict[int, Row]:
    """Rows of `ops.message_columns` by UID."""
    found: dict[int, Row] = {}
    for some in _cut(sorted(uids), ROWS_AT_ONCE):
        found |= {row[0]: row for row in await store.scan(ops.message_columns, account, mailbox, UidSet(some))}
    return found


def _cut(numbers: list[int], size: int) -> Iterator[list[int]]:
    return (numbers[start : start + size] for start in range(0, len(numbers), size))
