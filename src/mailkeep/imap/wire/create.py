"""CREATE (RFC 9051 §6.3.4) with special use (RFC 6154 §3)."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.imap.wire.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Create:
    r"""The command.  `use`: attributes of USE (…) as written, with their backslash: ``\Sent``."""

    mailbox: str
    use: tuple[str, ...] = ()


def parse(lexer: Lexer) -> Create:
    """The arguments of CREATE."""
    lexer.space()
    mailbox = lexer.mailbox()
    use: list[str] = []
    if lexer.more():
        lexer.needs("CREATE-SPECIAL-USE")
        lexer.expect(b"(")
        lexer.expect(b"USE ")
        use = lexer.items(lexer.flag, may_be_empty=True)
        lexer.expect(b")")
    lexer.end()
    return Create(mailbox, tuple(use))
