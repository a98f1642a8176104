"""SEARCH and UID SEARCH (RFC 9051 §6.4.4, RFC 3501 §6.4.4, RFC 7162 §3.1.5, RFC 5032, RFC 8474 §6, RFC 8514 §4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum, Flag, auto

from mailkeep.imap.wire.sequence_set import SequenceSet


class Return(Flag):
    """The RETURN options (RFC 9051 §6.4.4)."""

    NONE = 0
    MIN = auto()
    MAX = auto()
    ALL = auto()
    COUNT = auto()
    SAVE = auto()


class DateOf(Enum):
    """Which date of a message a key looks at."""

    INTERNAL = "internal"
    SENT = "sent"
    SAVED = "saved"


class When(Enum):
    """How that date must compare: as days, whatever the time and zone."""

    BEFORE = "before"
    ON = "on"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class All:
    """Every message."""


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more keys."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of two or more keys."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this key."""

    key: Key


@dataclass(frozen=True, slots=True)
class HasFlag:
    r"""A flag is set: ``\Seen``, …, ``\Recent``, or a keyword as written.  UNSEEN is Not(HasFlag), NEW an And."""

    flag: str


@dataclass(frozen=True, slots=True)
class Date:
    """BEFORE, ON, SINCE, SENTBEFORE, …, SAVEDSINCE."""

    of: DateOf
    when: When
    day: date


@dataclass(frozen=True, slots=True)
class Older:
    """OLDER: the internal date is `seconds` or more ago (RFC 5032)."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Younger:
    """YOUNGER: the internal date is at most `seconds` ago (RFC 5032)."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Larger:
    """RFC822.SIZE is greater than `size` octets."""

    size: int


@dataclass(frozen=True, slots=True)
class Smaller:
    """RFC822.SIZE is less than `size` octets."""

    size: int


@dataclass(frozen=True, slots=True)
class Header:
    """The header field (any case) contains the text; an empty text: the field is there.  FROM, TO, … are this too."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Body:
    """The body contains the text."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """Header or body contains the text."""

    text: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """Message numbers, and ``$`` (see `SequenceSet.saved`)."""

    numbers: SequenceSet


@dataclass(frozen=True, slots=True)
class Uids:
    """UID sequence-set."""

    numbers: SequenceSet


@dataclass(frozen=True, slots=True)
class ModSeq:
    """MODSEQ: the mod-sequence is `at_least` or greater; an entry name, if given, is read and not used (RFC 7162 §3.1.5)."""

    at_least: int


@dataclass(frozen=True, slots=True)
class EmailId:
    """EMAILID, as printed by FETCH (RFC 8474)."""

    objectid: str


@dataclass(frozen=True, slots=True)
class ThreadId:
    """THREADID, as printed by FETCH (RFC 8474)."""

    objectid: str


Key = (
    All | And | Or | Not | HasFlag | Date | Older | Younger | Larger | Smaller
    | Header | Body | Text | Numbers | Uids | ModSeq | EmailId | ThreadId
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The command.  `returns`: None without RETURN (answer with SEARCH in rev1); RETURN () is read as ALL.

    `modseq`: a MODSEQ key is used, so the answer tells the highest mod-sequence (RFC 7162 §3.1.5).
    """

    key: Key
    returns: Return | None
    uid: bool
    modseq: bool = False
