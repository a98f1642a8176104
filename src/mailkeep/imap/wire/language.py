"""LANGUAGE (RFC 5255 §3.5, RFC 4647 §2)."""

from __future__ import annotations

import re
from typing import Final

from mailkeep.imap.wire.lexer import Lexer

MAX_RANGES: Final = 100
_RANGE: Final = re.compile(rb"[A-Za-z0-9*]{1,8}(?:-[A-Za-z0-9*]{1,8}){0,30}\Z")


def parse(lexer: Lexer) -> tuple[str, ...]:
    """The language ranges wanted, in lower case, the most wanted first; none to ask for what there is."""
    ranges: list[str] = []
    while lexer.more():
        ranges.append(_range(lexer))
        if len(ranges) > MAX_RANGES:
            raise lexer.error(f"More than {MAX_RANGES} languages")
    lexer.end()
    return tuple(ranges)


def _range(lexer: Lexer) -> str:
    start = lexer.pos
    octets = b"*" if lexer.skip(b"*") else lexer.astring()  # an unquoted wildcard is no astring, but understood
    if _RANGE.match(octets) is None:
        lexer.pos = start
        raise lexer.error("A language is expected")
    return octets.decode("ascii").lower()
