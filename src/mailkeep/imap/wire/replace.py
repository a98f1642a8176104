"""REPLACE and UID REPLACE (RFC 8508 §5)."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.imap.wire.append import Message, append_message
from mailkeep.imap.wire.lexer import Lexer
from mailkeep.imap.wire.sequence_set import STAR, SequenceSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """The command.  `number` is a set of exactly one, which may be ``*``."""

    number: SequenceSet
    uid: bool
    mailbox: str
    message: Message


def parse(lexer: Lexer) -> Replace:
    """The arguments of REPLACE."""
    return _parse(lexer, uid=False)


def parse_uid(lexer: Lexer) -> Replace:
    """The arguments of UID REPLACE."""
    return _parse(lexer, uid=True)


def _parse(lexer: Lexer, *, uid: bool) -> Replace:
    lexer.space()
    if lexer.skip(b"*"):
        number = SequenceSet(((STAR, STAR),))
    else:
        only = lexer.nz_number()
        number = SequenceSet(((only, only),))
    lexer.space()
    mailbox = lexer.mailbox()
    lexer.space()
    message = append_message(lexer)
    lexer.end()
    return Replace(number=number, uid=uid, mailbox=mailbox, message=message)
