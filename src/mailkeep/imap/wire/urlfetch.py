"""URLFETCH (RFC 4467 §9, RFC 5524 §5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto
from typing import Final

from mailkeep.imap.wire.genurlauth import MAX_URLS
from mailkeep.imap.wire.lexer import Lexer


class Wanted(Flag):
    """What the extended form asks for."""

    BODYPARTSTRUCTURE = auto()
    BINARY = auto()
    BODY = auto()


@dataclass(frozen=True, slots=True)
class UrlRequest:
    """One URL; `wanted` None: its octets, in the form of RFC 4467."""

    url: str
    wanted: Wanted | None = None


_WORDS: Final = {str(one.name).encode("ascii"): one for one in Wanted}


def parse(lexer: Lexer) -> tuple[UrlRequest, ...]:
    """The URLs, in the order asked."""
    requests: list[UrlRequest] = []
    lexer.space()
    while True:
        requests.append(_extended(lexer) if lexer.peek() == b"(" else UrlRequest(lexer.text_astring()))
        if len(requests) > MAX_URLS:
            raise lexer.error(f"More than {MAX_URLS} URLs")
        if not lexer.more():
            break
    lexer.end()
    return tuple(requests)


def _extended(lexer: Lexer) -> UrlRequest:
    lexer.needs("URLAUTH=BINARY")
    lexer.expect(b"(")
    url = lexer.text_astring()
    wanted = Wanted(0)
    while lexer.more():
        word = lexer.word()
        one = _WORDS.get(word)
        if one is None or one in wanted:
            raise lexer.error(f"The parameter {word[:30].decode()} is not known, or given twice")
        wanted |= one
    lexer.expect(b")")
    if Wanted.BODY | Wanted.BINARY in wanted:
        raise lexer.error("BODY and BINARY exclude each other")
    return UrlRequest(url, wanted or None)
