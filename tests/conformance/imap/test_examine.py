"""EXAMINE (RFC 9051 §6.3.3)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("9051", "6.3.3")


@pytest.fixture
def examined(client: ImapClient) -> ImapClient:
    client.append("INBOX", simple_message(1), "(\\Deleted)")
    client.ok("EXAMINE INBOX")
    return client


def test_it_says_read_only_and_no_permanent_flags(client: ImapClient) -> None:
    reply = client.ok("EXAMINE INBOX")
    assert reply.code
    assert reply.code.name == "READ-ONLY"
    assert reply.codes()["PERMANENTFLAGS"] == []


@pytest.mark.parametrize("line", ["STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "UID EXPUNGE 1:*", "MOVE 1 Trash"])
def test_changes_are_refused(examined: ImapClient, line: str) -> None:
    reply = examined.command(line)
    assert reply.kind == "NO" or (line.endswith("EXPUNGE") and reply.expunged == [])
    assert examined.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 1


def test_reading_does_not_set_seen(examined: ImapClient) -> None:
    examined.ok("FETCH 1 BODY[]")
    assert "\\Seen" not in examined.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]


def test_close_does_not_expunge(examined: ImapClient) -> None:
    """trap 35"""
    examined.ok("CLOSE")
    assert examined.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 1


def test_copying_out_is_allowed(examined: ImapClient) -> None:
    examined.ok("CREATE other")
    examined.ok("COPY 1 other")


def test_what_others_do_is_told(examined: ImapClient, second: ImapClient) -> None:
    second.append("INBOX", simple_message(2))
    examined.ok("NOOP")
    assert examined.exists == 2
