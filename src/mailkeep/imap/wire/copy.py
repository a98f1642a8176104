"""COPY, MOVE and their UID forms (RFC 9051 §6.4.7, §6.4.8)."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.imap.wire.sequence_set import SequenceSet


@dataclass(frozen=True, slots=True)
class Copy:
    """The command, for COPY and MOVE."""

    numbers: SequenceSet
    mailbox: str
    uid: bool
