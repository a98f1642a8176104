"""Header lines that filters want added, whatever they have in them."""

from __future__ import annotations

import re
from typing import Final

MAX_LINE: Final = 900  # octets of a line of a value; RFC 5322 §2.1.1 allows 998 with the name
MAX_LINES: Final = 50

_NAME: Final = re.compile(r"[!-9;-~]{1,80}")


def header_field(name: str, value: str) -> bytes | None:
    """One whole field with its CRLF, folded where the value has lines of its own; None for what cannot be one."""
    lines = [line.strip() for line in value.splitlines() if line.strip()]
    if _NAME.fullmatch(name) is None or not 1 <= len(lines) <= MAX_LINES:
        return None
    if not all(line.isprintable() and len(line.encode()) <= MAX_LINE for line in lines):  # so no lone surrogates
        return None
    return (name + ": " + "\r\n\t".join(lines) + "\r\n").encode()
