"""ID (RFC 2971)."""

from __future__ import annotations

from typing import Final

from mailkeep.imap.wire.lexer import Lexer

MAX_FIELDS: Final = 30

Fields = tuple[tuple[str, str | None], ...]


def parse(lexer: Lexer) -> Fields:
    """The client's fields in order; empty for NIL and ()."""
    lexer.space()
    fields: Fields = ()
    if not lexer.skip(b"NIL"):
        fields = tuple(_pairs(lexer))
    lexer.end()
    return fields


def _pairs(lexer: Lexer) -> list[tuple[str, str | None]]:
    def pair() -> tuple[str, str | None]:
        name = lexer.text_astring()
        lexer.space()
        return name, lexer.text_nstring()

    pairs = lexer.items(pair, may_be_empty=True)
    if len(pairs) > MAX_FIELDS:
        raise lexer.error(f"More than {MAX_FIELDS} fields")
    return pairs
