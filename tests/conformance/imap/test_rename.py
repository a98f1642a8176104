"""RENAME (RFC 9051 §6.3.6)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("9051", "6.3.6")


def status(client: ImapClient, name: str) -> dict[str, int]:
    items: dict[str, int] = client.ok(f'STATUS "{name}" (MESSAGES UIDNEXT UIDVALIDITY)').one("STATUS")[1]
    return items


def test_messages_and_uids_stay(client: ImapClient) -> None:
    """trap 1"""
    client.ok("CREATE old")
    uid = client.append("old", simple_message(1))
    before = status(client, "old")
    client.ok("RENAME old new")
    assert status(client, "new")["UIDVALIDITY"] >= before["UIDVALIDITY"]
    client.ok("SELECT new")
    assert list(client.ok("UID FETCH 1:* FLAGS").by_uid) == [uid]


def test_uidvalidity_stays(client: ImapClient, ours: None) -> None:
    """trap 1"""
    client.ok("CREATE old")
    before = status(client, "old")
    client.ok("RENAME old new")
    assert status(client, "new") == before


def test_children_go_along(client: ImapClient) -> None:
    client.ok("CREATE old/a/b")
    client.ok("RENAME old new")
    assert "new/a/b" in client.ok('LIST "" new*').listed()
    assert client.ok('LIST "" old*').listed() == {}


def test_parents_of_the_target_are_made(client: ImapClient, ours: None) -> None:
    client.ok("CREATE old")
    client.ok("RENAME old x/y/new")
    assert {"x", "x/y", "x/y/new"} <= set(client.ok('LIST "" x*').listed())


def test_a_folder_can_be_moved_into_trash_and_out(client: ImapClient) -> None:
    """trap 36: how Thunderbird deletes"""
    client.ok("CREATE box/inner")
    client.ok("RENAME box Trash/box")
    assert "Trash/box/inner" in client.ok('LIST "" Trash/*').listed()
    client.ok("RENAME Trash/box box")
    assert "box/inner" in client.ok('LIST "" box*').listed()


def test_an_existing_target_is_alreadyexists(client: ImapClient) -> None:
    client.ok("CREATE a")
    client.ok("CREATE b")
    client.no("RENAME a b", code="ALREADYEXISTS")


def test_a_missing_source_is_nonexistent(client: ImapClient) -> None:
    client.no("RENAME nowhere b", code="NONEXISTENT")


@pytest.mark.parametrize("target", ["a/b", "a/b/c"])
def test_into_itself_is_refused(client: ImapClient, target: str) -> None:
    client.ok("CREATE a")
    client.no(f"RENAME a {target}")
    assert "a" in client.ok('LIST "" a').listed()


def test_to_inbox_is_refused(client: ImapClient) -> None:
    client.ok("CREATE a")
    client.no("RENAME a INBOX")


def test_of_inbox_moves_the_messages_and_leaves_an_empty_inbox(client: ImapClient) -> None:
    """traps 1 and 35"""
    client.append("INBOX", simple_message(1), "(\\Flagged)")
    client.append("INBOX", simple_message(2))
    client.ok("RENAME INBOX old-mail")
    after = status(client, "INBOX")
    assert after["MESSAGES"] == 0
    assert status(client, "old-mail")["MESSAGES"] == 2
    client.ok("SELECT old-mail")
    assert "\\Flagged" in client.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]


def test_of_inbox_keeps_its_uidvalidity_and_never_reuses_uids(client: ImapClient, ours: None) -> None:
    """trap 1"""
    client.append("INBOX", simple_message(1))
    before = status(client, "INBOX")
    client.ok("RENAME INBOX old-mail")
    after = status(client, "INBOX")
    assert after["UIDVALIDITY"] == before["UIDVALIDITY"]
    assert after["UIDNEXT"] >= before["UIDNEXT"]


def test_of_inbox_leaves_its_children(client: ImapClient) -> None:
    client.ok("CREATE INBOX/child")
    client.ok("RENAME INBOX old-mail")
    assert "INBOX/child" in client.ok('LIST "" INBOX*').listed()


def test_a_session_in_inbox_is_told_of_the_move(client: ImapClient, second: ImapClient, ours: None) -> None:
    client.append("INBOX", simple_message(1))
    client.ok("SELECT INBOX")
    second.ok("RENAME INBOX old-mail")
    assert client.ok("NOOP").expunged == [1]


def test_subscriptions_stay_with_the_name(client: ImapClient) -> None:
    client.ok("CREATE old")
    client.ok("SUBSCRIBE old")
    client.ok("RENAME old new")
    assert "old" in client.ok('LSUB "" "*"').listed("LSUB")


def test_special_use_goes_along(client: ImapClient, ours: None) -> None:
    client.ok("RENAME Archive Attic")
    assert "\\Archive" in client.ok('LIST "" Attic').listed()["Attic"].flags
    client.ok("RENAME Attic Archive")


def test_a_session_that_has_it_selected_goes_on(client: ImapClient, second: ImapClient, ours: None) -> None:
    client.ok("CREATE old")
    client.append("old", simple_message(1))
    client.ok("SELECT old")
    second.ok("RENAME old new")
    assert client.ok("UID FETCH 1:* FLAGS").fetched
