"""RCPT TO (RFC 5321 §4.1.1.3), with NOTIFY and ORCPT (RFC 3461 §4.1, §4.2; RFC 6533 §3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mailkeep.smtp.wire import xtext
from mailkeep.smtp.wire.command import WireError
from mailkeep.smtp.wire.path import Parameter, parse_parameters, parse_path

MAX_ORCPT: Final = 500  # characters as they come: RFC 3461 §4.2

DSN: Final = frozenset({"NOTIFY", "ORCPT"})

_ORCPT: Final = re.compile(r"([A-Za-z0-9-]{1,40});(.+)", re.DOTALL)
_EMBEDDED: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")


class Event(StrEnum):
    """Something that a sender wants to be told of a recipient."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DELAY = "DELAY"


@dataclass(frozen=True, slots=True)
class Rcpt:
    """One more recipient; ``postmaster`` is the only address without a domain.

    `notify` is None where nothing was said, and empty for NEVER.  `original` is ``type;address``, decoded.
    """

    forward_path: str
    notify: frozenset[Event] | None = None
    original: str | None = None


def parse(argument: str, offered: frozenset[str] = frozenset()) -> Rcpt:
    """`offered`: the parameters that the session knows.  Raises: WireError."""
    path, rest = parse_path(argument, "TO", enhanced="5.1.3")
    if not path:
        raise WireError(501, "5.1.3", "A recipient cannot be empty")
    notify, original = None, None
    for parameter in parse_parameters(rest):
        match parameter:
            case Parameter(keyword, _) if keyword not in offered:
                raise WireError(555, "5.5.4", f"{keyword} is not supported")
            case Parameter("NOTIFY", str(value)):
                notify = _parse_notify(value)
            case Parameter("ORCPT", str(value)):
                original = _parse_orcpt(value)
            case Parameter(keyword, _):
                raise WireError(501, "5.5.4", f"The value of {keyword} is not well-formed")
    return Rcpt(path, notify, original)


def _parse_notify(value: str) -> frozenset[Event]:
    """Raises: WireError."""
    words = value.upper().split(",")
    if words == ["NEVER"]:
        return frozenset()
    try:
        return frozenset(Event(word) for word in words)
    except ValueError as error:
        raise WireError(501, "5.5.4", "NOTIFY is NEVER, or some of SUCCESS, FAILURE, DELAY") from error


def _parse_orcpt(value: str) -> str:
    """``type;address`` with the address decoded.  Raises: WireError."""
    found = _ORCPT.fullmatch(value) if len(value) <= MAX_ORCPT else None
    if found is None:
        raise WireError(501, "5.5.4", "ORCPT has the form type;address")
    kind, address = found.groups()
    try:
        decoded = _decode_utf8(address) if kind.lower() == "utf-8" else xtext.decode(address).decode("ascii")
    except ValueError as error:
        raise WireError(501, "5.5.4", "The address of ORCPT is not well-formed") from error
    if not decoded.isprintable():
        raise WireError(501, "5.5.4", "The address of ORCPT has forbidden characters")
    return f"{kind};{decoded}"


def _decode_utf8(address: str) -> str:
    r"""An address of RFC 6533 §3, in which ``\x{hex}`` stands for a character.  Raises: ValueError."""
    if "\\" in _EMBEDDED.sub("", address):
        raise ValueError("a backslash stands for itself as \\x{5C}")
    return _EMBEDDED.sub(lambda found: chr(int(found[1], 16)), address)
