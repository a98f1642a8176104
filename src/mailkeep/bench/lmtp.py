"""Delivering by LMTP (RFC 2033) or SMTP (RFC 5321), on the connections and in the loop that IMAP uses."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from enum import StrEnum
from typing import Final

from mailkeep.bench.connection import Ask, Connection, Wrong
from mailkeep.bench.target import Target

REPLY: Final = tuple(b"%d " % code for code in range(200, 600))  # the last line of one; before it stand "250-…"
GO_AHEAD: Final = (b"354 ", *(b"%d " % code for code in range(400, 600)))  # the last of the answers, if none refuses


class Protocol(StrEnum):
    """By what mail comes in."""

    LMTP = "lmtp"
    SMTP = "smtp"


def open_lmtp(target: Target) -> Connection:
    """A session after LHLO."""
    return open_reception(target, Protocol.LMTP)


def open_reception(target: Target, protocol: Protocol) -> Connection:
    """A session after LHLO or EHLO; the server must take commands in one go (RFC 2920)."""
    address = target.lmtp if protocol is Protocol.LMTP else target.smtp
    assert address is not None
    connection = Connection(dataclasses.replace(target, host=address[0], port=address[1], tls=False), None)
    try:
        must_reply(connection.wait(REPLY), b"220")
        hello = b"LHLO" if protocol is Protocol.LMTP else b"EHLO"
        answer = connection.ask(hello + b" bench.example.org\r\n", REPLY)
        must_reply(answer, b"250")
        if b"PIPELINING" not in answer:
            raise Wrong(f"{hello.decode()} does not offer PIPELINING")
    except BaseException:
        connection.close()
        raise
    return connection


def pipelined(recipient: str, message: bytes) -> Generator[Ask, bytes, None]:
    """One message, its dots doubled, to one recipient: the commands in one go, then the message; ends when accepted."""
    commands = b"MAIL FROM:<bench@example.net>\r\nRCPT TO:<%s>\r\nDATA\r\n" % recipient.encode("ascii")
    answer = yield commands, GO_AHEAD
    if not answer.startswith(b"250") or b"\r\n354" not in answer:
        raise Wrong(f"MAIL, RCPT and DATA were answered {answer[:300]!r}")
    must_reply((yield message, REPLY), b"250")


def stuffed(message: bytes) -> bytes:
    """As DATA carries it, with its end (RFC 5321 §4.5.2).  It ends with CRLF, and begins with no dot."""
    return message.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def delivery(recipient: str, message: bytes) -> Generator[Ask, bytes, None]:
    """One message to one recipient; ends when it has been accepted."""
    must_reply((yield b"MAIL FROM:<bench@example.net>\r\n", REPLY), b"250")
    must_reply((yield b"RCPT TO:<%s>\r\n" % recipient.encode("ascii"), REPLY), b"250")
    must_reply((yield b"DATA\r\n", REPLY), b"354")
    must_reply((yield stuffed(message), REPLY), b"250")


def deliver(connection: Connection, recipient: str, message: bytes) -> None:
    """The same, waiting for it."""
    script = delivery(recipient, message)
    octets, marks = next(script)
    while True:
        answer = connection.ask(octets, marks)
        try:
            octets, marks = script.send(answer)
        except StopIteration:
            return


def must_reply(answer: bytes, code: bytes) -> None:
    """Raises: Wrong, unless it begins with that code."""
    if not answer.startswith(code):
        raise Wrong(f"{answer[:200]!r} was answered, wanted {code.decode()}")
