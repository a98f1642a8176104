"""MOVE and UID MOVE (RFC 9051 §6.4.8)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.dialogue import originals
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("9051", "6.4.8")


@pytest.fixture
def five(inbox: ImapClient) -> ImapClient:
    for number in range(5):
        inbox.append("INBOX", simple_message(number), "(\\Flagged $A)")
    inbox.ok("NOOP")
    inbox.ok("FETCH 1:* UID")
    inbox.ok("CREATE box")
    return inbox


def test_copyuid_comes_untagged_before_expunge(five: ImapClient) -> None:
    """trap 26"""
    kinds = [
        (r.kind, r.code.name if r.code else None)
        for r in five.ok("MOVE 2:3 box").untagged
        if r.kind in ("OK", "EXPUNGE")
    ]
    assert kinds == [("OK", "COPYUID"), ("EXPUNGE", None), ("EXPUNGE", None)]


@pytest.mark.parametrize(
    ("numbers", "moved"),
    [("1", {1}), ("2,4", {2, 4}), ("5:3", {3, 4, 5}), ("1:*", {1, 2, 3, 4, 5}), ("4,1,2", {1, 2, 4})],
)
def test_each_goes_where_copyuid_says(five: ImapClient, numbers: str, moved: set[int]) -> None:
    """trap 26: the two sets correspond in order"""
    uids = list(five.uids)
    reply = five.ok(f"MOVE {numbers} box")
    [_, source, target] = reply.codes()["COPYUID"]
    assert originals(reply.expunged) == moved
    assert sorted(source) == [uids[n - 1] for n in sorted(moved)]
    five.ok("SELECT box")
    for source_uid, target_uid in zip(source, target, strict=True):
        octets = five.ok(f"UID FETCH {target_uid} BODY.PEEK[]").by_uid[target_uid]["BODY[]"]
        assert octets == simple_message(uids.index(source_uid))


def test_flags_go_along(five: ImapClient) -> None:
    five.ok("MOVE 1 box")
    five.ok("SELECT box")
    assert {"\\Flagged", "$A"} <= {str(flag) for flag in five.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]}


def test_nothing_to_move_is_ok(five: ImapClient) -> None:
    """trap 26"""
    assert five.ok("UID MOVE 4000000000 box").expunged == []


def test_a_missing_target_is_trycreate_and_leaves_all(five: ImapClient) -> None:
    """trap 26"""
    five.no("MOVE 1:* nowhere", code="TRYCREATE")
    assert five.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 5


def test_into_the_same_mailbox_gives_new_uids(five: ImapClient) -> None:
    """trap 26"""
    before = set(five.uids)
    assert five.command("MOVE 1:2 INBOX").kind in ("OK", "NO")
    five.ok("NOOP")
    assert five.exists == 5
    five.ok("FETCH 1:* UID")
    assert set(five.uids[:3]) <= before


def test_deleted_messages_that_were_not_named_stay(five: ImapClient) -> None:
    five.ok("STORE 5 +FLAGS.SILENT (\\Deleted)")
    five.ok("MOVE 1 box")
    assert five.exists == 4


def test_other_sessions_see_it_in_both(five: ImapClient, second: ImapClient, server: object, account: object) -> None:
    third = server.connect(account)  # type: ignore[attr-defined]
    second.ok("SELECT INBOX")
    third.ok("SELECT box")
    five.ok("MOVE 1:2 box")
    second.ok("NOOP")
    third.ok("NOOP")
    assert (second.exists, third.exists) == (3, 2)


def test_uid_move_with_qresync_says_vanished(five: ImapClient) -> None:
    five.ok("ENABLE QRESYNC")
    uids = list(five.uids)
    assert five.ok(f"UID MOVE {uids[0]}:{uids[1]} box").one("VANISHED") == (False, uids[:2])


def test_a_move_there_and_back_again_keeps_the_octets(five: ImapClient) -> None:
    five.ok("MOVE 1:* box")
    five.ok("SELECT box")
    five.ok("MOVE 1:* INBOX")
    five.ok("SELECT INBOX")
    rows = five.ok("FETCH 1:* BODY.PEEK[]").fetched
    assert [rows[n]["BODY[]"] for n in range(1, 6)] == [simple_message(n) for n in range(5)]


@pytest.mark.parametrize("line", ["MOVE", "MOVE 1", "MOVE 0 box", "UID MOVE x box"])
def test_malformed_commands_are_refused(five: ImapClient, line: str) -> None:
    five.bad(line)
