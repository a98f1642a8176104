"""A message as RETR and TOP send it: dots doubled where a line begins with one (RFC 1939 §3).

- The octets that a client gets are those that are kept, but for NUL, which is sent as 0x80: Outlook hangs on NULs.
- A message that does not end with CRLF is given one, as the dot that ends the answer must stand on a line of its own.
- Lines that end with LF alone count: there are clients that read by them, and would take a dot for the end.
"""

from __future__ import annotations

from typing import Final

from mailkeep.pop3.wire.reply import END

CRLF: Final = b"\r\n"


def missing_end(tail: bytes) -> bytes:
    """What has to be sent behind a message that ends with `tail` (its last two octets, or all it has)."""
    return b"" if not tail or tail.endswith(CRLF) else CRLF


class Stuffing:
    """Takes a message in pieces, of any length, and gives what goes on the wire."""

    def __init__(self) -> None:
        self._tail = b""

    def add(self, piece: bytes) -> bytes:
        """What `piece` is on the wire."""
        if not piece:
            return b""
        dotted = piece.startswith(b".") and (not self._tail or self._tail.endswith(b"\n"))
        self._tail = (self._tail + piece[-2:])[-2:]
        piece = piece.replace(b"\0", b"\x80").replace(b"\n.", b"\n..")
        return b"." + piece if dotted else piece

    def end(self) -> bytes:
        """What follows the last piece."""
        return missing_end(self._tail) + END
