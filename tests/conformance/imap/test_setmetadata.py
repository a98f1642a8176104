"""SETMETADATA, and unsolicited METADATA responses (RFC 5464 §4.3, §4.4)."""

from __future__ import annotations

import pytest
from tests.imap_client import ImapClient, Reply
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("5464", "4.3")


def value(client: ImapClient, entry: str = "/shared/comment", mailbox: str = "INBOX") -> bytes | None:
    found: bytes | None = client.ok(f'GETMETADATA "{mailbox}" {entry}').one("METADATA")[1][entry]
    return found


def put(client: ImapClient, before: str, size: int, mailbox: str = "INBOX") -> Reply:
    """One more entry, by a non-synchronizing literal."""
    client.send(b"x SETMETADATA %b (%b {%d+}\r\n%b)\r\n" % (mailbox.encode(), before.encode(), size, b"x" * size))
    return client.finish("x")


def test_a_value_of_several_lines_is_set_by_a_literal(client: ImapClient) -> None:
    """The first example of §4.3."""
    text = b"My new comment across\r\ntwo lines."
    client.send(b"a SETMETADATA INBOX (/private/comment {33}\r\n")
    client.wait_for_continuation()
    client.send(text + b")\r\n")
    assert client.finish("a").kind == "OK"
    assert value(client, "/private/comment") == text


def test_nil_removes_also_what_is_not_there(client: ImapClient) -> None:
    client.ok('SETMETADATA INBOX (/shared/comment "x")')
    client.ok("SETMETADATA INBOX (/shared/comment NIL /shared/never NIL)")
    assert value(client) is None


def test_an_empty_value_is_a_value(client: ImapClient) -> None:
    client.ok('SETMETADATA INBOX (/shared/comment "")')
    assert value(client) == b""


@pytest.mark.parametrize("size", [65537, 3_000_000])
def test_too_large_a_value_is_refused_with_the_largest_size(client: ImapClient, size: int) -> None:
    client.ok("SETMETADATA INBOX (/shared/comment NIL)")
    reply = put(client, "/shared/comment", size)
    assert (reply.kind, reply.code and reply.code.args) == ("NO", "MAXSIZE 65536")
    assert value(client) is None
    assert put(client, "/shared/comment", 65536).kind == "OK"
    client.ok("SETMETADATA INBOX (/shared/comment NIL)")


def test_a_literal_that_is_far_too_large_is_refused_before_it_comes(client: ImapClient) -> None:
    client.send(b"x SETMETADATA INBOX (/shared/comment {3000000}\r\n")
    reply = client.finish("x")
    assert (reply.kind, reply.code and reply.code.args) == ("NO", "MAXSIZE 65536")


def test_one_that_fails_leaves_all_as_they_were(client: ImapClient) -> None:
    client.ok('SETMETADATA INBOX (/private/comment "old")')
    assert put(client, '/private/comment "new" /shared/comment', 65537).kind == "NO"
    assert value(client, "/private/comment") == b"old"


def test_too_many_entries_are_refused(client: ImapClient, ours: None) -> None:
    client.ok("CREATE full")
    for start in range(0, 500, 100):
        entries = " ".join(f'/shared/{n} "x"' for n in range(start, start + 100))
        client.ok(f"SETMETADATA full ({entries})")
    reply = client.no('SETMETADATA full (/shared/0 "y" /shared/500 "x")')
    assert reply.code
    assert (reply.code.name, reply.code.args) == ("METADATA", "TOOMANY")
    assert value(client, "/shared/0", "full") == b"x"


def test_shared_entries_of_the_server_cannot_be_set(client: ImapClient, ours: None) -> None:
    client.no('SETMETADATA "" (/shared/comment "x")', code="NOPERM")
    client.no('SETMETADATA "" (/shared/admin NIL)', code="NOPERM")


def test_a_missing_mailbox_is_no(client: ImapClient) -> None:
    client.no("SETMETADATA nowhere (/shared/comment NIL)", code="NONEXISTENT")


def test_metadata_follows_a_renamed_mailbox_and_goes_with_a_deleted_one(client: ImapClient) -> None:
    """§4.1"""
    client.ok("CREATE a/b")
    client.ok('SETMETADATA a/b (/shared/comment "x")')
    client.ok("RENAME a c")
    assert value(client, mailbox="c/b") == b"x"
    client.ok("DELETE c/b")
    client.ok("CREATE c/b")
    assert value(client, mailbox="c/b") is None


def test_metadata_of_a_renamed_inbox_is_copied(client: ImapClient) -> None:
    """§4.1"""
    client.ok('SETMETADATA INBOX (/shared/comment "x")')
    client.ok("RENAME INBOX old")
    assert value(client) == value(client, mailbox="old") == b"x"
    client.ok("SETMETADATA INBOX (/shared/comment NIL)")


@pytest.mark.rfc("6154", "4")
def test_the_special_use_of_a_mailbox_is_set_by_metadata(client: ImapClient, second: ImapClient, ours: None) -> None:
    """The example of §5.4: another mailbox loses it."""

    def uses() -> dict[str, list[str]]:
        rows = client.ok('LIST "" "%" RETURN (SPECIAL-USE)').listed()
        return {name: [use for use in ("\\Drafts", "\\Sent") if use in rows[name].flags] for name in rows}

    second.ok("ENABLE METADATA")
    client.ok("CREATE SavedDrafts")
    assert value(client, "/private/specialuse", "Drafts") == b"\\Drafts"
    assert value(client, "/private/specialuse", "SavedDrafts") is None
    client.ok('SETMETADATA "SavedDrafts" (/private/specialuse "\\\\Drafts")')
    client.ok('SETMETADATA "Sent" (/private/specialuse NIL)')
    assert (uses()["Drafts"], uses()["SavedDrafts"], uses()["Sent"]) == ([], ["\\Drafts"], [])
    told = [response.data for response in second.ok("NOOP").all("METADATA")]
    assert sorted(told) == [(name, ["/private/specialuse"]) for name in ("Drafts", "SavedDrafts", "Sent")]
    client.ok('SETMETADATA Sent (/private/specialuse "\\\\sent")')
    client.ok('SETMETADATA Drafts (/private/specialuse "\\\\Drafts")')
    assert (uses()["Drafts"], uses()["SavedDrafts"], uses()["Sent"]) == (["\\Drafts"], [], ["\\Sent"])


@pytest.mark.rfc("6154", "4")
@pytest.mark.parametrize("use", ["\\\\All", "Sent", "\\\\Sent \\\\Drafts", "x"])
def test_a_special_use_that_cannot_be_is_refused(client: ImapClient, use: str, ours: None) -> None:
    client.no(f'SETMETADATA Trash (/private/comment "x" /private/specialuse "{use}")', code="USEATTR")
    client.no('SETMETADATA INBOX (/private/specialuse "\\\\Sent")', code="USEATTR")
    assert value(client, "/private/comment", "Trash") is None
    assert value(client, "/private/specialuse", "Trash") == b"\\Trash"


def test_others_are_told_the_names_once_they_have_enabled_it(client: ImapClient, second: ImapClient) -> None:
    """§4.4.2: never the values; never without ENABLE (§4.1)."""
    client.ok('SETMETADATA INBOX (/shared/comment "before")')
    assert second.ok("ENABLE METADATA").one("ENABLED") == ["METADATA"]
    assert second.ok("NOOP").all("METADATA") == []
    client.ok('SETMETADATA INBOX (/shared/comment "x" /private/comment "y")')
    client.ok('SETMETADATA "" (/private/x "z")')
    client.ok("SETMETADATA INBOX (/shared/comment NIL)")
    told = [response.data for response in second.ok("NOOP").all("METADATA")]
    assert told == [("", ["/private/x"]), ("INBOX", ["/shared/comment", "/private/comment"])]
    assert second.ok("NOOP").all("METADATA") == []
    assert client.ok("NOOP").all("METADATA") == []
    client.ok('SETMETADATA "" (/private/x NIL)')


def test_a_session_is_not_told_of_what_it_did_itself(client: ImapClient, second: ImapClient) -> None:
    client.ok("ENABLE METADATA")
    second.ok("ENABLE METADATA")
    assert client.ok('SETMETADATA INBOX (/shared/comment "x")').all("METADATA") == []
    told = second.ok('SETMETADATA INBOX (/shared/other "x")').all("METADATA")
    assert [r.data for r in told] == [("INBOX", ["/shared/comment"])]
    assert [r.data for r in client.ok("NOOP").all("METADATA")] == [("INBOX", ["/shared/other"])]
    assert second.ok("NOOP").all("METADATA") == []


def test_to_set_what_is_set_already_hides_nothing_of_others(client: ImapClient, second: ImapClient) -> None:
    client.ok('SETMETADATA INBOX (/shared/comment "same")')
    client.ok("ENABLE METADATA")
    second.ok('SETMETADATA INBOX (/shared/other "x")')
    told = client.ok('SETMETADATA INBOX (/shared/comment "same")').all("METADATA")
    assert [r.data for r in told] == [("INBOX", ["/shared/other"])]


def test_who_enables_metadata_server_hears_of_the_server_alone(client: ImapClient, second: ImapClient) -> None:
    second.ok("ENABLE METADATA-SERVER")
    client.ok('SETMETADATA INBOX (/shared/comment "x")')
    client.ok('SETMETADATA "" (/private/x "x")')
    assert [r.data for r in second.ok("NOOP").all("METADATA")] == [("", ["/private/x"])]
    client.ok('SETMETADATA "" (/private/x NIL)')


def test_who_idles_is_told_at_once(client: ImapClient, second: ImapClient) -> None:
    second.ok("ENABLE METADATA")
    tag = second.start("IDLE")
    second.wait_for_continuation()
    client.ok('SETMETADATA Sent (/shared/comment "x")')
    assert second.read().data == ("Sent", ["/shared/comment"])
    second.send(b"DONE\r\n")
    assert second.finish(tag).kind == "OK"


def test_other_accounts_are_told_nothing(client: ImapClient, server: Service, other_account: Account) -> None:
    other = server.connect(other_account)
    other.ok("ENABLE METADATA")
    client.ok('SETMETADATA INBOX (/shared/comment "x")')
    assert other.ok("NOOP").all("METADATA") == []
