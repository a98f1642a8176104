"""Reading what messages are ordered by: from segments as far as these go, else from the messages themselves."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from zstandard import ZstdDecompressor

from mailkeep import telemetry
from mailkeep.formats.collation import Comparator, collation_key
from mailkeep.formats.mime.scan import scan
from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.service import order_keys as k
from mailkeep.service.lanes import cut
from mailkeep.service.numbering import aside
from mailkeep.service.pieces import Work, at_once, in_thread
from mailkeep.service.search_fresh import MESSAGES_AT_ONCE, ROWS_AT_ONCE, Source, read_sources
from mailkeep.service.segment import DAMAGE, NUMBERS, VERSION, unpack_numbers
from mailkeep.store import ops
from mailkeep.store.contract import SEGMENT, Op, Rows, Store

ARRIVED: Final = "arrived"
SIZE: Final = "size"
DATE: Final = "date"
DATED: Final = "dated"  # the date above the UID: all different, ascending by date and then by place

SEGMENTS_AT_ONCE: Final = 128
PIECE: Final = 8192  # values that are put in their places at once
REMEMBERED: Final = 20_000  # messages beyond the index whose keys are kept
FOUND_NOTHING: Final[list[Any]] = [None] * SEGMENT

log = telemetry.logger()

Value = Any  # int, str, or an array of ids: as `What` says


@dataclass(frozen=True, slots=True)
class What:
    """A column: one of `order_keys`, or ARRIVED, SIZE, DATE.  Texts come as the keys that the comparator makes."""

    name: str
    comparator: Comparator = Comparator.CASEMAP

    @property
    def nothing(self) -> Value:
        """The value of a message that has gone."""
        if self.name in k.TEXTS:
            return ""
        return array("q") if self.name == k.IDS else 0


class Reader:
    """Reads columns of some messages."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._fresh: dict[tuple[AccountId, int], k.OrderKeys] = {}

    async def read(self, account: AccountId, messages: Sequence[int], what: What) -> list[Value]:
        """The values of `messages`, in order; 0 is a message that has gone.  Raises: NotFound, Unavailable."""
        if what.name == DATE:
            return await self._dates(account, messages)
        kept = await self._kept(account, messages, what)
        values = await _carry_out(_put_in_places(messages, kept), len(messages))
        if None in values:
            missing = await aside(len(values), _places_of, values, None)
            fresh = await self._look_at(account, [messages[place] for place in missing], what)
            for place in missing:
                values[place] = fresh.get(messages[place], what.nothing)
        return values

    async def _dates(self, account: AccountId, messages: Sequence[int]) -> list[Value]:
        """RFC 5256 §2.2: where nobody can read a date, it is the internal one."""
        sent = await self.read(account, messages, What(k.SENT))
        undated = await aside(len(sent), _places_of, sent, k.NO_DATE)
        if undated:
            arrived = await self.read(account, [messages[place] for place in undated], What(ARRIVED))
            for place, moment in zip(undated, arrived, strict=True):
                sent[place] = moment
        return sent

    async def _kept(self, account: AccountId, messages: Sequence[int], what: What) -> dict[int, list[Value]]:
        """By segment, the values of its messages by place; None where nothing is kept."""
        index = await self._store.read(ops.get_text_index, account)
        end = index.indexed_to if index.version == VERSION else 0
        if len(self._fresh) >= REMEMBERED:
            self._fresh = {(of, n): keys for (of, n), keys in self._fresh.items() if of == account and n >= end}
        segments = sorted({message // SEGMENT for message in messages if message < end})
        found: dict[int, list[Value]] = {}
        for some in cut(segments, SEGMENTS_AT_ONCE):
            read, damaged = await self._store.scan(read_column, account, UidSet(some), what, end)
            found |= read
            if damaged:  # what is missing is read from the messages, and the segments are written anew
                log.error("search.index_damaged", account=account, kind=what.name, segments=str(UidSet(damaged)))
                self._store.later(ops.doubt_text, account, UidSet(damaged))
        return found

    async def _look_at(self, account: AccountId, messages: Sequence[int], what: What) -> dict[int, Value]:
        if what.name in (ARRIVED, SIZE):
            column = 1 if what.name == ARRIVED else 2
            facts: dict[int, Value] = {}
            for some in cut(sorted(set(messages)), ROWS_AT_ONCE):
                rows = await self._store.scan(ops.message_facts, account, UidSet(some))
                facts |= {row[0]: row[column] for row in rows}
            return facts
        found: dict[int, Value] = {}
        for some in cut(sorted(set(messages)), MESSAGES_AT_ONCE):
            found |= {message: value_of(keys, what) for message, keys in (await self._keys(account, some)).items()}
        return found

    async def _keys(self, account: AccountId, messages: Sequence[int]) -> dict[int, k.OrderKeys]:
        """What these messages are ordered by, remembered, as an order mostly looks at more than one column."""
        found = {n: known for n in messages if (known := self._fresh.get((account, n)))}
        missing = [message for message in messages if message not in found]
        if missing:
            made = await asyncio.to_thread(_make_keys, await read_sources(self._store, account, missing))
            if len(self._fresh) < REMEMBERED:  # the next column finds these at least
                self._fresh |= {(account, message): keys for message, keys in made.items()}
            found |= made
        return found


def _places_of(values: list[Value], wanted: Value) -> list[int]:
    return [place for place, value in enumerate(values) if value == wanted]


def _make_keys(sources: list[Source]) -> dict[int, k.OrderKeys]:
    return {source.message: k.order_keys(scan(source.read())) for source in sources}


def _put_in_places(messages: Sequence[int], kept: dict[int, list[Value]]) -> Work[list[Value]]:
    values: list[Value] = []
    find = kept.get
    for some in cut(messages, PIECE):
        values += [find(message // SEGMENT, FOUND_NOTHING)[message % SEGMENT] for message in some]
        yield
    return values


def read_column(
    account: AccountId, segments: UidSet, what: What, end: int
) -> Op[tuple[dict[int, list[Value]], set[int]]]:
    """By segment, `SEGMENT` values of a column; None where there is none, and from message `end` on.

    Then the segments that cannot be read.
    """
    name = NUMBERS if what.name in (ARRIVED, SIZE) else what.name
    found = _unpacked((yield from ops.read_text(account, name, segments)), _unpacker(what))
    if name != NUMBERS:
        rows = yield from ops.read_text(account, k.SENT, segments)
        sents = _unpacked(rows, lambda data: k.unpack_numbers(data).tolist())
        found = {segment: values for segment, values in found.items() if segment in sents}
        for segment, sent in sents.items():
            values = found.get(segment)
            if values is not None and k.ABSENT in sent:
                found[segment] = [None if at == k.ABSENT else value for at, value in zip(sent, values, strict=True)]
    if end // SEGMENT in found:
        rest = end % SEGMENT
        found[end // SEGMENT] = found[end // SEGMENT][:rest] + FOUND_NOTHING[rest:]
    return found, set(segments) - found.keys()


def _unpacked(rows: Rows, unpack: Callable[[bytes], list[Value]]) -> dict[int, list[Value]]:
    """By segment; what is damaged is left out."""
    found: dict[int, list[Value]] = {}
    for segment, data in rows:
        try:
            values = unpack(data)
        except DAMAGE:
            continue
        if len(values) == SEGMENT:
            found[segment] = values
    return found


def _unpacker(what: What) -> Callable[[bytes], list[Value]]:
    match what.name:
        case name if name == ARRIVED:
            return lambda data: unpack_numbers(data).arrived.tolist()
        case name if name == SIZE:
            return lambda data: unpack_numbers(data).sizes.tolist()
        case k.SENT:
            return lambda data: k.unpack_numbers(data).tolist()
        case k.REPLY:
            return list
        case k.IDS:
            return lambda data: list(k.unpack_ids(data, SEGMENT))
        case _:
            decompressor = ZstdDecompressor()
            return lambda data: collation_key(k.unpack_text(data, decompressor), what.comparator).split(k.SEPARATOR)


def value_of(keys: k.OrderKeys, what: What) -> Value:
    """The value of one message in a column of `order_keys`."""
    match what.name:
        case k.SENT:
            return keys.sent
        case k.REPLY:
            return int(keys.is_reply)
        case k.IDS:
            return array("q", (keys.own, *keys.references))
        case _:
            return collation_key(keys.texts[what.name], what.comparator)


async def _carry_out(work: Work[list[Value]], many: int) -> list[Value]:
    return await in_thread(work) if many > PIECE else at_once(work)
