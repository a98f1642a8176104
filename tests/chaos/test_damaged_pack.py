"""A pack that has lost its end: what cannot be given whole is not given, and nothing else suffers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.conformance.imap.messages import simple_message
from tests.conformance.pop3.pop3_client import Pop3
from tests.imap_client import ImapClient
from tests.live import OWN, Service

LARGE = simple_message(1) + b"0123456789abcdef\r\n" * 60_000


@pytest.fixture
def server(configured: Callable[..., Service]) -> Service:
    """A server with a message of a megabyte in a pack whose second half is gone."""
    server = configured()
    client = server.connect(OWN)
    client.append("INBOX", LARGE)
    client.append("INBOX", simple_message(2))
    assert server.data is not None
    for pack in server.data.glob("packs/*/*.pack"):
        with pack.open("r+b") as file:
            file.truncate(len(LARGE) // 2)
    return server


def test_a_fault_in_the_middle_of_a_literal_cuts_the_connection(server: Service) -> None:
    """RFC 9051 §4.3: the octets announced must come; a tagged NO would be taken for some of them."""
    client: ImapClient = server.connect(OWN)
    client.ok("SELECT INBOX")
    client.send(b"a FETCH 1 BODY.PEEK[]\r\n")
    received = b""
    client.socket.settimeout(20)
    while octets := client.socket.recv(1 << 16):
        received += octets
    assert b"BODY[] {%d}\r\n" % len(LARGE) in received
    assert b"a NO" not in received
    assert b"a OK" not in received


def test_other_messages_are_given_all_the_same(server: Service) -> None:
    client: ImapClient = server.connect(OWN)
    client.ok("SELECT INBOX")
    assert client.ok("FETCH 2 BODY.PEEK[]").fetched[2]["BODY[]"] == simple_message(2)


def test_over_pop3_a_message_comes_whole_or_not_at_all(server: Service) -> None:
    with Pop3(server.pop3) as session:
        assert session.log_in(OWN.user, OWN.password) == "+OK Logged in, 2 messages"
        assert session.ok("LIST 1") == f"1 {len(LARGE)}"
        assert session.message("RETR 2") == simple_message(2)
        assert session.refused("RETR 1").startswith("[SYS/TEMP]")
        assert session.message("RETR 2") == simple_message(2)


def test_over_pop3_a_fault_in_the_middle_of_a_message_cuts_the_connection(configured: Callable[..., Service]) -> None:
    server = configured()
    server.connect(OWN).append("INBOX", LARGE)
    with Pop3(server.pop3) as session:
        session.log_in(OWN.user, OWN.password)
        session.message("RETR 1")
        server.connect(OWN).append("INBOX", simple_message(2))  # what was derived is written with it
        assert server.data is not None
        [pack] = server.data.glob("packs/*/*.pack")
        with pack.open("r+b") as file:
            file.truncate(len(LARGE) // 2)
        session.send(b"RETR 1\r\n")
        received = b""
        while octets := session.socket.recv(1 << 16):
            received += octets
    assert received.startswith(b"+OK")
    assert not received.endswith(b"\r\n.\r\n")
