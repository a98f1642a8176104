"""CLOSE (RFC 9051 §6.4.1)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("9051", "6.4.1")


def test_deleted_messages_go_silently(inbox: ImapClient) -> None:
    """trap 35"""
    inbox.append("INBOX", simple_message(1), "(\\Deleted)")
    inbox.append("INBOX", simple_message(2))
    reply = inbox.ok("CLOSE")
    assert reply.expunged == []
    assert reply.all("VANISHED") == []
    assert inbox.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 1


def test_other_sessions_are_told(inbox: ImapClient, second: ImapClient) -> None:
    inbox.append("INBOX", simple_message(1), "(\\Deleted)")
    second.ok("SELECT INBOX")
    inbox.ok("CLOSE")
    assert second.ok("NOOP").expunged == [1]


def test_no_mailbox_is_selected_afterwards(inbox: ImapClient) -> None:
    inbox.ok("CLOSE")
    inbox.bad("FETCH 1 FLAGS")


def test_highestmodseq_is_not_in_its_answer(inbox: ImapClient) -> None:
    """RFC 7162 §3.2.8: clients would lose what they have not been told"""
    inbox.ok("ENABLE QRESYNC")
    inbox.append("INBOX", simple_message(1), "(\\Deleted)")
    reply = inbox.ok("CLOSE")
    assert reply.code is None or reply.code.name != "HIGHESTMODSEQ"


def test_a_mailbox_that_was_deleted_meanwhile_is_left_all_the_same(inbox: ImapClient, second: ImapClient) -> None:
    inbox.ok("CREATE gone")
    inbox.append("gone", simple_message(1), "(\\Deleted)")
    inbox.ok("SELECT gone")
    second.ok("DELETE gone")
    inbox.ok("CLOSE")
    inbox.bad("FETCH 1 FLAGS")


def test_it_needs_a_selected_mailbox(client: ImapClient) -> None:
    client.bad("CLOSE")
