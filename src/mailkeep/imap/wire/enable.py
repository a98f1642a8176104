"""ENABLE (RFC 9051 §6.3.1, RFC 5161)."""

from __future__ import annotations

from mailkeep.imap.wire.lexer import Lexer


def parse(lexer: Lexer) -> tuple[str, ...]:
    """The capabilities asked for, in upper case and in order; unknown ones are for the server to skip."""
    names: list[str] = []
    lexer.space()
    names.append(lexer.atom().upper())
    while lexer.more():
        names.append(lexer.atom().upper())
    lexer.end()
    return tuple(names)
