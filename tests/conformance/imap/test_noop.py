"""NOOP (RFC 9051 §6.1.2)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient
from tests.live import Service

pytestmark = pytest.mark.rfc("9051", "6.1.2")


def test_it_is_allowed_before_login(server: Service) -> None:
    server.connect().ok("NOOP")


def test_it_tells_new_messages(inbox: ImapClient, second: ImapClient) -> None:
    second.append("INBOX", simple_message(1))
    inbox.ok("NOOP")
    assert inbox.exists == 1


def test_it_tells_pending_expunges(inbox: ImapClient, second: ImapClient) -> None:
    """trap 45"""
    second.append("INBOX", simple_message(1), "(\\Deleted)")
    second.append("INBOX", simple_message(2))
    inbox.ok("NOOP")
    second.ok("SELECT INBOX")
    second.ok("EXPUNGE")
    assert inbox.ok("NOOP").expunged == [1]


def test_it_tells_flags_set_elsewhere(inbox: ImapClient, second: ImapClient) -> None:
    second.append("INBOX", simple_message(1))
    inbox.ok("NOOP")
    second.ok("SELECT INBOX")
    second.ok("STORE 1 +FLAGS (\\Flagged)")
    assert "\\Flagged" in inbox.ok("NOOP").fetched[1]["FLAGS"]


def test_it_says_each_thing_once(inbox: ImapClient, second: ImapClient) -> None:
    second.append("INBOX", simple_message(1))
    inbox.ok("NOOP")
    assert [r for r in inbox.ok("NOOP").untagged if r.kind != "OK"] == []


def test_expunges_come_before_exists(inbox: ImapClient, second: ImapClient) -> None:
    """trap 2: what the client counts must be right at each moment."""
    second.append("INBOX", simple_message(1), "(\\Deleted)")
    inbox.ok("NOOP")
    second.ok("SELECT INBOX")
    second.ok("EXPUNGE")
    second.append("INBOX", simple_message(2))
    second.append("INBOX", simple_message(3))
    inbox.ok("NOOP")  # the client's shadow fails when the count is wrong
    assert inbox.exists == 2


def test_a_thousand_pipelined_are_answered_in_order(client: ImapClient) -> None:
    """trap 11"""
    client.send(b"".join(b"n%d NOOP\r\n" % n for n in range(1000)))
    assert [client.read().tag for _ in range(1000)] == [f"n{n}" for n in range(1000)]
