"""LIST, basic and extended, and LSUB (RFC 9051 §6.3.9, RFC 5258, 5819, 6154, 8440, 9590; RFC 3501 §6.3.9)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto
from typing import Final

from mailkeep.imap.wire.lexer import Lexer
from mailkeep.imap.wire.metadata import entry_names
from mailkeep.imap.wire.status import StatusItem, status_items


class Selection(Flag):
    """The selection options (RFC 9051 §6.3.9.1)."""

    NONE = 0
    SUBSCRIBED = auto()
    REMOTE = auto()
    RECURSIVEMATCH = auto()
    SPECIAL_USE = auto()


class Return(Flag):
    """The return options (RFC 9051 §6.3.9.2) but STATUS and METADATA, which have arguments."""

    NONE = 0
    SUBSCRIBED = auto()
    CHILDREN = auto()
    SPECIAL_USE = auto()
    MYRIGHTS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """The command.  `patterns` may hold ``%`` and ``*``.

    `status`: the items of RETURN (STATUS (…)), else (); `metadata`: the entries of RETURN (METADATA (…)).

    `extended`: any extended syntax was used; without it, ``LIST "" ""`` asks for the delimiter.
    """

    reference: str
    patterns: tuple[str, ...]
    selection: Selection = Selection.NONE
    returns: Return = Return.NONE
    status: tuple[StatusItem, ...] = ()
    metadata: tuple[str, ...] = ()
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Lsub:
    """LSUB (only in IMAP4rev1, but clients send it always), or XLIST (of no RFC)."""

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
    b"MYRIGHTS": Return.MYRIGHTS,
}
MAX_PATTERNS: Final = 100
MAX_ENTRIES: Final = 50  # of metadata, of each mailbox


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
    entries: tuple[str, ...] = ()
    if lexer.more():
        lexer.needs("LIST-EXTENDED")
        extended = True
        returns, status, entries = _returns(lexer)
    lexer.end()
    return List(
        reference=reference,
        patterns=patterns,
        selection=selection,
        returns=returns,
        status=status,
        metadata=entries,
        extended=extended,
    )


def parse_lsub(lexer: Lexer) -> Lsub:
    """The arguments of LSUB and XLIST."""
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


def _returns(lexer: Lexer) -> tuple[Return, tuple[StatusItem, ...], tuple[str, ...]]:
    returns = Return.NONE
    status: tuple[StatusItem, ...] = ()
    entries: tuple[str, ...] = ()

    def option() -> None:
        nonlocal returns, status, entries
        word = lexer.word()
        if word == b"STATUS":
            lexer.needs("LIST-STATUS")
            lexer.space()
            status = status_items(lexer)
            return
        if word == b"METADATA":
            lexer.needs("LIST-METADATA")
            lexer.space()
            entries = _entries(lexer)
            return
        found = _RETURNS.get(word)
        if found is None:
            raise lexer.error(f"Unknown return option {word[:30].decode()}")
        if found is Return.SPECIAL_USE:
            lexer.needs("SPECIAL-USE")
        if found is Return.MYRIGHTS:
            lexer.needs("LIST-MYRIGHTS")
        returns |= found

    lexer.expect(b"RETURN ")
    lexer.items(option, may_be_empty=True)
    return returns, status, entries


def _entries(lexer: Lexer) -> tuple[str, ...]:
    if lexer.peek() != b"(":
        raise lexer.error("A list of entries is expected")
    entries = entry_names(lexer)
    if len(entries) > MAX_ENTRIES:
        raise lexer.error(f"More than {MAX_ENTRIES} entries")
    return entries
