"""Mailboxes: the tree of an account, and what a mailbox row tells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mailkeep.model.ids import MailboxId, ModSeq, Uid

DELIMITER: Final = "/"
INBOX: Final = "INBOX"
MAX_LEAF_OCTETS: Final = 255
MAX_DEPTH: Final = 32
MAX_MAILBOXES: Final = 10_000  # of an account


class Role(StrEnum):
    """What a mailbox is for (RFC 6154 special use, RFC 9979); the value is the RFC's word without its backslash."""

    SENT = "Sent"
    DRAFTS = "Drafts"
    TRASH = "Trash"
    JUNK = "Junk"
    ARCHIVE = "Archive"
    IMPORTANT = "Important"  # RFC 8457
    MEMOS = "Memos"
    SCHEDULED = "Scheduled"
    SNOOZED = "Snoozed"

    @classmethod
    def parse(cls, attribute: str) -> Role | None:
        r"""The role of an attribute like ``\Sent``, in any case; None when there is no such role."""
        return {f"\\{role}".lower(): role for role in cls}.get(attribute.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """One mailbox as the store holds it now.

    `name` is the full path, ``a/b/c`` in NFC; `INBOX` in exactly this spelling.
    `modseq` is the largest modseq among its entries and tombstones (HIGHESTMODSEQ), at least 1.
    `unseen` counts entries without \\Seen; `deleted` those with \\Deleted; `size` sums their octets.
    Entries with uid >= `first_recent` are \\Recent to the next read-write SELECT.
    """

    id: MailboxId
    name: str
    role: Role | None
    selectable: bool
    uidvalidity: int
    uidnext: Uid
    modseq: ModSeq
    total: int
    unseen: int
    deleted: int
    size: int
    first_recent: Uid
