"""RENAME (RFC 9051 §6.3.6)."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.imap.wire.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Rename:
    """The command."""

    old: str
    new: str


def parse(lexer: Lexer) -> Rename:
    """The arguments of RENAME."""
    lexer.space()
    old = lexer.mailbox()
    lexer.space()
    new = lexer.mailbox()
    lexer.end()
    return Rename(old, new)
