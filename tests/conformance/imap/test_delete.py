"""DELETE (RFC 9051 §6.3.5)."""

from __future__ import annotations

import contextlib

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ConnectionEndedError, ImapClient

pytestmark = pytest.mark.rfc("9051", "6.3.5")


def test_messages_go_with_the_mailbox(client: ImapClient) -> None:
    client.ok("CREATE box")
    client.append("box", simple_message(1))
    client.ok("DELETE box")
    client.ok("CREATE box")
    assert client.ok("SELECT box").one("EXISTS") == 0


def test_a_mailbox_with_children_leaves_its_name(client: ImapClient, ours: None) -> None:
    """trap 35"""
    client.ok("CREATE parent/child")
    client.append("parent", simple_message(1))
    client.ok("DELETE parent")
    rows = client.ok('LIST "" parent*').listed()
    assert "\\Noselect" in rows["parent"].flags
    assert "parent/child" in rows


def test_a_mere_name_with_children_is_haschildren(client: ImapClient, ours: None) -> None:
    client.ok("CREATE parent/child")
    client.ok("DELETE parent")
    client.no("DELETE parent", code="HASCHILDREN")


def test_inbox_cannot_be_deleted(client: ImapClient) -> None:
    client.no("DELETE INBOX")
    client.no("DELETE inbox")


def test_a_missing_mailbox_is_nonexistent(client: ImapClient) -> None:
    client.no("DELETE nowhere", code="NONEXISTENT")


def test_the_subscription_stays(client: ImapClient) -> None:
    client.ok("CREATE box")
    client.ok("SUBSCRIBE box")
    client.ok("DELETE box")
    assert "box" in client.ok('LSUB "" "*"').listed("LSUB")


def test_a_session_that_has_it_selected_survives_or_is_told(client: ImapClient, second: ImapClient) -> None:
    """Gnus deletes the group it has selected."""
    client.ok("CREATE box")
    client.ok("SELECT box")
    second.ok("DELETE box")
    with contextlib.suppress(ConnectionEndedError):  # after a BYE
        assert client.command("NOOP").kind in ("OK", "NO", "BAD")


def test_the_selected_mailbox_may_be_deleted_and_the_session_goes_on(client: ImapClient, ours: None) -> None:
    client.ok("CREATE box")
    client.ok("SELECT box")
    client.ok("DELETE box")
    client.ok("SELECT INBOX")


def test_subfolders_of_trash_can_be_deleted(client: ImapClient) -> None:
    """trap 36"""
    client.ok("CREATE Trash/old")
    client.ok("DELETE Trash/old")
    assert "Trash/old" not in client.ok('LIST "" Trash/*').listed()
