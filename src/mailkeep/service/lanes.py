"""Sets of messages of a mailbox as integers: an octet for each place in its arrays, 0 or 1.

Joining, cutting and differing of 20,000 messages are one microsecond each, as ``|``, ``&`` and ``^``.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import compress
from sys import byteorder
from typing import Final, TypeVar

from mailkeep.model.uidset import UidSet

T = TypeVar("T")

Lanes = int

FEW: Final = 16  # for one member in so many values, looking each up is quicker than going through the values


def every(count: int) -> Lanes:
    """All of `count` places."""
    return int.from_bytes(b"\1" * count, "little")


def of_selector(selector: bytes | bytearray) -> Lanes:
    """From an octet for each place."""
    return int.from_bytes(selector, "little")


def of_test(test: Callable[[T], bool], values: Iterable[T]) -> Lanes:
    """The places of those values for which `test` is true."""
    return int.from_bytes(bytes(map(test, values)), "little")


def of_members(values: Sequence[int], members: Collection[int]) -> Lanes:
    """The places of `values` (ascending, some perhaps equal) that are among `members`."""
    if len(members) * FEW > len(values):
        return of_selector(bytes(map(frozenset(members).__contains__, values)))
    selector = bytearray(len(values))
    for member in members:
        start = bisect_left(values, member)
        stop = bisect_right(values, member, start)
        selector[start:stop] = b"\1" * (stop - start)
    return of_selector(selector)


def of_mask(masks: array[int], wanted: int) -> Lanes:
    """The places of those `masks` (type code q) that have all bits of `wanted`."""
    lanes = every(len(masks))
    octets = memoryview(masks).cast("B")
    for i in range(8):
        bits = wanted >> 8 * i & 255
        if bits:
            column = octets[i if byteorder == "little" else 7 - i :: 8].tobytes()
            lanes &= of_selector(column.translate(_having(bits)))
    return lanes


@lru_cache(256)
def _having(bits: int) -> bytes:
    return bytes(octet & bits == bits for octet in range(256))


def of_uids(uids: array[int], wanted: UidSet) -> Lanes:
    """The places of those `uids` (ascending) that are `wanted`."""
    selector = bytearray(len(uids))
    for low, high in wanted.ranges:
        start = bisect_left(uids, low)
        stop = bisect_left(uids, high + 1, start)
        selector[start:stop] = b"\1" * (stop - start)
    return of_selector(selector)


def pick(values: Iterable[T], lanes: Lanes, count: int) -> Iterator[T]:
    """Those of `count` values whose places are in `lanes`."""
    return compress(values, lanes.to_bytes(count, "little"))


def cut(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The values in pieces of at most `size`."""
    return (values[start : start + size] for start in range(0, len(values), size))
