"""SELECT and EXAMINE (RFC 9051 §6.3.2, RFC 7162 §3.1.8, §3.2.5)."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Qresync:
    """What the client remembers (RFC 7162 §3.2.5); ranges (low, high) ascend.

    `known_uids`: None when not given.  `matches`: equally long ranges of sequence numbers and UIDs in pairs
    (§3.2.5.2): message number `low + i` had UID `low + i` of its partner; () when not given.
    """

    uidvalidity: int
    modseq: int
    known_uids: tuple[Range, ...] | None = None
    matches: tuple[tuple[Range, Range], ...] = ()


@dataclass(frozen=True, slots=True)
class Select:
    """The command, for both names.  `condstore`: CONDSTORE was given."""

    mailbox: str
    condstore: bool = False
    qresync: Qresync | None = None
