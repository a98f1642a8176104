"""STORE and UID STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from mailkeep.imap.wire.framing import Raw
from mailkeep.imap.wire.lexer import Lexer, ParseError
from mailkeep.imap.wire.sequence_set import SequenceSet

MAX_REMEMBERED: Final = 100  # octets of a change


class How(Enum):
    """What to do with the flags given."""

    __hash__ = object.__hash__  # of the one object that each member is; Enum would hash its name, in Python

    REPLACE = "FLAGS"
    ADD = "+FLAGS"
    REMOVE = "-FLAGS"


# Not frozen: one is made for each command, and frozen costs four times as much.
@dataclass(slots=True, kw_only=True)
class Store:
    r"""The command.

    `flags`: system flags in the RFC's spelling (``\Seen``), keywords as written; never ``\Recent``.
    """

    numbers: SequenceSet
    how: How
    flags: tuple[str, ...]
    silent: bool
    uid: bool
    unchanged_since: int | None = None


_ACTIONS: Final = {
    b"FLAGS": (How.REPLACE, False),
    b"+FLAGS": (How.ADD, False),
    b"-FLAGS": (How.REMOVE, False),
    b"FLAGS.SILENT": (How.REPLACE, True),
    b"+FLAGS.SILENT": (How.ADD, True),
    b"-FLAGS.SILENT": (How.REMOVE, True),
}


def parse(lexer: Lexer) -> Store:
    """The arguments of STORE."""
    return _parse(lexer, uid=False)


def parse_uid(lexer: Lexer) -> Store:
    """The arguments of UID STORE."""
    return _parse(lexer, uid=True)


def _parse(lexer: Lexer, *, uid: bool) -> Store:
    lexer.space()
    numbers = lexer.sequence_set()
    lexer.space()
    unchanged_since: int | None = None
    if lexer.peek() == b"(":
        unchanged_since = _modifier(lexer)
        lexer.space()
    rest = lexer.text[lexer.pos :]
    remembered = _remembered(rest) if len(rest) <= MAX_REMEMBERED and not lexer.literals else None
    how, silent, flags = remembered or _change(lexer)
    return Store(numbers=numbers, how=how, flags=flags, silent=silent, uid=uid, unchanged_since=unchanged_since)


@lru_cache(256)
def _remembered(text: bytes) -> tuple[How, bool, tuple[str, ...]] | None:
    """The change that `text` asks for: clients send the same few all day."""
    try:
        return _change(Lexer(Raw(text)))
    except ParseError:
        return None


def _change(lexer: Lexer) -> tuple[How, bool, tuple[str, ...]]:
    action = _ACTIONS.get(lexer.word())
    if action is None:
        raise lexer.error("FLAGS, +FLAGS or -FLAGS is expected")
    how, silent = action
    lexer.space()
    flags = lexer.flag_list() if lexer.peek() == b"(" else _bare_flags(lexer)
    lexer.end()
    return how, silent, flags


def _modifier(lexer: Lexer) -> int:
    lexer.expect(b"(")
    lexer.expect(b"UNCHANGEDSINCE ")
    lexer.needs("CONDSTORE")
    value = lexer.number64()
    lexer.expect(b")")
    return value


def _bare_flags(lexer: Lexer) -> tuple[str, ...]:
    flags = [lexer.flag()]
    while lexer.more():
        flags.append(lexer.flag())
    return tuple(flags)
