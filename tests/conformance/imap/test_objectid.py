"""OBJECTID (RFC 8474)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import crlf, simple_message
from tests.imap_client import ImapClient
from tests.live import Account, Service

pytestmark = [pytest.mark.rfc("8474", "4"), pytest.mark.usefixtures("ours")]


def mailboxid(client: ImapClient, name: str) -> str:
    return str(client.ok(f"STATUS {name} (MAILBOXID)").one("STATUS")[1]["MAILBOXID"])


def test_create_select_and_status_tell_the_same_mailboxid(client: ImapClient) -> None:
    made = client.ok("CREATE box").code
    assert made
    assert made.name == "MAILBOXID"
    assert made.args == [mailboxid(client, "box")] == client.ok("SELECT box").codes()["MAILBOXID"]


def test_it_stays_through_rename_and_is_new_after_recreation(client: ImapClient) -> None:
    client.ok("CREATE box")
    first = mailboxid(client, "box")
    client.ok("RENAME box other")
    assert mailboxid(client, "other") == first
    client.ok("DELETE other")
    client.ok("CREATE other")
    assert mailboxid(client, "other") != first


def test_it_is_new_also_where_a_mere_name_becomes_a_mailbox_again(client: ImapClient) -> None:
    client.ok("CREATE box/child")
    first, child = mailboxid(client, "box"), mailboxid(client, "box/child")
    client.ok("DELETE box")
    client.ok("CREATE box")
    assert mailboxid(client, "box") != first
    assert mailboxid(client, "box/child") == child
    listed = client.ok('LIST "" box* RETURN (STATUS (MAILBOXID))')
    assert {r.data[0]: r.data[1]["MAILBOXID"] for r in listed.all("STATUS")} == {
        "box": mailboxid(client, "box"),
        "box/child": child,
    }


def test_no_two_mailboxes_of_the_server_share_one(client: ImapClient, server: Service, other_account: Account) -> None:
    other = server.connect(other_account)
    ids = [mailboxid(c, name) for c in (client, other) for name in ("INBOX", "Sent", "Trash")]
    assert len(set(ids)) == 6


def test_emailid_stays_through_move(inbox: ImapClient) -> None:
    inbox.append("INBOX", simple_message(1))
    inbox.ok("NOOP")
    before = inbox.ok("FETCH 1 EMAILID").fetched[1]["EMAILID"]
    inbox.ok("MOVE 1 Trash")
    inbox.ok("SELECT Trash")
    assert inbox.ok("FETCH 1 (EMAILID)").fetched[1]["EMAILID"] == before


def test_answers_share_the_threadid_and_strangers_do_not(inbox: ImapClient) -> None:
    first = crlf("Message-ID: <one@x>\nSubject: plan\n\nx\n")
    answer = crlf("Message-ID: <two@x>\nIn-Reply-To: <one@x>\nReferences: <one@x>\nSubject: Re: plan\n\ny\n")
    other = crlf("Message-ID: <three@x>\nSubject: other\n\nz\n")
    for message in (first, answer, other):
        inbox.append("INBOX", message)
    inbox.ok("NOOP")
    threads = [row["THREADID"] for row in inbox.ok("FETCH 1:3 (THREADID)").fetched.values()]
    assert threads[0] == threads[1] != threads[2]


def test_search_finds_by_both(inbox: ImapClient) -> None:
    for number in range(2):
        inbox.append("INBOX", simple_message(number, subject=f"apart {number}"))
    inbox.ok("NOOP")
    row = inbox.ok("FETCH 2 (EMAILID THREADID)").fetched[2]
    assert inbox.ok(f"SEARCH EMAILID {row['EMAILID']}").found == [2]
    assert inbox.ok(f"SEARCH THREADID {row['THREADID']}").found == [2]
    assert inbox.ok("SEARCH EMAILID M999999").found == []
