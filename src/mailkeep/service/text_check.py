"""Whether the text index of an account is what its messages say: it is derived, so whatever is wrong is built anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from zstandard import ZstdDecompressor

from mailkeep.model.ids import AccountId
from mailkeep.service import order_keys as k
from mailkeep.service.segment import BODY, DAMAGE, END, NUMBERS, PLACES, VERSION, Numbers, unpack, unpack_numbers
from mailkeep.service.words import SPAN, WHERE, WORDS, message_words, read_words, span_of
from mailkeep.store import ops
from mailkeep.store.contract import SEGMENT, Store, TextInspection

FAR: Final = 1 << 40  # beyond every segment


async def check_text(store: Store, account: AccountId) -> tuple[str, ...]:
    """What is wrong, in words; nothing of an index of another version, which is built anew in any case.

    Costs as much as the index.  Raises: NotFound, Unavailable.
    """
    index = await store.scan(ops.get_text_index, account)
    if index.version != VERSION:
        return ()
    if index.indexed_to > index.next_message or (index.loose and index.loose.max >= index.indexed_to):
        return ("text index: it claims to know messages that were never given out",)
    problems: list[str] = []
    last = (index.indexed_to - 1) // SEGMENT
    for first in range(0, last + 1, SPAN):
        found = await store.scan(ops.inspect_text, account, first, span_of(first)[-1])
        if found.index.version != VERSION:
            return ()  # dropped meanwhile
        problems += await asyncio.to_thread(_judge_all, found, first)
    beyond = await store.scan(ops.inspect_text, account, span_of(last)[-1] + 1, FAR)
    if beyond.index.indexed_to <= index.indexed_to and beyond.rows:
        problems.append("text index: there are segments beyond its end")
    return tuple(problems)


def _judge_all(found: TextInspection, first: int) -> list[str]:
    return list(_judge(found, first))


def _judge(found: TextInspection, first: int) -> Iterator[str]:
    """One span."""
    rows = {(kind, segment): data for kind, segment, data in found.rows}
    bodies: dict[int, bytes] = {}
    for segment in span_of(first):
        if segment * SEGMENT >= found.index.indexed_to:
            break
        for place in PLACES:
            try:
                records = unpack(rows[place, segment])
            except KeyError:
                yield f"text index: segment {segment} has no {place}"
                continue
            except DAMAGE:
                yield f"text index: {place} of segment {segment} cannot be read"
                continue
            if records and records.count(END) != SEGMENT - 1:
                yield f"text index: {place} of segment {segment} has not {SEGMENT} records"
            if place == BODY:
                bodies[segment] = records
        yield from _judge_orders(rows, segment)
        yield from _judge_numbers(found, segment, rows.get((NUMBERS, segment), b""))
    span = span_of(first)
    if span.stop * SEGMENT <= found.index.indexed_to and len(bodies) == len(span):
        yield from _judge_words(first, bodies, rows.get((WORDS, span[-1])), rows.get((WHERE, span[-1])))


def _judge_orders(rows: Mapping[tuple[str, int], bytes], segment: int) -> Iterator[str]:
    """What messages are sorted by: a value for each place."""
    decompressor = ZstdDecompressor()
    counts: dict[str, Callable[[bytes], int]] = {
        k.SENT: lambda data: len(k.unpack_numbers(data)),
        k.REPLY: len,
        k.IDS: lambda data: len(k.unpack_ids(data, SEGMENT)),
        **{name: lambda data: k.unpack_text(data, decompressor).count(k.SEPARATOR) + 1 for name in k.TEXTS},
    }
    for column, count in counts.items():
        try:
            right = count(rows[column, segment]) == SEGMENT
        except (KeyError, *DAMAGE):
            right = False
        if not right:
            yield f"text index: {column} of segment {segment} cannot be read"


def _judge_numbers(found: TextInspection, segment: int, data: bytes) -> Iterator[str]:
    if len(data) != 3 * SEGMENT * 8:
        yield f"text index: numbers of segment {segment} cannot be read"
        return
    numbers = unpack_numbers(data)
    low = segment * SEGMENT
    alive = {number - low: (at, size) for number, at, size in found.messages if low <= number < low + SEGMENT}
    for place in range(min(SEGMENT, found.index.indexed_to - low)):
        if place in alive:
            if alive[place] != _numbers_of(numbers, place):
                yield f"text index: what it knows of message {low + place} is not so"
        elif segment not in found.stale and _numbers_of(numbers, place) != (0, 0):
            yield f"text index: it knows message {low + place}, which does not exist"


def _numbers_of(numbers: Numbers, place: int) -> tuple[int, int]:
    return numbers.arrived[place], numbers.sizes[place]


def _judge_words(first: int, bodies: dict[int, bytes], words: bytes | None, where: bytes | None) -> Iterator[str]:
    """Each word of each body is there once, with the places where it is, and nothing else."""
    if words is None or where is None:
        yield f"text index: words of segments from {first} on are missing"
        return
    expected: dict[bytes, list[int]] = {}
    for place, found in message_words(first, sorted(bodies.items())):
        for word in found:
            expected.setdefault(word, []).append(place)
    try:
        right = list(read_words(words, where)) == sorted(expected.items())
    except DAMAGE:
        right = False
    if not right:
        yield f"text index: words of segments from {first} on are not those of their texts"
