"""RESETKEY (RFC 4467 §9)."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.imap.wire.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Resetkey:
    """The command; `mailbox` None: all of the user's.  `mechanisms` in upper case."""

    mailbox: str | None = None
    mechanisms: tuple[str, ...] = ()


def parse(lexer: Lexer) -> Resetkey:
    """The arguments of RESETKEY."""
    if not lexer.more():
        lexer.end()
        return Resetkey()
    mailbox = lexer.mailbox()
    mechanisms: list[str] = []
    while lexer.more():
        mechanisms.append(lexer.word().decode("ascii"))
    lexer.end()
    return Resetkey(mailbox, tuple(mechanisms))
