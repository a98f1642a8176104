"""APPEND (RFC 9051 §6.3.12, RFC 3501 §6.3.11, RFC 3502, RFC 3516 §4.4, RFC 6855 §4)."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.imap.wire.framing import Streamed
from mailkeep.imap.wire.lexer import Lexer


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message.  `internaldate`: UTC seconds, or None.  `data`: octets, or the literal that was streamed.

    `binary`: it came as literal8 and may hold NUL; `utf8`: as ``UTF8 (~{n} …)``, its header is in UTF-8.
    """

    data: bytes | Streamed
    flags: tuple[str, ...] = ()
    internaldate: int | None = None
    binary: bool = False
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class Append:
    """The command: one message, or several (MULTIAPPEND, RFC 3502)."""

    mailbox: str
    messages: tuple[Message, ...]


def parse(lexer: Lexer) -> Append:
    """The arguments of APPEND."""
    lexer.space()
    mailbox = lexer.mailbox()
    lexer.space()
    messages = [_message(lexer)]
    while lexer.more():
        lexer.needs("MULTIAPPEND")
        messages.append(_message(lexer))
    lexer.end()
    return Append(mailbox, tuple(messages))


def mailbox(lexer: Lexer) -> str:
    """The mailbox alone, of a command that is not whole yet: to refuse before the message is sent."""
    lexer.space()
    return lexer.mailbox()


def _message(lexer: Lexer) -> Message:
    flags: tuple[str, ...] = ()
    internaldate: int | None = None
    if lexer.peek() == b"(":
        flags = lexer.flag_list()
        lexer.space()
    if lexer.peek() == b'"':
        internaldate = lexer.date_time()
        lexer.space()
    is_utf8 = lexer.skip(b"UTF8 (")
    data, is_binary = lexer.literal()
    if is_binary and not is_utf8:
        lexer.needs("BINARY")
    if is_utf8:
        lexer.expect(b")")
        if not is_binary:
            raise lexer.error("UTF8 needs a literal8")
    return Message(data=data, flags=flags, internaldate=internaldate, binary=is_binary, utf8=is_utf8)
