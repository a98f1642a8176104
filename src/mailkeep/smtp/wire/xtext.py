"""xtext: printable ASCII in which everything else is ``+XX`` (RFC 3461 §4)."""

from __future__ import annotations

import re
from typing import Final

_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")


def decode(text: str) -> bytes:
    """The octets meant.  Raises: ValueError (not xtext)."""
    if _XTEXT.fullmatch(text) is None:
        raise ValueError("not xtext")
    first, *rest = text.split("+")
    return first.encode("ascii") + b"".join(bytes((int(part[:2], 16),)) + part[2:].encode("ascii") for part in rest)


def encode(octets: bytes) -> str:
    """The xtext of any octets."""
    return "".join(chr(o) if 33 <= o <= 126 and o not in b"+=" else f"+{o:02X}" for o in octets)
