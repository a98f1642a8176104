"""MAIL FROM (RFC 5321 §4.1.1.2) with the parameters of all extensions that some kind of session offers.

SIZE (RFC 1870), BODY (RFC 6152, RFC 3030), SMTPUTF8 (RFC 6531), AUTH (RFC 4954), RET and ENVID (RFC 3461), REQUIRETLS
(RFC 8689), HOLDFOR and HOLDUNTIL (RFC 4865).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from mailkeep.smtp.wire import xtext
from mailkeep.smtp.wire.command import WireError
from mailkeep.smtp.wire.path import Parameter, parse_parameters, parse_path

MAX_ENVID: Final = 100  # characters as they come: RFC 3461 §4.4

_SIZE: Final = re.compile(r"[0-9]{1,20}")
_SECONDS: Final = re.compile(r"[1-9][0-9]{0,8}")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE
)


class Body(StrEnum):
    """What kind of octets the client announces; we store all of them as they come."""

    SEVEN_BIT = "7BIT"
    EIGHT_BIT = "8BITMIME"
    BINARY = "BINARYMIME"


class Ret(StrEnum):
    """How much of the message is to come back in a report of failure."""

    FULL = "FULL"
    HDRS = "HDRS"


BASE: Final = frozenset({"SIZE", "BODY", "SMTPUTF8"})
"""What LMTP takes, without BINARYMIME."""
RELAYED: Final = BASE | {"BINARYMIME", "REQUIRETLS"}
"""What strangers may say; BINARYMIME is no parameter but a value of BODY."""
SUBMITTED: Final = RELAYED | {"AUTH", "RET", "ENVID", "HOLDFOR", "HOLDUNTIL"}
"""What users may say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A transaction begins.

    `size` is the client's estimate in octets, 0 where it gave none.  `hold_for` in seconds, `hold_until` in UTC
    seconds: before that nothing leaves; at most one of them is given.
    """

    reverse_path: str
    size: int = 0
    body: Body = Body.SEVEN_BIT
    smtputf8: bool = False
    ret: Ret | None = None
    envid: str | None = None
    require_tls: bool = False
    hold_for: int | None = None
    hold_until: int | None = None


def parse(argument: str, offered: frozenset[str] = BASE) -> Mail:
    """`offered`: the parameters that the session knows.  Raises: WireError."""
    path, rest = parse_path(argument, "FROM", enhanced="5.1.7")
    fields: dict[str, Any] = {}
    for parameter in parse_parameters(rest):
        if parameter.keyword not in offered or parameter.keyword == "BINARYMIME":
            raise WireError(555, "5.5.4", f"{parameter.keyword} is not supported")
        name, value = _read(parameter, offered)
        fields[name] = value
    fields.pop("auth", None)  # who gave the message to our user is not ours to vouch for (RFC 4954 §5)
    if not path.isascii() and "smtputf8" not in fields:
        raise WireError(553, "5.6.7", "An address beyond ASCII needs SMTPUTF8")
    if "hold_for" in fields and "hold_until" in fields:
        raise WireError(501, "5.5.4", "HOLDFOR and HOLDUNTIL exclude each other")
    return Mail(reverse_path=path, **fields)


def _read(parameter: Parameter, offered: frozenset[str]) -> tuple[str, object]:
    """The field of `Mail` that a parameter gives, and its value.  Raises: WireError."""
    try:
        match parameter:
            case Parameter("SIZE", str(value)) if _SIZE.fullmatch(value):
                return "size", int(value)
            case Parameter("BODY", str(value)) if value.upper() != Body.BINARY or Body.BINARY in offered:
                return "body", Body(value.upper())
            case Parameter("SMTPUTF8", None):
                return "smtputf8", True
            case Parameter("RET", str(value)):
                return "ret", Ret(value.upper())
            case Parameter("ENVID", str(value)) if len(value) <= MAX_ENVID:
                return "envid", _printable(xtext.decode(value))
            case Parameter("REQUIRETLS", None):
                return "require_tls", True
            case Parameter("HOLDFOR", str(value)) if _SECONDS.fullmatch(value):
                return "hold_for", int(value)
            case Parameter("HOLDUNTIL", str(value)) if _MOMENT.fullmatch(value):
                return "hold_until", int(datetime.fromisoformat(value.upper()).timestamp())
            case Parameter("AUTH", str(value)):
                return "auth", xtext.decode(value)
            case _:
                pass
    except (ValueError, OverflowError):  # no such word, no xtext, no such day
        pass
    raise WireError(501, "5.5.4", f"The value of {parameter.keyword} is not well-formed")


def _printable(octets: bytes) -> str:
    """Printable ASCII, as it goes into the header of a report.  Raises: ValueError."""
    text = octets.decode("ascii")
    if not text.isprintable():
        raise ValueError("not printable")
    return text
