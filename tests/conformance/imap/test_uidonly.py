"""UIDONLY (RFC 9586), which is off unless configured."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient
from tests.live import OWN, Service

from mailkeep.config import Imap

pytestmark = pytest.mark.rfc("9586", "3")


@pytest.fixture
def uidonly(configured: Callable[..., Service]) -> ImapClient:
    """A connection with UIDONLY enabled and INBOX selected, which holds UIDs 2 and 3."""
    client = configured(imap=Imap(uidonly=True)).connect(OWN)
    for number in range(3):
        client.append("INBOX", simple_message(number))
    client.ok("SELECT INBOX")
    client.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    client.ok("CLOSE")
    assert client.ok("ENABLE UIDONLY").one("ENABLED") == ["UIDONLY"]
    assert "UNSEEN" not in client.ok("SELECT INBOX").codes()
    return client


def test_it_is_unknown_unless_configured(client: ImapClient, ours: None) -> None:
    """trap 18"""
    assert client.ok("ENABLE UIDONLY").one("ENABLED") == []
    client.ok("SELECT INBOX")
    client.ok("SEARCH ALL")


def test_it_is_offered_where_it_is_configured(uidonly: ImapClient) -> None:
    assert "UIDONLY" in uidonly.ok("CAPABILITY").one("CAPABILITY")


@pytest.mark.parametrize(
    "command",
    [
        "FETCH 1 (FLAGS)", "STORE 1 +FLAGS (\\Seen)", "SEARCH ALL", "COPY 1 Sent", "MOVE 1 Sent",
        "SORT (DATE) UTF-8 ALL",
        "THREAD REFERENCES UTF-8 ALL", "UID SEARCH 1:2", "UID SEARCH NOT (OR 1 SEEN)", "UID SORT (DATE) UTF-8 1",
        "SELECT INBOX (QRESYNC (1 1 1:2 (1 1)))",
    ],
)  # fmt: skip
def test_message_numbers_are_refused(uidonly: ImapClient, command: str) -> None:
    uidonly.ok("ENABLE QRESYNC")
    reply = uidonly.bad(command)
    assert reply.code
    assert reply.code.name == "UIDREQUIRED"


def test_rows_begin_with_the_uid(uidonly: ImapClient) -> None:
    reply = uidonly.ok("UID FETCH 1:* (FLAGS)")
    assert [(r.number, list(r.data)) for r in reply.all("UIDFETCH")] == [(2, ["FLAGS"]), (3, ["FLAGS"])]
    reply = uidonly.ok("UID FETCH 3 (UID BODY.PEEK[1] FLAGS)")
    assert [(r.number, set(r.data)) for r in reply.all("UIDFETCH")] == [(3, {"UID", "BODY[1]", "FLAGS"})]
    assert not reply.all("FETCH")


def test_flags_are_told_by_uid(uidonly: ImapClient) -> None:
    reply = uidonly.ok("UID STORE 3 +FLAGS (\\Seen)")
    assert [r.raw for r in reply.all("UIDFETCH")] == [b"* 3 UIDFETCH (FLAGS (\\Seen))\r\n"]
    uidonly.ok("ENABLE CONDSTORE")
    [told] = uidonly.ok("UID STORE 3 +FLAGS.SILENT (\\Flagged)").all("UIDFETCH")
    assert (told.number, list(told.data)) == (3, ["MODSEQ"])


def test_expunges_are_vanished(uidonly: ImapClient) -> None:
    uidonly.ok("UID STORE 2 +FLAGS.SILENT (\\Deleted)")
    reply = uidonly.ok("EXPUNGE")
    assert [r.data for r in reply.all("VANISHED")] == [(False, [2])]
    assert not reply.expunged
    assert uidonly.ok("UID MOVE 3 Sent").all("VANISHED")


def test_searches_by_uid_go_on(uidonly: ImapClient) -> None:
    assert uidonly.ok("UID SEARCH UID 1:2").found == [2]
    assert uidonly.ok("UID SEARCH RETURN (SAVE ALL) ALL").one("ESEARCH")
    assert uidonly.ok("UID SEARCH $").found == [2, 3]


def test_it_ends_with_unauthenticate(uidonly: ImapClient) -> None:
    uidonly.ok("UNAUTHENTICATE")
    uidonly.forget()
    uidonly.login(OWN.user, OWN.password)
    uidonly.ok("SELECT INBOX")
    uidonly.ok("FETCH 1 (UID)")


def test_a_mailbox_that_is_selected_already_goes_on_by_uid(configured: Callable[..., Service]) -> None:
    client = configured(imap=Imap(uidonly=True)).connect(OWN)
    client.append("INBOX", simple_message(1))
    client.ok("SELECT INBOX")
    assert client.ok("UID FETCH 1 (UID FLAGS)").all("FETCH")
    client.ok("ENABLE UIDONLY")
    assert client.ok("UID FETCH 1 (UID FLAGS)").all("UIDFETCH")
