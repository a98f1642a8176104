"""From octets to lines."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

MAX_LINE: Final = 512  # octets with CRLF; RFC 2449 §4 asks for 255
MAX_AUTH: Final = 12288  # the same of AUTH and of responses to its challenges: tokens of OAuth are long

_AUTH: Final = b"AUTH "


class Mark(Enum):
    """What is no line."""

    TOO_LONG = auto()  # a line longer than is allowed has passed, unread


class Reader:
    """Reads one side of a dialogue: `feed` octets, then take lines with `next` until it returns None.

    A line ends with LF, before which there should be a CR.  `answering`: what comes next answers a challenge of AUTH.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skipping = False  # within a line that is too long
        self.answering = False

    def feed(self, data: bytes) -> None:
        """Take octets as they came."""
        self._buffer += data

    def buffered(self) -> int:
        """How many octets wait to be read."""
        return len(self._buffer)

    def clear(self) -> None:
        """Drop what has not been read: what follows comes through TLS."""
        self._buffer.clear()

    def next(self) -> bytes | Mark | None:
        """The next line without its end, or None until more octets come."""
        buffer = self._buffer
        end = buffer.find(b"\n") + 1
        if not end:
            if self._skipping or len(buffer) > self._limit():
                self._skipping = True
                buffer.clear()
            return None
        limit = self._limit()
        line = bytes(buffer[:end])
        del buffer[:end]
        if self._skipping or end > limit:
            self._skipping = False
            return Mark.TOO_LONG
        return line[:-2] if line.endswith(b"\r\n") else line[:-1]

    def _limit(self) -> int:
        return MAX_AUTH if self.answering or self._buffer[: len(_AUTH)].upper() == _AUTH else MAX_LINE
