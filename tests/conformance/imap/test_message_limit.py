"""MESSAGELIMIT and SAVELIMIT (RFC 9738), which are off unless configured."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Literal, Reply
from tests.live import OWN, Service

from mailkeep.config import Imap

pytestmark = pytest.mark.rfc("9738", "3.1")


def filled(service: Service) -> ImapClient:
    """INBOX has the UIDs 1 to 5, and is selected."""
    client = service.connect(OWN)
    for number in range(5):
        client.append("INBOX", simple_message(number))
    client.ok("SELECT INBOX")
    return client


@pytest.fixture
def limited(configured: Callable[..., Service]) -> ImapClient:
    """A command deals with three messages."""
    return filled(configured(imap=Imap(message_limit=3)))


def code(reply: Reply) -> tuple[str, list[int]] | None:
    return (reply.code.name, reply.code.args) if reply.code else None


def test_it_is_told_as_a_capability(limited: ImapClient, client: ImapClient) -> None:
    assert "MESSAGELIMIT=3" in limited.ok("CAPABILITY").one("CAPABILITY")
    assert not any(word.startswith(("MESSAGELIMIT", "SAVELIMIT")) for word in client.ok("CAPABILITY").one("CAPABILITY"))


def test_fetch_tells_the_newest(limited: ImapClient) -> None:
    reply = limited.ok("FETCH 1:5 (UID FLAGS)")
    assert set(reply.by_uid) == {3, 4, 5}
    assert code(reply) == ("MESSAGELIMIT", [3, 3])
    reply = limited.ok("UID FETCH 1:2 (FLAGS)")
    assert set(reply.by_uid) == {1, 2}
    assert code(reply) is None


def test_a_range_of_results_beyond_it_is_refused(limited: ImapClient) -> None:
    assert code(limited.no("UID FETCH 1:* (FLAGS) (PARTIAL -1:-4)")) == ("MESSAGELIMIT", [3])
    assert set(limited.ok("UID FETCH 1:* (FLAGS) (PARTIAL -1:-3)").by_uid) == {3, 4, 5}


def test_search_looks_at_the_newest(limited: ImapClient) -> None:
    reply = limited.ok("UID SEARCH ALL")
    assert reply.found == [3, 4, 5]
    assert code(reply) == ("MESSAGELIMIT", [3, 3])
    reply = limited.ok("UID SEARCH UID 1:2 UNDELETED")
    assert reply.found == [1, 2]
    assert code(reply) is None
    assert code(limited.ok("SEARCH 2:5 SEEN")) == ("MESSAGELIMIT", [3, 3])


@pytest.mark.rfc("9738", "3.4")
def test_what_is_saved_is_what_was_looked_at(limited: ImapClient) -> None:
    limited.ok("UID SEARCH RETURN (SAVE) ALL")
    assert limited.ok("UID SEARCH $").found == [3, 4, 5]


@pytest.mark.rfc("9738", "3.2")
def test_uids_beyond_and_before_one_can_be_searched_for(limited: ImapClient, client: ImapClient) -> None:
    assert limited.ok("UID SEARCH UIDAFTER 3").found == [4, 5]
    assert limited.ok("UID SEARCH UIDAFTER 5").found == []
    assert limited.ok("UID SEARCH UIDAFTER 4294967295").found == []
    assert limited.ok("UID SEARCH UIDBEFORE 3").found == [1, 2]
    assert limited.ok("UID SEARCH UIDBEFORE 1").found == []
    limited.bad("UID SEARCH UIDBEFORE 0")
    client.ok("SELECT INBOX")
    client.bad("UID SEARCH UIDAFTER 3")


def test_store_changes_the_newest(limited: ImapClient) -> None:
    reply = limited.ok("UID STORE 1:* +FLAGS (\\Seen)")
    assert code(reply) == ("MESSAGELIMIT", [3, 3])
    assert limited.ok("UID SEARCH UID 1:2 SEEN").found == []


def test_a_second_code_is_told_untagged(limited: ImapClient) -> None:
    modseq = limited.ok("UID FETCH 5 (MODSEQ)").by_uid[5]["MODSEQ"]
    limited.ok("UID STORE 5 +FLAGS (\\Seen)")
    reply = limited.ok(f"UID STORE 1:* (UNCHANGEDSINCE {modseq}) +FLAGS (\\Flagged)")
    assert code(reply) == ("MODIFIED", [5])
    [untagged] = [r for r in reply.untagged if r.kind == "NO"]
    assert untagged.code
    assert (untagged.code.name, untagged.code.args) == ("MESSAGELIMIT", [3, 3])


def test_copy_copies_none(limited: ImapClient) -> None:
    assert code(limited.no("UID COPY 1:* Sent")) == ("MESSAGELIMIT", [3, 3])
    assert limited.ok("STATUS Sent (MESSAGES)").one("STATUS")[1] == {"MESSAGES": 0}
    limited.ok("UID COPY 1:3 Sent")


def test_move_moves_the_newest(limited: ImapClient) -> None:
    reply = limited.ok("UID MOVE 1:* Sent")
    assert code(reply) == ("MESSAGELIMIT", [3, 3])
    assert limited.ok("UID SEARCH ALL").found == [1, 2]
    assert code(limited.ok("UID MOVE 1:* Sent")) is None


def test_uid_expunge_removes_the_newest_that_are_deleted(limited: ImapClient) -> None:
    for uids in ("1:2", "4:5"):
        limited.ok(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
    reply = limited.ok("UID EXPUNGE 1:*")
    assert code(reply) == ("MESSAGELIMIT", [3, 2])
    assert limited.ok("UID SEARCH ALL").found == [1, 3]


def test_expunge_has_no_limit(limited: ImapClient) -> None:
    for uids in ("1:3", "4:5"):
        limited.ok(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
    assert len(limited.ok("EXPUNGE").expunged) == 5


def test_append_of_more_is_refused(limited: ImapClient) -> None:
    one = Literal(simple_message(1), plus=True)
    assert code(limited.no("APPEND Sent", one, one, one, one)) == ("MESSAGELIMIT", [3])
    limited.ok("APPEND Sent", one, one, one)


def test_the_limit_of_saving_is_one_of_copy_and_append_alone(configured: Callable[..., Service]) -> None:
    client = filled(configured(imap=Imap(save_limit=3)))
    words = client.ok("CAPABILITY").one("CAPABILITY")
    assert "SAVELIMIT=3" in words
    assert code(client.no("COPY 1:5 Sent")) == ("MESSAGELIMIT", [3, 3])
    one = Literal(simple_message(1), plus=True)
    assert code(client.no("APPEND Sent", one, one, one, one)) == ("MESSAGELIMIT", [3])
    assert len(client.ok("FETCH 1:5 (UID)").by_uid) == 5
    assert len(client.ok("MOVE 1:5 Sent").expunged) == 5
