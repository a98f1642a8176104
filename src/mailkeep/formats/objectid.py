"""Object identifiers as text (RFC 8474): unique over the server, as accounts are numbered."""

from __future__ import annotations

import re
from typing import Final

_OBJECT: Final = re.compile(r"[MT]([0-9]{1,18})-([0-9]{1,18})\Z")


def mailboxid(account: int, mailbox: int) -> str:
    """MAILBOXID."""
    return f"F{account}-{mailbox}"


def emailid(pair: tuple[int, int]) -> str:
    """EMAILID."""
    return f"M{pair[0]}-{pair[1]}"


def threadid(pair: tuple[int, int]) -> str:
    """THREADID."""
    return f"T{pair[0]}-{pair[1]}"


def parse(text: str) -> tuple[int, int] | None:
    """The pair that an EMAILID or THREADID prints; None for a text that prints nothing of ours."""
    found = _OBJECT.match(text)
    return (int(found[1]), int(found[2])) if found else None
