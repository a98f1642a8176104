"""STATUS (RFC 9051 §6.3.11, RFC 3501 §6.3.10, RFC 7162 §3.1.2.1, RFC 8474 §4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


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


@dataclass(frozen=True, slots=True)
class Status:
    """The command; each item once, in the order asked."""

    mailbox: str
    items: tuple[StatusItem, ...]
