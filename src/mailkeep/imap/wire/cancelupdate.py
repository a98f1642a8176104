"""CANCELUPDATE (RFC 5267 §4.3.5)."""

from __future__ import annotations

from mailkeep.imap.wire.lexer import Lexer


def parse(lexer: Lexer) -> tuple[bytes, ...]:
    """The tags of the searches that need not be told of any more, at least one."""
    lexer.space()
    tags = [lexer.string()]
    while lexer.more():
        tags.append(lexer.string())
    lexer.end()
    return tuple(tags)
