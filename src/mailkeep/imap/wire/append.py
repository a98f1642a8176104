"""APPEND (RFC 9051 §6.3.12, RFC 3501 §6.3.11, RFC 3502, RFC 3516 §4.4, RFC 6855 §4)."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.imap.wire.framing import Streamed


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
