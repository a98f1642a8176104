"""TOP (RFC 1939 §7): its arguments, and where in a message it ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailkeep.pop3.wire.command import WireError, number

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")


@dataclass(frozen=True, slots=True)
class Top:
    """A message-number, and how many lines of the body."""

    number: int
    lines: int


def parse(argument: str) -> Top:
    """Raises: WireError."""
    words = argument.split()
    if len(words) != 2:
        raise WireError("TOP is followed by the number of a message and a number of lines")
    return Top(number(words[0]), number(words[1]))


class Cutter:
    """Takes a message in pieces, and lets through its header, the blank line and `lines` lines of its body."""

    def __init__(self, lines: int) -> None:
        self._left = lines
        self._in_header = True
        self._tail = b"\n"  # what came before; so a message that begins with a blank line has an empty header
        self.done = False

    def take(self, piece: bytes) -> bytes:
        """What of `piece` is to be sent; after `done` nothing more is."""
        at = 0
        if self._in_header:
            joined = self._tail + piece
            found = _BLANK_LINE.search(joined)
            if found is None:
                self._tail = joined[-2:]
                return piece
            self._in_header = False
            at = found.end() - len(self._tail)
        while self._left:
            end = piece.find(b"\n", at)
            if end < 0:
                return piece
            at = end + 1
            self._left -= 1
        self.done = True
        return piece[:at]
