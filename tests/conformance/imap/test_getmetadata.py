"""GETMETADATA (RFC 5464 §4.2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.imap_client import ImapClient
from tests.live import OWN, Account, Service

from mailkeep.config import Imap

pytestmark = pytest.mark.rfc("5464", "4.2")


def put(client: ImapClient, before: str, value: bytes, mailbox: str = "INBOX") -> None:
    """One more entry, by a literal8."""
    client.send(f"x SETMETADATA {mailbox} ({before} ~{{{len(value)}+}}\r\n".encode() + value + b")\r\n")
    assert client.finish("x").kind == "OK"


def test_entries_of_a_mailbox_come_with_their_values(client: ImapClient) -> None:
    """The third example of §4.2."""
    client.ok('SETMETADATA INBOX (/shared/comment "Shared comment" /private/comment "My own comment")')
    reply = client.ok('GETMETADATA "INBOX" (/shared/comment /private/comment)')
    assert reply.one("METADATA") == (
        "INBOX",
        {"/shared/comment": b"Shared comment", "/private/comment": b"My own comment"},
    )


def test_an_entry_without_value_is_nil(client: ImapClient) -> None:
    assert client.ok("GETMETADATA Sent /shared/nothing").one("METADATA") == ("Sent", {"/shared/nothing": None})


def test_names_of_entries_know_no_letter_case(client: ImapClient) -> None:
    """§3.2"""
    client.ok('SETMETADATA INBOX (/Shared/Comment "x")')
    assert client.ok("GETMETADATA INBOX /SHARED/comment").one("METADATA")[1] == {"/SHARED/comment": b"x"}


def test_maxsize_leaves_out_what_is_larger_and_tells_its_size(client: ImapClient) -> None:
    """The example of §4.2.1."""
    put(client, '/private/comment "My own comment" /shared/comment', b"x" * 2199)
    reply = client.ok('GETMETADATA "INBOX" (MAXSIZE 1024) (/shared/comment /private/comment)')
    assert reply.one("METADATA") == ("INBOX", {"/private/comment": b"My own comment"})
    assert reply.code
    assert (reply.code.name, reply.code.args) == ("METADATA", "LONGENTRIES 2199")
    assert client.ok("GETMETADATA (MAXSIZE 2199) INBOX /shared/comment").code is None


def test_depth_adds_what_is_below(client: ImapClient) -> None:
    """The example of §4.2.2."""
    top = "/private/filters/values"
    client.ok(f'SETMETADATA INBOX ({top}/small "SMALLER 5000" {top}/boss "FROM \\"boss@example.com\\"")')
    client.ok(f'SETMETADATA INBOX ({top}/boss/deep "x")')
    values = {f"{top}/small": b"SMALLER 5000", f"{top}/boss": b'FROM "boss@example.com"'}
    assert client.ok(f'GETMETADATA "INBOX" (DEPTH 1) ({top})').one("METADATA") == ("INBOX", values)
    assert client.ok(f"GETMETADATA (DEPTH infinity) INBOX {top}").one("METADATA")[1] == values | {
        f"{top}/boss/deep": b"x"
    }
    assert client.ok(f"GETMETADATA (DEPTH 0) INBOX {top}").one("METADATA")[1] == {top: None}
    assert client.ok("GETMETADATA (DEPTH infinity) INBOX /shared").all("METADATA") == []


def test_values_of_any_octets_come_back(client: ImapClient) -> None:
    values = {"/shared/a": b"a\0b", "/shared/b": "größer".encode(), "/shared/c": b"", "/shared/d": b"two\r\nlines"}
    for entry, value in values.items():
        put(client, entry, value)
    assert client.ok(f"GETMETADATA INBOX ({' '.join(values)})").one("METADATA")[1] == values


def test_much_comes_in_several_responses(client: ImapClient) -> None:
    client.ok("CREATE much")
    for n in range(6):
        put(client, f"/shared/{n}", b"x" * 60000, "much")
    responses = client.ok("GETMETADATA (DEPTH 1) much /shared").all("METADATA")
    assert len(responses) > 1
    assert sorted(name for one in responses for name in one.data[1]) == [f"/shared/{n}" for n in range(6)]


def test_a_missing_mailbox_is_no(client: ImapClient) -> None:
    client.no("GETMETADATA nowhere /shared/comment", code="NONEXISTENT")


def test_names_of_mailboxes_are_encoded(client: ImapClient) -> None:
    client.ok("CREATE Entw&APw-rfe")
    client.ok('SETMETADATA Entw&APw-rfe (/shared/comment "x")')
    assert client.ok("GETMETADATA Entw&APw-rfe /shared/comment").one("METADATA")[0] == "Entw&APw-rfe"
    client.ok("ENABLE IMAP4rev2")
    assert client.ok("GETMETADATA", '"Entwürfe"', "/shared/comment").one("METADATA") == (
        "Entwürfe",
        {"/shared/comment": b"x"},
    )


def test_a_mere_name_may_have_metadata(client: ImapClient) -> None:
    """§4.1: also those that are Noselect."""
    client.ok("CREATE parent/child")
    client.ok("DELETE parent")
    client.ok('SETMETADATA parent (/shared/comment "x")')
    assert client.ok("GETMETADATA parent /shared/comment").one("METADATA")[1] == {"/shared/comment": b"x"}


def test_entries_of_the_server_are_the_users_own(client: ImapClient, server: Service, other_account: Account) -> None:
    client.ok('SETMETADATA "" (/private/vendor/mailkeep/x "mine")')
    entry = "/private/vendor/mailkeep/x"
    assert client.ok(f'GETMETADATA "" {entry}').one("METADATA") == ("", {entry: b"mine"})
    other = server.connect(other_account)
    assert other.ok(f'GETMETADATA "" {entry}').one("METADATA") == ("", {entry: None})
    client.ok(f'SETMETADATA "" ({entry} NIL)')


def test_shared_entries_of_the_server_come_from_the_configuration(configured: Callable[..., Service]) -> None:
    """§3.2.1.1; the first example of §4.2"""
    client = configured(imap=Imap(comment="Shared comment", admin="mailto:root@example.org")).connect(OWN)
    reply = client.ok('GETMETADATA "" /shared/comment')
    assert reply.one("METADATA") == ("", {"/shared/comment": b"Shared comment"})
    everything = client.ok('GETMETADATA (DEPTH infinity) "" (/shared /private)').one("METADATA")[1]
    assert everything == {"/shared/admin": b"mailto:root@example.org", "/shared/comment": b"Shared comment"}
    client.no('SETMETADATA "" (/shared/admin "mailto:me@example.org")', code="NOPERM")


def test_before_login_it_is_bad(server: Service) -> None:
    server.connect().bad('GETMETADATA "" /shared/comment')


@pytest.mark.parametrize("entry", ["comment", "/shared/", "/shared//x", "/shared/x*", '"/shared/%"', "/foo/x"])
def test_invalid_names_of_entries_are_bad(client: ImapClient, entry: str) -> None:
    """§3.2"""
    client.bad(f"GETMETADATA INBOX {entry}")
    client.bad(f"SETMETADATA INBOX ({entry} NIL)")
