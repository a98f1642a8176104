"""The message as DATA sends it: lines that end with CRLF, dots at their beginning doubled (RFC 5321 §4.5.2)."""

from __future__ import annotations

import re
from typing import Final

_BARE: Final = re.compile(rb"\r\n|\n|\r")


class Stuffing:
    """Takes a message in pieces, of any length, and gives what goes on the wire.

    A CR or LF that stands alone becomes CRLF: it must not be sent (RFC 5321 §2.3.8), and servers that take it for the
    end of a line could be made to see an end of the message where there is none.
    """

    def __init__(self) -> None:
        self._at_start = True  # of a line
        self._held = False  # a CR that ended the piece before

    def add(self, piece: bytes) -> bytes:
        """What `piece` is on the wire; a CR at its end waits for what follows."""
        if self._held:
            piece = b"\r" + piece
        self._held = piece.endswith(b"\r")
        if self._held:
            piece = piece[:-1]
        if not piece:
            return b""
        if not piece.count(b"\r\n") == piece.count(b"\n") == piece.count(b"\r"):
            piece = _BARE.sub(b"\r\n", piece)
        dotted = self._at_start and piece.startswith(b".")
        self._at_start = piece.endswith(b"\n")
        piece = piece.replace(b"\r\n.", b"\r\n..")
        return b"." + piece if dotted else piece

    def end(self) -> bytes:
        """What follows the last piece."""
        rest = b"\r\n" if self._held or not self._at_start else b""
        return rest + b".\r\n"
