"""Hashes of a body in the canonical forms of DKIM (RFC 6376 §3.4.3, §3.4.4), taken piece by piece.

dkimpy does the same to a body that is whole in memory, in calls that keep the interpreter's lock for its full length.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

_WSP: Final = re.compile(rb"[ \t]{2,}|\t")
_CRLFS: Final = b"\r\n" * 4096


@dataclass(frozen=True, slots=True)
class BodyHash:
    """SHA-256 of a canonical body, and how many octets that has."""

    digest: bytes
    size: int


class BodyHasher:
    """Takes a body in pieces of any size; `relaxed` or simple canonicalization."""

    def __init__(self, *, relaxed: bool) -> None:
        self._relaxed = relaxed
        self._hash = hashlib.sha256()
        self._size = 0
        self._open_line = False  # what has been hashed does not end with CRLF
        self._line_ends = 0  # seen, and hashed only when something follows
        self._held = b""  # the end of the last piece that may belong to a line end: at most a space and CR

    def write(self, piece: bytes) -> None:
        """The next octets."""
        data = self._held + piece
        end = len(data) - data.endswith(b"\r")
        held = data[end:]
        if self._relaxed:
            start = len(data[:end].rstrip(b" \t"))
            held = b" " * (start < end) + held
            data = _WSP.sub(b" ", data[:start]).replace(b" \r\n", b"\r\n")
        else:
            data = data[:end]
        self._held = held
        self._take(data)

    def finish(self) -> BodyHash:
        """All octets are in.  Lines at the end that are empty do not count; the last one that is not has a line end."""
        self._take(b"" if self._held == b" " else self._held)
        if self._open_line or (not self._size and not self._relaxed):
            self._update(b"\r\n")
        return BodyHash(self._hash.digest(), self._size)

    def _take(self, data: bytes) -> None:
        """Hash canonical octets, but hold back the line ends at their end."""
        text = len(data)
        while data.endswith(b"\r\n", 0, text):
            text -= 2
        if text:
            self._flush_line_ends()
            self._update(data[:text])
            self._open_line = True
        self._line_ends += (len(data) - text) // 2

    def _flush_line_ends(self) -> None:
        while self._line_ends:
            some = _CRLFS[: 2 * self._line_ends]
            self._update(some)
            self._line_ends -= len(some) // 2

    def _update(self, data: bytes) -> None:
        self._hash.update(data)
        self._size += len(data)
