"""STORE and UID STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mailkeep.imap.wire.sequence_set import SequenceSet


class How(Enum):
    """What to do with the flags given."""

    REPLACE = "FLAGS"
    ADD = "+FLAGS"
    REMOVE = "-FLAGS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    r"""The command.  `flags`: system flags in the RFC's spelling (``\Seen``), keywords as written; never ``\Recent``."""

    numbers: SequenceSet
    how: How
    flags: tuple[str, ...]
    silent: bool
    uid: bool
    unchanged_since: int | None = None
