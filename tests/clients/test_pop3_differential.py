"""RETR, TOP and LIST beside Dovecot's: the same octets for the same messages."""

from __future__ import annotations

import re

import pytest
from tests.conformance.pop3.pop3_client import Pop3
from tests.corpus import ODD, messages
from tests.dovecot import PASSWORD, USER, Ports, put_all
from tests.live import Account, Service

COUNT = 150
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")


@pytest.fixture(scope="module")
def mail() -> list[bytes]:
    return [octets for octets in [*messages(COUNT), *ODD.values()] if octets and b"\0" not in octets]


def fetched(session: Pop3, count: int) -> list[tuple[str, bytes, bytes]]:
    """What LIST, RETR and TOP tell of each message."""
    sizes = [line.split()[1] for line in session.lines("LIST")]
    assert len(sizes) == count
    return [
        (size, session.message(f"RETR {number}"), session.message(f"TOP {number} 3"))
        for number, size in enumerate(sizes, 1)
    ]


def in_lines(octets: bytes) -> bytes:
    """Dovecot keeps lines, and sends CRLF behind each; the octets that come here are those that are sent."""
    return re.sub(rb"\r*\n", b"\n", octets).rstrip(b"\n")


def test_messages_are_sent_as_dovecot_sends_them(
    mail: list[bytes], server: Service, account: Account, dovecot: Ports
) -> None:
    put_all(dovecot, mail)
    client = server.connect(account)
    for octets in mail:
        client.append("INBOX", octets)
    with Pop3(("127.0.0.1", dovecot.pop3)) as theirs, Pop3(server.pop3) as ours:
        ours.ok("UTF8")  # Dovecot sends 8-bit octets to whoever asks
        assert theirs.log_in(USER, PASSWORD).startswith("+OK")
        assert ours.log_in(account.user, account.password).startswith("+OK")
        pairs = [*zip(mail, fetched(theirs, len(mail)), fetched(ours, len(mail)), strict=True)]
    plain = 0
    for octets, their, our in pairs:
        if octets.endswith(b"\r\n") and not _BARE.search(octets):
            assert our == their
            plain += 1
        else:
            assert in_lines(our[1]) == in_lines(their[1])
    assert plain > COUNT
