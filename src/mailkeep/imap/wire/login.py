"""LOGIN (RFC 9051 §6.2.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailkeep.imap.wire.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Login:
    """The command.  The password never shows in a repr."""

    user: str
    password: str = field(repr=False)


def parse(lexer: Lexer) -> Login:
    """The arguments of LOGIN; both are read as UTF-8."""
    lexer.space()
    user = lexer.text_astring()
    lexer.space()
    password = lexer.text_astring()
    lexer.end()
    return Login(user, password)
