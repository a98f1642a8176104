"""Messages and mailbox entries, as the service hands them to protocols."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from mailkeep.model.flags import More
from mailkeep.model.ids import MailboxId, MessageId, ModSeq, Uid
from mailkeep.model.uidset import EMPTY, UidSet


class Entry:
    """A mailbox entry with the message's own numbers.  Slots only: one is made per row of a listing.

    `emailid` and `threadid` are pairs (account, number): they print as ``M<a>.<n>``-like unique ids (RFC 8474).
    """

    __slots__ = (
        "blob", "emailid", "internaldate", "mask", "message", "modseq", "more", "saved_at", "size", "threadid", "uid",
    )  # fmt: skip

    uid: Uid
    message: MessageId
    mask: int
    more: More
    modseq: ModSeq
    saved_at: int  # UTC seconds: when it came into this mailbox
    internaldate: int  # UTC seconds
    size: int  # octets
    blob: int
    emailid: tuple[int, int]
    threadid: tuple[int, int]


class FlagState(NamedTuple):
    """The flags of one entry after a change.  A named tuple, because STORE 1:* makes one per entry."""

    uid: Uid
    mask: int
    more: More
    modseq: ModSeq


@dataclass(frozen=True, slots=True)
class Appended:
    """Where new messages went, in the order given."""

    mailbox: MailboxId
    uidvalidity: int
    uids: tuple[Uid, ...]
    modseq: ModSeq
    first_message: MessageId  # the others are numbered on from it


@dataclass(frozen=True, slots=True)
class Copied:
    """COPY or MOVE: `source[i]` became `target[i]`; both ascend.  UIDs that no longer existed are left out."""

    mailbox: MailboxId
    uidvalidity: int
    source: tuple[Uid, ...]
    target: tuple[Uid, ...]
    modseq: ModSeq


# Not frozen: made by the thousand, and frozen costs four times as much.
@dataclass(slots=True)
class Stored:
    """What STORE did: `states` of all existing UIDs asked for that were not refused, changed or not, ascending.

    `changed` are those that really changed; `refused` failed UNCHANGEDSINCE (RFC 7162 §3.1.3).
    `previous` is the mailbox's HIGHESTMODSEQ before: whoever knows everything up to it knows everything now.
    """

    states: tuple[FlagState, ...]
    changed: UidSet = EMPTY
    refused: UidSet = EMPTY
    previous: ModSeq = field(default=ModSeq(0), compare=False)


NO_MORE: Final[More] = ()
