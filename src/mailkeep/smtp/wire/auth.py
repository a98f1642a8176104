"""AUTH and the lines of its exchange (RFC 4954 §4)."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from dataclasses import dataclass
from typing import Final

from mailkeep.smtp.wire.command import WireError

MAX_LINE: Final = 12288  # octets with CRLF: RFC 4954 §4

_AUTH: Final = re.compile(r"([A-Za-z0-9_-]{1,20})(?: +(=|[A-Za-z0-9+/]+={0,2}))?")


@dataclass(frozen=True, slots=True, repr=False)
class Auth:
    """The mechanism in upper case; `initial` is its first response, None where the client waits to be asked."""

    mechanism: str
    initial: bytes | None


def parse(argument: str) -> Auth:
    """Raises: WireError."""
    found = _AUTH.fullmatch(argument)
    if found is None:
        raise WireError(501, "5.5.4", "Syntax: AUTH mechanism [initial-response]")
    mechanism, initial = found.groups()
    if initial is None:
        return Auth(mechanism.upper(), None)
    return Auth(mechanism.upper(), b"" if initial == "=" else _decode(initial.encode("ascii")))


def response(line: bytes) -> bytes | None:
    """What the client answers to a challenge; None: it gives up.  Raises: WireError."""
    return None if line == b"*" else _decode(line)


def _decode(octets: bytes) -> bytes:
    try:
        return b64decode(octets, validate=True)
    except Error as error:
        raise WireError(501, "5.5.2", "This is not base64") from error
