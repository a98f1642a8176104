"""STATUS (RFC 9051 §6.3.11, RFC 3501 §6.3.10, RFC 7162 §3.1.2.1, RFC 7889 §3.1, RFC 8474 §4.2, RFC 9208 §4.1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailkeep.imap.wire.lexer import Lexer


class StatusItem(Enum):
    """What can be asked; the value is the word on the wire."""

    MESSAGES = b"MESSAGES"
    RECENT = b"RECENT"
    UIDNEXT = b"UIDNEXT"
    UIDVALIDITY = b"UIDVALIDITY"
    UNSEEN = b"UNSEEN"
    DELETED = b"DELETED"
    SIZE = b"SIZE"
    HIGHESTMODSEQ = b"HIGHESTMODSEQ"
    MAILBOXID = b"MAILBOXID"
    DELETED_STORAGE = b"DELETED-STORAGE"
    APPENDLIMIT = b"APPENDLIMIT"


@dataclass(frozen=True, slots=True)
class Status:
    """The command; each item once, in the order asked."""

    mailbox: str
    items: tuple[StatusItem, ...]


_NEEDS: Final = {
    StatusItem.SIZE: "STATUS=SIZE",
    StatusItem.HIGHESTMODSEQ: "CONDSTORE",
    StatusItem.MAILBOXID: "OBJECTID",
    StatusItem.DELETED_STORAGE: "QUOTA=RES-STORAGE",
    StatusItem.APPENDLIMIT: "APPENDLIMIT",
}
_ITEMS: Final = {item.value: item for item in StatusItem}


def parse(lexer: Lexer) -> Status:
    """The arguments of STATUS."""
    lexer.space()
    mailbox = lexer.mailbox()
    lexer.space()
    items = status_items(lexer)
    lexer.end()
    return Status(mailbox, items)


def status_items(lexer: Lexer) -> tuple[StatusItem, ...]:
    """Items in parentheses, at least one."""

    def item() -> StatusItem:
        word = lexer.word()
        found = _ITEMS.get(word)
        if found is None:
            raise lexer.error(f"Unknown status item {word[:30].decode()}")
        if found in _NEEDS:
            lexer.needs(_NEEDS[found])
        return found

    return tuple(dict.fromkeys(lexer.items(item)))
