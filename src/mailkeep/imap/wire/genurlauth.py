"""GENURLAUTH (RFC 4467 §9)."""

from __future__ import annotations

from typing import Final

from mailkeep.imap.wire.lexer import Lexer

MAX_URLS: Final = 500  # of one command


def parse(lexer: Lexer) -> tuple[tuple[str, str], ...]:
    """The URLs, each with the mechanism that it shall be authorized by."""
    pairs: list[tuple[str, str]] = []
    lexer.space()
    while True:
        url = lexer.text_astring()
        lexer.space()
        pairs.append((url, lexer.word().decode("ascii")))
        if len(pairs) > MAX_URLS:
            raise lexer.error(f"More than {MAX_URLS} URLs")
        if not lexer.more():
            break
    lexer.end()
    return tuple(pairs)
