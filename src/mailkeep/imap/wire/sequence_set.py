"""Sets of message numbers or UIDs as clients write them: ``2,4:7,9,12:*`` and ``$`` (RFC 9051 §9, sequence-set)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from operator import le
from typing import Final

STAR: Final = 0  # stands for "*"; no number of a set is 0
MAX: Final = 2**32 - 1

MANY: Final = 64  # octets
_PLAIN: Final = re.compile(rb"[1-9][0-9]{0,9}(?::[1-9][0-9]{0,9})?(?:,[1-9][0-9]{0,9}(?::[1-9][0-9]{0,9})?)*+")
_FIRST: Final = re.compile(rb"(?:\A|,)([0-9]+)")
_LAST: Final = re.compile(rb"([0-9]+)(?=,|\Z)")
_RANGE: Final = "a number of a set is 1 to 4294967295 or *"


# Not frozen: one is made for each command, and frozen costs four times as much.  Nobody changes one.
@dataclass(slots=True, unsafe_hash=True)
class SequenceSet:
    """Ranges in the order given, each (low, high) with low <= high, or (n, STAR), or (STAR, STAR) for ``*`` alone.

    `saved`: ``$``, the result of the last SEARCH RETURN (SAVE), is part of the set (RFC 9051 §6.4.4.1).
    """

    ranges: tuple[tuple[int, int], ...]
    saved: bool = False

    @property
    def has_star(self) -> bool:
        """Whether ``*`` occurs."""
        return any(high == STAR for _, high in self.ranges)

    def resolve(self, largest: int) -> list[tuple[int, int]]:
        """Ranges of plain numbers, low <= high, in any order, perhaps overlapping, with ``*`` read as `largest`.

        ``n:*`` holds `largest` even when n is greater.  With `largest` 0 (nothing there) ranges with ``*`` are empty.
        """
        out: list[tuple[int, int]] = []
        for low, high in self.ranges:
            if high != STAR:
                out.append((low, high))
            elif largest:
                low = low or largest
                out.append((low, largest) if low <= largest else (largest, low))
        return out

    def exceeds(self, largest: int) -> bool:
        """Whether a number is named that is greater than `largest`, or ``*`` while `largest` is 0 (RFC 9051 §9)."""
        return any(max(low, high) > largest or (high == STAR and not largest) for low, high in self.ranges)


def parse(text: bytes) -> SequenceSet:
    """Read a whole sequence-set.  Raises: ValueError, when it is none (0 is no number of a set)."""
    if text.isdigit():
        number = _number(text)
        return SequenceSet(((number, number),))
    if len(text) > MANY and _PLAIN.fullmatch(text):
        return SequenceSet(_plain_ranges(text))
    saved = False
    ranges: list[tuple[int, int]] = []
    for item in text.split(b","):
        first, colon, last = item.partition(b":")
        if item == b"$":
            saved = True
        elif not colon:
            ranges.append((number := STAR if item == b"*" else _number(item), number))
        else:
            low = STAR if first == b"*" else _number(first)
            high = STAR if last == b"*" else _number(last)
            if low == STAR or (high != STAR and high < low):
                low, high = high, low
            ranges.append((low, high))
    return SequenceSet(tuple(ranges), saved)


def _plain_ranges(text: bytes) -> tuple[tuple[int, int], ...]:
    """The ranges of a set without ``*`` and ``$``; clients name tens of thousands of messages one by one."""
    lows = highs = [*map(int, text.split(b","))] if b":" not in text else []
    if not lows:
        lows, highs = [*map(int, _FIRST.findall(text))], [*map(int, _LAST.findall(text))]
    if max(max(lows), max(highs)) > MAX:
        raise ValueError(_RANGE)
    if all(map(le, lows, highs)):
        return tuple(zip(lows, highs, strict=True))
    return tuple([(low, high) if low <= high else (high, low) for low, high in zip(lows, highs, strict=True)])


def _number(digits: bytes) -> int:
    if not digits.isdigit() or digits[0] == 48 or len(digits) > 10 or (number := int(digits)) > MAX:
        raise ValueError(_RANGE)
    return number
