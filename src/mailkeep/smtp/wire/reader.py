"""From octets to command lines, message octets after DATA, and chunks after BDAT."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

MAX_LINE: Final = 2048  # octets with CRLF: RFC 5321 §4.5.3.1.4 asks for 512, and what the extensions allow fits too

_DOT: Final = b"\r\n."
_END: Final = b"\r\n.\r\n"


@dataclass(frozen=True, slots=True)
class Line:
    """A command line, without its CRLF."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Octets:
    """A piece of the message, dots already unstuffed."""

    octets: bytes


class Mark(Enum):
    """Events that carry nothing."""

    TOO_LONG = auto()  # a line longer than is allowed has passed, unread
    BARE_LF = auto()  # a line ended with LF alone, which RFC 5321 §2.3.8 forbids to accept
    END = auto()  # the data or the chunk is complete; command lines follow


Event = Line | Octets | Mark


class _Mode(Enum):
    LINE = auto()
    SKIP = auto()  # within a line that is too long
    DATA = auto()
    CHUNK = auto()


class Reader:
    """Reads one side of a dialogue: `feed` octets, then take events with `next` until it returns None.

    After the command line that announces them, the caller says with `expect_data` or `expect_chunk` that message
    octets follow; they end with `Mark.END`.  `max_line`: octets of the longest line, with its CRLF.
    """

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._max_line = max_line
        self._buffer = bytearray()
        self._mode = _Mode.LINE
        self._chunk_left = 0
        self._at_start = False  # the next message octets are the first

    def feed(self, data: bytes) -> None:
        """Take octets as they came."""
        self._buffer += data

    def buffered(self) -> int:
        """How many octets wait to be read."""
        return len(self._buffer)

    def clear(self) -> None:
        """Drop what has not been read: what follows comes from somebody else, or through TLS."""
        self._buffer.clear()

    def expect_data(self) -> None:
        """The message follows, dot-stuffed, until CRLF "." CRLF (RFC 5321 §4.5.2)."""
        assert self._mode is _Mode.LINE
        self._mode = _Mode.DATA
        # The CRLF of the DATA line counts as the one before the dot: "." alone is an empty message.
        self._buffer[:0] = b"\r\n"
        self._at_start = True

    def expect_chunk(self, size: int) -> None:
        """Exactly `size` octets of the message follow, as they are (RFC 3030 §2)."""
        assert self._mode is _Mode.LINE
        self._mode = _Mode.CHUNK
        self._chunk_left = size

    def next(self) -> Event | None:
        """The next event, or None until more octets come."""
        match self._mode:
            case _Mode.LINE | _Mode.SKIP:
                return self._line()
            case _Mode.DATA:
                return self._data()
            case _Mode.CHUNK:
                return self._chunk()

    def _line(self) -> Event | None:
        buffer = self._buffer
        end = buffer.find(b"\n") + 1
        if not end:
            if self._mode is _Mode.SKIP or len(buffer) > self._max_line:
                self._mode = _Mode.SKIP
                buffer.clear()
            return None
        line = bytes(buffer[:end])
        del buffer[:end]
        if self._mode is _Mode.SKIP or end > self._max_line:
            self._mode = _Mode.LINE
            return Mark.TOO_LONG
        if not line.endswith(b"\r\n"):
            return Mark.BARE_LF
        return Line(line[:-2])

    def _data(self) -> Event | None:
        buffer = self._buffer
        dot = buffer.find(_DOT)  # most of a message has none, and is looked through only once
        found = buffer.find(_END, dot) if dot >= 0 else -1
        ready = found + 2 if found >= 0 else len(buffer) - _begun(buffer)
        if not ready:
            return None
        with memoryview(buffer) as view:
            piece = bytes(view[:ready])
        if 0 <= dot < ready:
            # Any CRLF "." here begins a line that is not the last: its dot was added by the client.
            piece = piece.replace(_DOT, b"\r\n")
        if found < 0:
            del buffer[:ready]
        else:
            del buffer[: found + len(_END)]
            self._mode, self._chunk_left = _Mode.CHUNK, 0  # nothing left but the mark
        if self._at_start:
            self._at_start = False
            piece = piece[2:]
        return Octets(piece) if piece else self.next()

    def _chunk(self) -> Event | None:
        if not self._chunk_left:
            self._mode = _Mode.LINE
            return Mark.END
        piece = bytes(self._buffer[: self._chunk_left])
        if not piece:
            return None
        del self._buffer[: len(piece)]
        self._chunk_left -= len(piece)
        return Octets(piece)


def _begun(buffer: bytearray) -> int:
    """How many octets at the end of `buffer` may be the beginning of the end of data."""
    return next((n for n in range(len(_END) - 1, 0, -1) if buffer.endswith(_END[:n])), 0)
