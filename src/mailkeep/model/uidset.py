"""Sets of UIDs (or other positive integers) as ranges: small when dense, cheap to join and to test."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final


class UidSet:
    """An immutable set of positive integers, kept as ascending, disjoint, non-adjacent ranges."""

    __slots__ = ("_lows", "ranges")

    ranges: tuple[tuple[int, int], ...]

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        """Build from single numbers in any order; see `of_ranges` for ranges."""
        ranges: list[tuple[int, int]] = []
        low = high = -1
        for number in sorted(numbers):
            if number == high + 1 and low != -1:
                high = number
            elif number != high:
                if low != -1:
                    ranges.append((low, high))
                low = high = number
        if low != -1:
            ranges.append((low, high))
        self.ranges = tuple(ranges)
        self._lows: list[int] | None = None

    @classmethod
    def of_ranges(cls, ranges: Iterable[tuple[int, int]]) -> UidSet:
        """Build from inclusive ranges in any order, which may overlap; (5, 2) is read as (2, 5)."""
        if type(ranges) in (list, tuple) and len(ranges) == 1:  # type: ignore[arg-type]
            [(low, high)] = ranges
            return cls._of(((low, high) if low <= high else (high, low),))
        merged: list[tuple[int, int]] = []
        for low, high in sorted((a, b) if a <= b else (b, a) for a, b in ranges):
            if merged and low <= merged[-1][1] + 1:
                if high > merged[-1][1]:
                    merged[-1] = (merged[-1][0], high)
            else:
                merged.append((low, high))
        return cls._of(tuple(merged))

    @classmethod
    def span(cls, low: int, high: int) -> UidSet:
        """All numbers from `low` to `high`, which is not less."""
        return cls._of(((low, high),))

    @classmethod
    def _of(cls, ranges: tuple[tuple[int, int], ...]) -> UidSet:
        new = cls.__new__(cls)
        new.ranges = ranges
        new._lows = None  # noqa: SLF001  of this very class
        return new

    def __iter__(self) -> Iterator[int]:
        for low, high in self.ranges:
            yield from range(low, high + 1)

    def __len__(self) -> int:
        if len(self.ranges) == 1:
            [(low, high)] = self.ranges
            return high - low + 1
        return sum(high - low + 1 for low, high in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        if self._lows is None:
            self._lows = [low for low, _ in self.ranges]
        i = bisect_right(self._lows, number)
        return i > 0 and number <= self.ranges[i - 1][1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UidSet) and self.ranges == other.ranges

    def __hash__(self) -> int:
        return hash(self.ranges)

    def __or__(self, other: UidSet) -> UidSet:
        return UidSet.of_ranges(self.ranges + other.ranges)

    def __and__(self, other: UidSet) -> UidSet:
        out: list[tuple[int, int]] = []
        mine, theirs = iter(self.ranges), iter(other.ranges)
        a, b = next(mine, None), next(theirs, None)
        while a and b:
            low, high = max(a[0], b[0]), min(a[1], b[1])
            if low <= high:
                out.append((low, high))
            if a[1] < b[1]:
                a = next(mine, None)
            else:
                b = next(theirs, None)
        return UidSet.of_ranges(out)

    def __sub__(self, other: UidSet) -> UidSet:
        out: list[tuple[int, int]] = []
        theirs = iter(other.ranges)
        hole = next(theirs, None)
        for low, high in self.ranges:
            start = low
            while hole and hole[0] <= high:
                if hole[0] > start:
                    out.append((start, hole[0] - 1))
                start = max(start, hole[1] + 1)
                if hole[1] > high:
                    break  # it may reach into the next range
                hole = next(theirs, None)
            if start <= high:
                out.append((start, high))
        return UidSet.of_ranges(out)

    @property
    def max(self) -> int:
        """The largest member.  Raises: IndexError when empty."""
        return self.ranges[-1][1]

    def __str__(self) -> str:
        """RFC 9051 `sequence-set` notation: ``1:3,7``."""
        return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in self.ranges)

    def __repr__(self) -> str:
        return f"UidSet({self})"

    def to_bytes(self) -> bytes:
        """A compact form for the log: gaps and lengths as variable-length integers."""
        out = bytearray()
        previous = 0
        for low, high in self.ranges:
            _put(out, low - previous)
            _put(out, high - low)
            previous = high
        return bytes(out)

    @classmethod
    def from_bytes(cls, data: bytes) -> UidSet:
        """Inverse of `to_bytes`."""
        numbers: list[int] = []
        value = shift = 0
        for octet in data:
            value |= (octet & 127) << shift
            if octet & 128:
                shift += 7
            else:
                numbers.append(value)
                value = shift = 0
        ranges: list[tuple[int, int]] = []
        previous = 0
        for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
            low = previous + gap
            previous = low + length
            ranges.append((low, previous))
        return cls._of(tuple(ranges))


def _put(out: bytearray, value: int) -> None:
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


EMPTY: Final = UidSet()
