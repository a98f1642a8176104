"""ENABLE (RFC 9051 §6.3.1)."""

from __future__ import annotations

import pytest
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("9051", "6.3.1")


def enabled(client: ImapClient, words: str) -> list[str]:
    return [word.upper() for word in client.ok(f"ENABLE {words}").one("ENABLED")]


def test_enabled_is_always_said(client: ImapClient) -> None:
    """trap 16"""
    assert enabled(client, "CONDSTORE") == ["CONDSTORE"]


def test_qresync_enables_condstore_too(client: ImapClient) -> None:
    assert set(enabled(client, "QRESYNC")) <= {"QRESYNC", "CONDSTORE"}
    client.ok("SELECT INBOX")
    client.append("INBOX", b"\r\n")
    client.ok("NOOP")
    assert "MODSEQ" in client.ok("STORE 1 +FLAGS (\\Seen)").fetched[1]


def test_unknown_words_are_ignored(client: ImapClient) -> None:
    assert enabled(client, "X-NOT-HERE") == []


def test_utf8_accept_that_is_not_offered_is_answered_ok(client: ImapClient) -> None:
    """mutt sends it anyway"""
    offered = [word.upper() for word in client.ok("CAPABILITY").one("CAPABILITY")]
    answer = enabled(client, "UTF8=ACCEPT")
    assert ("UTF8=ACCEPT" in answer) == ("UTF8=ACCEPT" in offered)


def test_rev2_may_be_enabled(client: ImapClient, ours: None) -> None:
    assert enabled(client, "IMAP4rev2") == ["IMAP4REV2"]


def test_it_needs_an_argument(client: ImapClient) -> None:
    client.bad("ENABLE")


def test_modseq_is_not_shown_before_it_is_enabled(inbox: ImapClient, second: ImapClient) -> None:
    """trap 16: old Outlooks break"""
    inbox.append("INBOX", b"\r\n")
    inbox.ok("NOOP")
    assert "MODSEQ" not in inbox.ok("STORE 1 +FLAGS (\\Seen)").fetched[1]
    second.ok("SELECT INBOX")
    second.ok("STORE 1 +FLAGS (\\Flagged)")
    assert "MODSEQ" not in inbox.ok("NOOP").fetched[1]
