"""UNSELECT (RFC 9051 §6.4.2)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("9051", "6.4.2")


def test_nothing_is_expunged(inbox: ImapClient) -> None:
    """trap 35"""
    inbox.append("INBOX", simple_message(1), "(\\Deleted)")
    inbox.ok("UNSELECT")
    assert inbox.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 1


def test_no_mailbox_is_selected_afterwards(inbox: ImapClient) -> None:
    inbox.ok("UNSELECT")
    inbox.bad("EXPUNGE")


def test_it_needs_a_selected_mailbox(client: ImapClient) -> None:
    client.bad("UNSELECT")
