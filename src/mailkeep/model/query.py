"""What to look for in a mailbox, without a word about any protocol.

Sequence numbers and names of keywords do not occur: the protocol turns the former into UIDs and the latter into the
account's keyword numbers first.  A keyword that the account does not have is ``NOTHING``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from mailkeep.model.ids import ModSeq
from mailkeep.model.uidset import UidSet


class DateOf(Enum):
    """Which date of a message."""

    INTERNAL = "internal"  # when it came into being here; days of UTC
    SAVED = "saved"  # when it came into this mailbox; days of UTC
    SENT = "sent"  # the day as written in the Date field, whatever its zone


@dataclass(frozen=True, slots=True)
class All:
    """Every message."""


@dataclass(frozen=True, slots=True)
class And:
    """All of these; every message when empty."""

    terms: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of these; none when empty."""

    terms: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    term: Query


@dataclass(frozen=True, slots=True)
class HasFlag:
    """All bits of `mask` are set (see `model.flags`)."""

    mask: int


@dataclass(frozen=True, slots=True)
class HasKeyword:
    """The keyword of this number is in `more` (see `model.flags`: numbers from FIRST_MORE on)."""

    number: int


@dataclass(frozen=True, slots=True)
class Before:
    """The date is earlier than this day."""

    of: DateOf
    day: date


@dataclass(frozen=True, slots=True)
class Since:
    """The date is on this day or later."""

    of: DateOf
    day: date


@dataclass(frozen=True, slots=True)
class ArrivedUntil:
    """The internal date is at most `at`, in UTC seconds."""

    at: int


@dataclass(frozen=True, slots=True)
class ArrivedFrom:
    """The internal date is at least `at`, in UTC seconds."""

    at: int


@dataclass(frozen=True, slots=True)
class Larger:
    """The size is more than this many octets."""

    size: int


@dataclass(frozen=True, slots=True)
class Smaller:
    """The size is less than this many octets."""

    size: int


@dataclass(frozen=True, slots=True)
class HeaderContains:
    """A header field of this name (any case) has `text` in its decoded value; an empty text: the field is there."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class BodyContains:
    """The decoded text of the body contains `text`."""

    text: str


@dataclass(frozen=True, slots=True)
class TextContains:
    """The decoded header or body contains `text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """What fits `term` more or less (RFC 6203)."""

    term: Query


class Letters(Enum):
    """How letters are compared where not as people read them, without regard to case; the value is the RFC's name."""

    ASCII = "i;ascii-casemap"
    OCTET = "i;octet"


@dataclass(frozen=True, slots=True)
class Compared:
    """`term`, with all texts in it compared in this way."""

    letters: Letters
    term: Query


@dataclass(frozen=True, slots=True)
class UidIn:
    """The UID is one of these."""

    uids: UidSet


@dataclass(frozen=True, slots=True)
class ModSeqAtLeast:
    """The entry changed at `modseq` or later."""

    modseq: ModSeq


@dataclass(frozen=True, slots=True)
class EmailIs:
    """The message is the one of this `Entry.emailid`."""

    emailid: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ThreadIs:
    """The message belongs to the thread of this `Entry.threadid`."""

    threadid: tuple[int, int]


Query = (
    All | And | Or | Not | HasFlag | HasKeyword | Before | Since | ArrivedUntil | ArrivedFrom | Larger | Smaller
    | HeaderContains | BodyContains | TextContains | Compared | Fuzzy | UidIn | ModSeqAtLeast | EmailIs | ThreadIs
)  # fmt: skip

ALL: Final = All()
NOTHING: Final = Or(())
