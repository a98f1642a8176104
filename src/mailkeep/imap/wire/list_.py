"""LIST, basic and extended, and LSUB (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 3501 §6.3.9)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto

from mailkeep.imap.wire.status import StatusItem


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
