"""filter-mailboxes: which mailboxes ESEARCH and NOTIFY are about (RFC 5465 §6, RFC 7377 §2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailkeep.imap.wire.lexer import Lexer


class Which(Enum):
    """The specifiers; the value is the word."""

    SELECTED = b"SELECTED"
    SELECTED_DELAYED = b"SELECTED-DELAYED"
    INBOXES = b"INBOXES"
    PERSONAL = b"PERSONAL"
    SUBSCRIBED = b"SUBSCRIBED"
    SUBTREE = b"SUBTREE"
    SUBTREE_ONE = b"SUBTREE-ONE"
    MAILBOXES = b"MAILBOXES"


@dataclass(frozen=True, slots=True)
class FilterMailboxes:
    """One specifier; `names` for SUBTREE, SUBTREE_ONE and MAILBOXES, at least one then."""

    which: Which
    names: tuple[str, ...] = ()


MAX_NAMES: Final = 1000
_NAMED: Final = (Which.SUBTREE, Which.SUBTREE_ONE, Which.MAILBOXES)
_WORDS: Final = {which.value: which for which in Which}


def filter_mailboxes(lexer: Lexer) -> FilterMailboxes:
    """One specifier with its names.  Wildcards in names mean themselves."""
    start = lexer.pos
    word = lexer.word()
    which = _WORDS.get(word)
    if which is None:
        lexer.pos = start
        raise lexer.error(f"Unknown mailbox specifier {word[:30].decode()}")
    if which not in _NAMED:
        return FilterMailboxes(which)
    lexer.space()
    names = tuple(lexer.items(lexer.mailbox)) if lexer.peek() == b"(" else (lexer.mailbox(),)
    if len(names) > MAX_NAMES:
        raise lexer.error(f"More than {MAX_NAMES} mailbox names")
    return FilterMailboxes(which, names)
