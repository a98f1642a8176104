"""LIST, basic and extended, and LSUB (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 3501 §6.3.9)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto
from typing import Final

from mailkeep.imap.wire.lexer import Lexer
from mailkeep.imap.wire.status import StatusItem, status_items


class Selection(Flag):
    """The selection options (RFC 9051 §6.3.9.1)."""

    NONE = 0
    SUBSCRIBED = auto()
    REMOTE = auto()
    RECURSIVEMATCH = auto()
    SPECIAL_USE = auto()


class Return(Flag):
    """The return options (RFC 9051 §6.3.9.2) but STATUS, which has arguments."""

    NONE = 0
    SUBSCRIBED = auto()
    CHILDREN = auto()
    SPECIAL_USE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """The command.  `status`: the items of RETURN (STATUS (…)), else ().  `patterns` may hold ``%`` and ``*``.

    `extended`: any extended syntax was used; without it, ``LIST "" ""`` asks for the delimiter.
    """

    reference: str
    patterns: tuple[str, ...]
    selection: Selection = Selection.NONE
    returns: Return = Return.NONE
    status: tuple[StatusItem, ...] = ()
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Lsub:
    """LSUB (only in IMAP4rev1, but clients send it always)."""

    reference: str
    pattern: str


_SELECTIONS: Final = {
    b"SUBSCRIBED": Selection.SUBSCRIBED,
    b"REMOTE": Selection.REMOTE,
    b"RECURSIVEMATCH": Selection.RECURSIVEMATCH,
    b"SPECIAL-USE": Selection.SPECIAL_USE,
}
_RETURNS: Final = {
    b"SUBSCRIBED": Return.SUBSCRIBED,
    b"CHILDREN": Return.CHILDREN,
    b"SPECIAL-USE": Return.SPECIAL_USE,
}
MAX_PATTERNS: Final = 100


def parse(lexer: Lexer) -> List:
    """The arguments of LIST."""
    lexer.space()
    selection = Selection.NONE
    extended = lexer.peek() == b"("
    if extended:
        lexer.needs("LIST-EXTENDED")
        selection = _selection(lexer)
        lexer.space()
    reference = lexer.mailbox()
    lexer.space()
    if lexer.peek() == b"(":
        lexer.needs("LIST-EXTENDED")
        extended = True
        patterns = tuple(lexer.items(lexer.list_mailbox))
        if len(patterns) > MAX_PATTERNS:
            raise lexer.error(f"More than {MAX_PATTERNS} patterns")
    else:
        patterns = (lexer.list_mailbox(),)
    returns = Return.NONE
    status: tuple[StatusItem, ...] = ()
    if lexer.more():
        lexer.needs("LIST-EXTENDED")
        extended = True
        returns, status = _returns(lexer)
    lexer.end()
    return List(
        reference=reference, patterns=patterns, selection=selection, returns=returns, status=status, extended=extended
    )


def parse_lsub(lexer: Lexer) -> Lsub:
    """The arguments of LSUB."""
    lexer.space()
    reference = lexer.mailbox()
    lexer.space()
    pattern = lexer.list_mailbox()
    lexer.end()
    return Lsub(reference, pattern)


def _selection(lexer: Lexer) -> Selection:
    def option() -> Selection:
        word = lexer.word()
        found = _SELECTIONS.get(word)
        if found is None:
            raise lexer.error(f"Unknown selection option {word[:30].decode()}")
        if found is Selection.SPECIAL_USE:
            lexer.needs("SPECIAL-USE")
        return found

    selection = Selection.NONE
    for one in lexer.items(option, may_be_empty=True):
        selection |= one
    if Selection.RECURSIVEMATCH in selection and not selection & (Selection.SUBSCRIBED | Selection.SPECIAL_USE):
        raise lexer.error("RECURSIVEMATCH needs another option that selects")
    return selection


def _returns(lexer: Lexer) -> tuple[Return, tuple[StatusItem, ...]]:
    returns = Return.NONE
    status: tuple[StatusItem, ...] = ()

    def option() -> None:
        nonlocal returns, status
        word = lexer.word()
        if word == b"STATUS":
            lexer.needs("LIST-STATUS")
            lexer.space()
            status = status_items(lexer)
            return
        found = _RETURNS.get(word)
        if found is None:
            raise lexer.error(f"Unknown return option {word[:30].decode()}")
        if found is Return.SPECIAL_USE:
            lexer.needs("SPECIAL-USE")
        returns |= found

    lexer.expect(b"RETURN ")
    lexer.items(option, may_be_empty=True)
    return returns, status
