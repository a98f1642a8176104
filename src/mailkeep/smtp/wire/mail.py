"""MAIL FROM (RFC 5321 §4.1.1.2), with SIZE (RFC 1870), BODY (RFC 6152) and SMTPUTF8 (RFC 6531)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mailkeep.smtp.wire.command import WireError
from mailkeep.smtp.wire.path import Parameter, parse_parameters, parse_path

_SIZE: Final = re.compile(r"[0-9]{1,20}")


class Body(StrEnum):
    """What kind of octets the client announces; we store all of them as they come."""

    SEVEN_BIT = "7BIT"
    EIGHT_BIT = "8BITMIME"


_BODIES: Final = frozenset(body.value for body in Body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A transaction begins.  `size` is the client's estimate in octets, 0 where it gave none."""

    reverse_path: str
    size: int = 0
    body: Body = Body.SEVEN_BIT
    smtputf8: bool = False


def parse(argument: str) -> Mail:
    """Raises: WireError."""
    path, rest = parse_path(argument, "FROM", enhanced="5.1.7")
    size, body, smtputf8 = 0, Body.SEVEN_BIT, False
    for parameter in parse_parameters(rest):
        match parameter:
            case Parameter("SIZE", str(value)) if _SIZE.fullmatch(value):
                size = int(value)
            case Parameter("BODY", str(value)) if value.upper() in _BODIES:
                body = Body(value.upper())
            case Parameter("SMTPUTF8", None):
                smtputf8 = True
            case Parameter("SIZE" | "BODY" | "SMTPUTF8" as keyword, _):
                raise WireError(501, "5.5.4", f"The value of {keyword} is not well-formed")
            case Parameter(keyword, _):
                raise WireError(555, "5.5.4", f"{keyword} is not supported")
    if not path.isascii() and not smtputf8:
        raise WireError(553, "5.6.7", "An address beyond ASCII needs SMTPUTF8")
    return Mail(reverse_path=path, size=size, body=body, smtputf8=smtputf8)
