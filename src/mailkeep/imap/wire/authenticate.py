"""AUTHENTICATE and the lines of its exchange (RFC 9051 §6.2.2, RFC 4959, RFC 4648 §4)."""

from __future__ import annotations

from binascii import Error, a2b_base64
from dataclasses import dataclass, field

from mailkeep.imap.wire.lexer import Lexer, ParseError


@dataclass(frozen=True, slots=True)
class Authenticate:
    """The command.  `mechanism` in upper case; `initial`: the decoded initial response, None when there is none."""

    mechanism: str
    initial: bytes | None = field(default=None, repr=False)


def parse(lexer: Lexer) -> Authenticate:
    """The arguments of AUTHENTICATE."""
    lexer.space()
    mechanism = lexer.atom().upper()
    initial: bytes | None = None
    if lexer.more():
        octets = lexer.text[lexer.pos :]
        lexer.needs("SASL-IR")
        # "=" is an initial response without octets; on later lines an empty line is that
        initial = b"" if octets == b"=" else decode(octets)
    return Authenticate(mechanism, initial)


def response(line: bytes) -> bytes | None:
    """What the client answers to a challenge; None when it cancels with ``*``.  Raises: ParseError."""
    return None if line == b"*" else decode(line)


def decode(octets: bytes) -> bytes:
    """Strict base64: the right padding, no spaces, no other octets.  Raises: ParseError."""
    if len(octets) % 4:
        raise ParseError("Invalid base64")
    try:
        return a2b_base64(octets, strict_mode=True)
    except Error:
        raise ParseError("Invalid base64") from None
