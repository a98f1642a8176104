"""COMPRESS (RFC 4978 §3)."""

from __future__ import annotations

from mailkeep.imap.wire.lexer import Lexer


def parse(lexer: Lexer) -> str:
    """The algorithm, in upper case: there is only DEFLATE."""
    lexer.space()
    start = lexer.pos
    algorithm = lexer.atom().upper()
    if algorithm != "DEFLATE":
        lexer.pos = start
        raise lexer.error(f"Unknown compression {algorithm[:30]}")
    lexer.end()
    return algorithm
