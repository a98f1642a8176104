"""AUTH and the lines of its exchange (RFC 5034 §4)."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from dataclasses import dataclass
from typing import Final

from mailkeep.pop3.wire.command import WireError

_AUTH: Final = re.compile(r"([A-Za-z0-9_-]{1,20})(?: +(=|[A-Za-z0-9+/]+={0,2}))?")


@dataclass(frozen=True, slots=True, repr=False)
class Auth:
    """The mechanism in upper case; `initial` is its first response, None where the client waits to be asked."""

    mechanism: str
    initial: bytes | None


def parse(argument: str) -> Auth | None:
    """None: the client asks which mechanisms there are, as was done before CAPA.  Raises: WireError."""
    words = argument.strip(" ")  # Outlook sends a space behind AUTH alone
    if not words:
        return None
    found = _AUTH.fullmatch(words)
    if found is None:
        raise WireError("AUTH is followed by a mechanism, and perhaps by a response in base64")
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
        raise WireError("This is not base64") from error
