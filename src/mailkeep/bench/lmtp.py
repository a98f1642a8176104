"""Delivering by LMTP (RFC 2033), on the connections and in the loop that IMAP uses."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from typing import Final

from mailkeep.bench.connection import Ask, Connection, Wrong
from mailkeep.bench.target import Target

REPLY: Final = tuple(b"%d " % code for code in range(200, 600))  # the last line of one; before it stand "250-…"


def open_lmtp(target: Target) -> Connection:
    """A session after LHLO."""
    assert target.lmtp is not None
    host, port = target.lmtp
    connection = Connection(dataclasses.replace(target, host=host, port=port, tls=False), None)
    must_reply(connection.wait(REPLY), b"220")
    must_reply(connection.ask(b"LHLO bench.example.org\r\n", REPLY), b"250")
    return connection


def delivery(recipient: str, message: bytes) -> Generator[Ask, bytes, None]:
    """One message to one recipient; ends when it has been accepted."""
    must_reply((yield b"MAIL FROM:<bench@example.net>\r\n", REPLY), b"250")
    must_reply((yield b"RCPT TO:<%s>\r\n" % recipient.encode("ascii"), REPLY), b"250")
    must_reply((yield b"DATA\r\n", REPLY), b"354")
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    must_reply((yield stuffed + b".\r\n", REPLY), b"250")


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
        raise Wrong(f"LMTP answered {answer[:200]!r}, wanted {code.decode()}")
