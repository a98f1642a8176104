"""GETQUOTA and SETQUOTA (RFC 9208 §7); GETQUOTAROOT takes a mailbox name alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mailkeep.imap.wire.lexer import Lexer

MAX_RESOURCES: Final = 100


@dataclass(frozen=True, slots=True)
class SetQuota:
    """The command.  `limits`: resources in upper case, known or not, each once."""

    root: str
    limits: tuple[tuple[str, int], ...]


def parse_get(lexer: Lexer) -> str:
    """The argument of GETQUOTA: the name of a quota root."""
    lexer.space()
    root = lexer.text_astring()
    lexer.end()
    return root


def parse_set(lexer: Lexer) -> SetQuota:
    """The arguments of SETQUOTA."""
    lexer.space()
    root = lexer.text_astring()
    lexer.space()
    limits: dict[str, int] = {}

    def resource() -> None:
        name = lexer.atom().upper()
        if name in limits:
            raise lexer.error(f"{name[:30]} twice")
        if len(limits) >= MAX_RESOURCES:
            raise lexer.error(f"More than {MAX_RESOURCES} resources")
        lexer.space()
        limits[name] = lexer.number64()

    lexer.items(resource, may_be_empty=True)
    lexer.end()
    return SetQuota(root, tuple(limits.items()))
