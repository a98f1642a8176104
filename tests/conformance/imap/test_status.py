"""STATUS (RFC 9051 §6.3.11)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("9051", "6.3.11")
ALL = "MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ RECENT"


def status(client: ImapClient, items: str, mailbox: str = "INBOX") -> dict[str, Any]:
    name, found = client.ok(f'STATUS "{mailbox}" ({items})').one("STATUS")
    assert name == mailbox
    assert set(found) == set(items.split())
    return dict(found)


def test_all_items(client: ImapClient, ours: None) -> None:
    client.append("INBOX", simple_message(1, size=1000), "(\\Seen \\Deleted)")
    client.append("INBOX", simple_message(2, size=2000))
    found = status(client, ALL)
    assert (found["MESSAGES"], found["UNSEEN"], found["DELETED"]) == (2, 1, 1)
    assert found["SIZE"] >= 3000
    assert found["RECENT"] == 2


def test_the_items_of_extensions(client: ImapClient, ours: None) -> None:
    """RFC 7889 §3.1, RFC 8474 §4.3, RFC 9208 §4.1.4"""
    found = status(client, "APPENDLIMIT MAILBOXID DELETED-STORAGE")
    words = client.ok("CAPABILITY").one("CAPABILITY")
    assert f"APPENDLIMIT={found['APPENDLIMIT']}" in words
    assert found["DELETED-STORAGE"] == 0
    listed = client.ok('LIST "" INBOX RETURN (STATUS (APPENDLIMIT MAILBOXID DELETED-STORAGE))').one("STATUS")
    assert listed == ("INBOX", found)


def test_of_the_selected_mailbox_is_fresh(inbox: ImapClient, second: ImapClient) -> None:
    """trap 38"""
    second.append("INBOX", simple_message(1))
    assert status(inbox, "MESSAGES UNSEEN") == {"MESSAGES": 1, "UNSEEN": 1}


def test_unseen_follows_the_flags_at_once(inbox: ImapClient, second: ImapClient) -> None:
    """trap 38"""
    inbox.append("INBOX", simple_message(1))
    inbox.ok("NOOP")
    inbox.ok("STORE 1 +FLAGS (\\Seen)")
    assert status(second, "UNSEEN") == {"UNSEEN": 0}
    inbox.ok("STORE 1 -FLAGS (\\Seen)")
    assert status(second, "UNSEEN") == {"UNSEEN": 1}


def test_of_a_mere_name_is_no(client: ImapClient, ours: None) -> None:
    """trap 38"""
    client.ok("CREATE parent/child")
    client.ok("DELETE parent")
    client.no("STATUS parent (MESSAGES)")


def test_of_a_missing_mailbox_is_nonexistent(client: ImapClient) -> None:
    client.no("STATUS nowhere (MESSAGES)", code="NONEXISTENT")


@pytest.mark.parametrize("items", ["()", "MESSAGES", "(BOGUS)", "(MESSAGES,UNSEEN)"])
def test_malformed_items_are_refused(client: ImapClient, items: str) -> None:
    client.bad(f"STATUS INBOX {items}")


def test_highestmodseq_grows_with_each_change(inbox: ImapClient) -> None:
    inbox.append("INBOX", simple_message(1))
    inbox.ok("NOOP")
    seen = [status(inbox, "HIGHESTMODSEQ")["HIGHESTMODSEQ"]]
    for line in ("STORE 1 +FLAGS (\\Seen)", "STORE 1 +FLAGS ($One)", "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE"):
        inbox.ok(line)
        seen.append(status(inbox, "HIGHESTMODSEQ")["HIGHESTMODSEQ"])
    assert seen == sorted(set(seen))


def test_nothing_changed_nothing_grows(inbox: ImapClient, ours: None) -> None:
    inbox.append("INBOX", simple_message(1), "(\\Seen)")
    inbox.ok("NOOP")
    before = status(inbox, "HIGHESTMODSEQ")
    inbox.ok("STORE 1 +FLAGS (\\Seen)")
    assert status(inbox, "HIGHESTMODSEQ") == before


def test_it_does_not_take_recent(client: ImapClient) -> None:
    client.append("INBOX", simple_message(1))
    status(client, "MESSAGES RECENT")
    assert client.ok("SELECT INBOX").one("RECENT") == 1
