"""COPY, MOVE and their UID forms (RFC 9051 §6.4.7, §6.4.8)."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.imap.wire.lexer import Lexer
from mailkeep.imap.wire.sequence_set import SequenceSet


@dataclass(frozen=True, slots=True)
class Copy:
    """The command, for COPY and MOVE."""

    numbers: SequenceSet
    mailbox: str
    uid: bool


def parse(lexer: Lexer) -> Copy:
    """The arguments of COPY or MOVE."""
    return _parse(lexer, uid=False)


def parse_uid(lexer: Lexer) -> Copy:
    """The arguments of UID COPY or UID MOVE."""
    return _parse(lexer, uid=True)


def _parse(lexer: Lexer, *, uid: bool) -> Copy:
    lexer.space()
    numbers = lexer.sequence_set()
    lexer.space()
    mailbox = lexer.mailbox()
    lexer.end()
    return Copy(numbers, mailbox, uid)
