"""CHECK (RFC 3501 §6.4.1); kept for clients of IMAP4rev1."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("3501", "6.4.1")


def test_it_tells_what_is_new(inbox: ImapClient, second: ImapClient) -> None:
    """trap 45"""
    second.append("INBOX", simple_message(1))
    inbox.ok("CHECK")
    assert inbox.exists == 1


def test_it_tells_pending_expunges(inbox: ImapClient, second: ImapClient) -> None:
    """trap 45"""
    second.append("INBOX", simple_message(1), "(\\Deleted)")
    inbox.ok("NOOP")
    second.ok("SELECT INBOX")
    second.ok("EXPUNGE")
    assert inbox.ok("CHECK").expunged == [1]


def test_it_needs_a_selected_mailbox(client: ImapClient) -> None:
    client.bad("CHECK")
