"""QUIT: the UPDATE state, and every other end, which removes nothing (RFC 1939 §6)."""

from __future__ import annotations

import pytest
from tests.conformance.pop3.pop3_client import Pop3
from tests.live import Account, Service


@pytest.mark.rfc("1939", "6")
def test_quit_removes_what_is_marked(pop: Pop3, server: Service, filled: Account) -> None:
    pop.ok("DELE 1")
    pop.ok("DELE 3")
    assert pop.ok("QUIT") == "Goodbye, 1 message left"
    assert pop.is_closed()
    client = server.connect(filled)
    client.ok("SELECT INBOX")
    assert client.exists == 1


@pytest.mark.rfc("1939", "6")
def test_a_session_that_is_cut_removes_nothing(pop: Pop3, server: Service, filled: Account) -> None:
    pop.ok("DELE 1")
    pop.close()
    client = server.connect(filled)
    client.ok("SELECT INBOX")
    assert client.exists == 3


def test_an_imap_session_sees_removals_at_once(pop: Pop3, server: Service, filled: Account) -> None:
    client = server.connect(filled)
    client.ok("SELECT INBOX")
    tag = client.idle()
    pop.ok("DELE 1")
    pop.ok("DELE 2")
    pop.ok("QUIT")
    told = [client.read(), client.read()]
    assert [response.kind for response in told] == ["EXPUNGE", "EXPUNGE"]
    client.done(tag)
    assert client.exists == 1


def test_removed_messages_can_be_brought_back(pop: Pop3, server: Service, filled: Account) -> None:
    client = server.connect(filled)
    client.ok("ENABLE QRESYNC")
    client.ok("SELECT INBOX")
    before = client.ok("UID SEARCH ALL").found
    pop.ok("DELE 2")
    pop.ok("QUIT")
    vanished = client.ok("NOOP").one("VANISHED")
    assert str(before[1]) in str(vanished)


def test_an_imap_session_and_a_pop3_session_may_remove_the_same(pop: Pop3, server: Service, filled: Account) -> None:
    pop.ok("DELE 1")
    pop.ok("DELE 2")
    client = server.connect(filled)
    client.ok("SELECT INBOX")
    client.ok("STORE 1 +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")
    pop.ok("QUIT")
    client.ok("NOOP")
    assert client.exists == 1
