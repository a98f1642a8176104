"""EXPUNGE and UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9, §7.5.1)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.dialogue import originals
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("9051", "6.4.3")


@pytest.fixture
def five(inbox: ImapClient) -> ImapClient:
    """Five messages, 2 and 4 of them deleted."""
    for number in range(1, 6):
        inbox.append("INBOX", simple_message(number), "(\\Deleted)" if number in (2, 4) else "()")
    inbox.ok("NOOP")
    inbox.ok("FETCH 1:* UID")
    return inbox


def test_deleted_messages_go(five: ImapClient) -> None:
    assert originals(five.ok("EXPUNGE").expunged) == {2, 4}
    assert five.exists == 3


def test_nothing_deleted_nothing_said(five: ImapClient) -> None:
    five.ok("EXPUNGE")
    assert five.ok("EXPUNGE").expunged == []


def test_uid_expunge_takes_only_those_named_and_deleted(five: ImapClient) -> None:
    uids = list(five.uids)
    five.ok(f"UID EXPUNGE {uids[0]}:{uids[1]}")
    assert five.uids == [uids[0], *uids[2:]]


def test_uids_are_never_used_again(five: ImapClient) -> None:
    """trap 1: not even after the highest was deleted"""
    highest = five.uids[-1]
    five.ok("STORE 5 +FLAGS.SILENT (\\Deleted)")
    five.ok("EXPUNGE")
    assert highest is not None
    assert five.append("INBOX", simple_message(9)) > highest


@pytest.mark.parametrize("line", ["FETCH 1:3 FLAGS", "STORE 1 +FLAGS ($X)", "SEARCH ALL"])
def test_expunges_wait_while_numbers_are_in_use(five: ImapClient, second: ImapClient, line: str) -> None:
    """trap 2: the client's shadow fails if one comes"""
    second.ok("SELECT INBOX")
    second.ok("EXPUNGE")
    reply = five.command(line)
    assert reply.kind in ("OK", "NO")
    assert reply.expunged == []
    assert originals(five.ok("NOOP").expunged) == {2, 4}


def test_no_expunge_comes_without_a_command(five: ImapClient, second: ImapClient) -> None:
    """trap 2"""
    second.ok("SELECT INBOX")
    second.ok("EXPUNGE")
    assert five.quiet(0.3)
    five.ok("NOOP")


@pytest.mark.parametrize("line", ["UID FETCH 1:* FLAGS", "UID STORE 1 +FLAGS ($X)", "UID SEARCH ALL", "NOOP", "CHECK"])
def test_other_commands_may_tell_them(five: ImapClient, second: ImapClient, line: str) -> None:
    second.ok("SELECT INBOX")
    second.ok("EXPUNGE")
    five.ok(line)
    five.ok("NOOP")
    assert five.exists == 3


def test_an_expunged_message_that_is_not_told_can_still_be_read(
    five: ImapClient, second: ImapClient, ours: None
) -> None:
    """RFC 2180 §4.1"""
    second.ok("SELECT INBOX")
    second.ok("EXPUNGE")
    assert b"message 2" in five.ok("FETCH 2 BODY.PEEK[]").fetched[2]["BODY[]"]


def test_storing_and_copying_an_expunged_message_is_expungeissued(
    five: ImapClient, second: ImapClient, ours: None
) -> None:
    """RFC 2180 §4.2, §4.4.1"""
    second.ok("CREATE box")
    second.ok("SELECT INBOX")
    second.ok("EXPUNGE")
    reply = five.no("STORE 1:3 +FLAGS ($X)", code="EXPUNGEISSUED")
    assert {1, 3} <= set(reply.fetched)
    five.no("COPY 1:3 box")
    assert second.ok("STATUS box (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 0


def test_three_sessions_that_expunge_agree(
    five: ImapClient, second: ImapClient, server: object, account: object
) -> None:
    """trap 2"""
    third = server.connect(account)  # type: ignore[attr-defined]
    for client in (second, third):
        client.ok("SELECT INBOX")
        client.ok("FETCH 1:* UID")
    third.ok("EXPUNGE")
    second.ok("UID STORE 1:* +FLAGS.SILENT (\\Seen)")
    second.append("INBOX", simple_message(6))
    five.append("INBOX", simple_message(7))
    for client in (five, second, third):
        client.ok("NOOP")
        client.ok("FETCH 1:* (UID FLAGS)")
    assert five.uids == second.uids == third.uids
    assert len(five.uids) == 5


def test_vanished_replaces_expunge_with_qresync(five: ImapClient) -> None:
    """trap 16; RFC 7162 §3.2.7"""
    five.ok("ENABLE QRESYNC")
    uids = list(five.uids)
    reply = five.ok("EXPUNGE")
    assert reply.one("VANISHED") == (False, [uids[1], uids[3]])
    assert reply.code
    assert reply.code.name == "HIGHESTMODSEQ"


def test_it_needs_a_selected_mailbox(client: ImapClient) -> None:
    client.bad("EXPUNGE")


@pytest.mark.parametrize("line", ["UID EXPUNGE", "UID EXPUNGE 0", "UID EXPUNGE x", "EXPUNGE 1"])
def test_malformed_commands_are_refused(five: ImapClient, line: str, ours: None) -> None:
    five.bad(line)
