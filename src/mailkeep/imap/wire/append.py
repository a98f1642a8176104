"""APPEND (RFC 9051 §6.3.12, RFC 3501 §6.3.11, RFC 3502, RFC 3516 §4.4, RFC 4469, RFC 6855 §4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mailkeep.imap.wire.framing import Streamed
from mailkeep.imap.wire.lexer import Lexer

MAX_PARTS: Final = 1000  # of the catenated messages of one command
MAX_MESSAGES: Final = 1000  # of one command


@dataclass(frozen=True, slots=True)
class TextPart:
    """Octets of a catenated message.  `utf8`: as in `Message`."""

    data: bytes | Streamed
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class UrlPart:
    """Octets of a message that is there already."""

    url: str


@dataclass(frozen=True, slots=True)
class Catenation:
    """A message put together from parts (CATENATE, RFC 4469)."""

    parts: tuple[TextPart | UrlPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message.  `internaldate`: UTC seconds, or None.  `data`: octets, or the literal that was streamed, or parts.

    `binary`: it came as literal8 and may hold NUL; `utf8`: as ``UTF8 (~{n} …)``, its header is in UTF-8.
    """

    data: bytes | Streamed | Catenation
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
    messages = [append_message(lexer)]
    while lexer.more():
        lexer.needs("MULTIAPPEND")
        messages.append(append_message(lexer))
        if len(messages) > MAX_MESSAGES:
            raise lexer.error(f"More than {MAX_MESSAGES} messages")
    lexer.end()
    if sum(len(each.data.parts) for each in messages if isinstance(each.data, Catenation)) > MAX_PARTS:
        raise lexer.error(f"More than {MAX_PARTS} parts")
    return Append(mailbox, tuple(messages))


def mailbox(lexer: Lexer) -> str:
    """The mailbox alone, of a command that is not whole yet: to refuse before the message is sent."""
    lexer.space()
    return lexer.mailbox()


def append_message(lexer: Lexer) -> Message:
    """``append-message`` of RFC 4466, without its leading space: flags, date, data."""
    flags: tuple[str, ...] = ()
    internaldate: int | None = None
    if lexer.peek() == b"(":
        flags = lexer.flag_list()
        lexer.space()
    if lexer.peek() == b'"':
        internaldate = lexer.date_time()
        lexer.space()
    if lexer.skip(b"CATENATE "):
        lexer.needs("CATENATE")
        return Message(data=_catenation(lexer), flags=flags, internaldate=internaldate)
    data, is_binary, is_utf8 = _data(lexer)
    return Message(data=data, flags=flags, internaldate=internaldate, binary=is_binary, utf8=is_utf8)


def _data(lexer: Lexer) -> tuple[bytes | Streamed, bool, bool]:
    """A literal, perhaps literal8, perhaps marked as UTF8."""
    is_utf8 = lexer.skip(b"UTF8 (")
    data, is_binary = lexer.literal()
    if is_binary and not is_utf8:
        lexer.needs("BINARY")
    if is_utf8:
        lexer.expect(b")")
        if not is_binary:
            raise lexer.error("UTF8 needs a literal8")
    return data, is_binary, is_utf8


def _catenation(lexer: Lexer) -> Catenation:
    parts = lexer.items(lambda: _part(lexer))
    if len(parts) > MAX_PARTS:
        raise lexer.error(f"More than {MAX_PARTS} parts")
    return Catenation(tuple(parts))


def _part(lexer: Lexer) -> TextPart | UrlPart:
    if lexer.skip(b"URL "):
        return UrlPart(lexer.text_astring())
    if lexer.peek().upper() != b"U":  # UTF8 (~{n} …) stands by itself (RFC 6855 §4)
        lexer.expect(b"TEXT ")
    data, _, is_utf8 = _data(lexer)
    return TextPart(data, is_utf8)
