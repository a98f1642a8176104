"""Replies (RFC 5321 §4.2) with enhanced status codes (RFC 2034)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_TEXT: Final = 480  # characters of a line: RFC 5321 §4.5.3.1.5 gives 512 octets to a whole reply line


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of one or more lines of text.

    `enhanced` is "" where RFC 2034 §4 wants no such code: the greeting, the answer to LHLO, and 3xx.
    """

    code: int
    enhanced: str
    text: str

    @property
    def ok(self) -> bool:
        """Whether the command was carried out, or goes on."""
        return self.code < 400

    def encode(self) -> bytes:
        """The reply on the wire.  What is not printable ASCII in the text becomes "?"."""
        lines = self.text.split("\n")
        code = f"{self.enhanced} " if self.enhanced else ""
        last = len(lines) - 1
        return b"".join(
            f"{self.code}{' ' if number == last else '-'}{code}{_clean(line)}\r\n".encode("ascii")
            for number, line in enumerate(lines)
        )


def _clean(line: str) -> str:
    if line.isascii() and line.isprintable():
        return line[:MAX_TEXT]
    return "".join(c if " " <= c <= "~" else "?" for c in line[:MAX_TEXT])
