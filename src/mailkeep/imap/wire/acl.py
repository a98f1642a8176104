"""SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS: arguments and responses (RFC 4314 §3, §7)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailkeep.imap.wire import response
from mailkeep.imap.wire.lexer import Lexer

MAX_IDENTIFIER: Final = 1024  # characters
FORBIDDEN: Final = {"Cc", "Cs", "Co", "Cn"}  # what SASLprep refuses, as categories (RFC 4013 §2.3)


class Modify(Enum):
    """What SETACL does with the rights given; the value is the sign before them."""

    REPLACE = ""
    ADD = "+"
    REMOVE = "-"


@dataclass(frozen=True, slots=True)
class SetAcl:
    """SETACL.  `rights`: letters as the client wrote them."""

    mailbox: str
    identifier: str
    modify: Modify
    rights: str


@dataclass(frozen=True, slots=True)
class Identified:
    """DELETEACL and LISTRIGHTS."""

    mailbox: str
    identifier: str


def parse_setacl(lexer: Lexer) -> SetAcl:
    """The arguments of SETACL."""
    lexer.space()
    mailbox = lexer.mailbox()
    lexer.space()
    identifier = _identifier(lexer)
    lexer.space()
    text = lexer.text_astring()
    lexer.end()
    sign = text[:1] if text[:1] in ("+", "-") else ""
    return SetAcl(mailbox, identifier, Modify(sign), text[len(sign) :])


def parse_identified(lexer: Lexer) -> Identified:
    """The arguments of DELETEACL or LISTRIGHTS."""
    lexer.space()
    mailbox = lexer.mailbox()
    lexer.space()
    identifier = _identifier(lexer)
    lexer.end()
    return Identified(mailbox, identifier)


def _identifier(lexer: Lexer) -> str:
    """Prepared, as far as an address can need it (RFC 4314 §3): NFKC, and no characters that nobody can see."""
    text = lexer.text_astring()
    if len(text) > MAX_IDENTIFIER:  # bounded first: composing costs more than it is long
        raise lexer.error("The identifier is too long")
    text = unicodedata.normalize("NFKC", text)
    if not text.removeprefix("-") or any(unicodedata.category(letter) in FORBIDDEN for letter in text):
        raise lexer.error("The identifier is empty or has forbidden characters")
    return text


def acl(name: bytes, entries: Iterable[tuple[str, str]]) -> bytes:
    """ACL: identifiers and their rights (RFC 4314 §3.6)."""
    words = [word for identifier, rights in entries for word in (_text(identifier), _text(rights))]
    return b"* ACL " + b" ".join([name, *words]) + b"\r\n"


def listrights(name: bytes, identifier: str, required: str, optional: Iterable[str]) -> bytes:
    """LISTRIGHTS: what the identifier always has, then groups of what it can be given (RFC 4314 §3.7)."""
    words = [name, _text(identifier), _text(required), *map(_text, optional)]
    return b"* LISTRIGHTS " + b" ".join(words) + b"\r\n"


def myrights(name: bytes, rights: str) -> bytes:
    """MYRIGHTS (RFC 4314 §3.8)."""
    return b"* MYRIGHTS %b %b\r\n" % (name, _text(rights))


def _text(text: str) -> bytes:
    return response.astring(text.encode("utf-8"))
