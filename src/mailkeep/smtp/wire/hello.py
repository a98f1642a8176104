"""LHLO (RFC 2033 §4.1), EHLO and HELO (RFC 5321 §4.1.1.1): what the client calls itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailkeep.smtp.wire.command import WireError

# Liberal, as clients name themselves after whatever the machine is called; it is only written into a trace line.
_NAME: Final = re.compile(r"[A-Za-z0-9_.:\-\[\]\x80-\U0010ffff]{1,255}")


@dataclass(frozen=True, slots=True)
class Hello:
    """The name given."""

    name: str


def parse(argument: str) -> Hello:
    """Raises: WireError."""
    if _NAME.fullmatch(argument) is None or not argument.isprintable():
        raise WireError(501, "5.5.4", "Give the name of your host, and nothing else")
    return Hello(argument)
