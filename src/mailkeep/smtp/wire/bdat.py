"""BDAT (RFC 3030 §2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailkeep.smtp.wire.command import WireError

_BDAT: Final = re.compile(r"([0-9]{1,18})(?: +([Ll][Aa][Ss][Tt]))?")


@dataclass(frozen=True, slots=True)
class Bdat:
    """A chunk of `size` octets follows."""

    size: int
    last: bool


def parse(argument: str) -> Bdat:
    """Raises: WireError; nobody knows then where the chunk ends and commands begin."""
    found = _BDAT.fullmatch(argument)
    if found is None:
        raise WireError(501, "5.5.4", "Syntax: BDAT size [LAST]")
    return Bdat(int(found[1]), found[2] is not None)
