"""BURL (RFC 4468 §3.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailkeep.smtp.wire.command import WireError

_BURL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:[!-~]+)(?: +([Ll][Aa][Ss][Tt]))?")


@dataclass(frozen=True, slots=True)
class Burl:
    """What is at `url` comes next in the message."""

    url: str
    last: bool


def parse(argument: str) -> Burl:
    """Raises: WireError."""
    found = _BURL.fullmatch(argument)
    if found is None:
        raise WireError(501, "5.5.4", "Syntax: BURL url [LAST]")
    return Burl(found[1], found[2] is not None)
