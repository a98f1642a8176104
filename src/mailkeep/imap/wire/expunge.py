"""UID EXPUNGE (RFC 9051 §6.4.9, RFC 4315 §2.1); EXPUNGE has no arguments."""

from __future__ import annotations

from mailkeep.imap.wire.lexer import Lexer
from mailkeep.imap.wire.sequence_set import SequenceSet


def parse_uid(lexer: Lexer) -> SequenceSet:
    """The UIDs after ``UID EXPUNGE``."""
    lexer.space()
    numbers = lexer.sequence_set()
    lexer.end()
    return numbers
