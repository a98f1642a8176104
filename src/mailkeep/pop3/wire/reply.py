"""Replies: ``+OK`` and ``-ERR``, response codes (RFC 2449 §8, RFC 3206, RFC 6856 §5), and answers of several lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_TEXT: Final = 400  # characters: RFC 1939 §3 gives 512 octets to the whole line
END: Final = b".\r\n"


class Code(StrEnum):
    """What tells a program why it was refused."""

    NONE = ""
    AUTH = "AUTH"  # RFC 3206 §5: who it is or what it proves is wrong
    SYS_TEMP = "SYS/TEMP"  # RFC 3206 §4: try later
    SYS_PERM = "SYS/PERM"
    IN_USE = "IN-USE"  # RFC 2449 §8.1.2
    LOGIN_DELAY = "LOGIN-DELAY"  # RFC 2449 §8.1.1


@dataclass(frozen=True, slots=True)
class Reply:
    """The first line of an answer, and mostly all of it."""

    ok: bool
    text: str
    code: Code = Code.NONE

    def encode(self) -> bytes:
        """The line on the wire.  What is not printable ASCII in the text becomes "?"."""
        text = "".join(c if " " <= c <= "~" else "?" for c in self.text[:MAX_TEXT])
        if text.startswith("["):  # RFC 2449 §6.4: that would be taken for a code
            text = f" {text}"
        code = f"[{self.code}] " if self.code else ""
        return f"{'+OK' if self.ok else '-ERR'} {code}{text}".rstrip().encode("ascii") + b"\r\n"


def ok(text: str = "", code: Code = Code.NONE) -> Reply:
    """A positive reply."""
    return Reply(ok=True, text=text, code=code)


def error(text: str, code: Code = Code.NONE) -> Reply:
    """A negative one."""
    return Reply(ok=False, text=text, code=code)


def several(text: str, lines: Iterable[str]) -> bytes:
    """A positive answer of several lines, none of which begins with a dot.  RFC 1939 §3."""
    return b"".join((ok(text).encode(), *(f"{line}\r\n".encode() for line in lines), END))
