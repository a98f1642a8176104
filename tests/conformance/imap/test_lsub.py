"""LSUB (RFC 3501 §6.3.9); kept for clients of IMAP4rev1."""

from __future__ import annotations

import pytest
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("3501", "6.3.9")


def test_subscribed_names_are_listed(client: ImapClient) -> None:
    client.ok("CREATE box")
    client.ok("SUBSCRIBE box")
    assert "box" in client.ok('LSUB "" "*"').listed("LSUB")


def test_percent_shows_the_parent_of_a_subscribed_child(client: ImapClient) -> None:
    """trap 34"""
    client.ok("CREATE parent/child")
    client.ok("SUBSCRIBE parent/child")
    client.ok("UNSUBSCRIBE parent")
    rows = client.ok('LSUB "" "%"').listed("LSUB")
    assert "\\Noselect" in rows["parent"].flags
    assert "parent/child" not in rows


def test_it_works_after_rev2_was_enabled(client: ImapClient, ours: None) -> None:
    """trap 34"""
    client.ok("ENABLE IMAP4rev2")
    client.ok('LSUB "" "*"')


def test_a_deleted_mailbox_stays_subscribed(client: ImapClient) -> None:
    client.ok("CREATE gone")
    client.ok("SUBSCRIBE gone")
    client.ok("DELETE gone")
    assert "gone" in client.ok('LSUB "" "*"').listed("LSUB")


def test_special_use_stands_in_lsub(client: ImapClient, ours: None) -> None:
    """trap 10: Outlook 2013"""
    client.ok("SUBSCRIBE Sent")
    assert "\\Sent" in client.ok('LSUB "" Sent').listed("LSUB")["Sent"].flags
