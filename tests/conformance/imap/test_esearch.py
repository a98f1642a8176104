"""ESEARCH: a search of several mailboxes (RFC 7377)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Literal, Reply

pytestmark = [pytest.mark.rfc("7377", "2"), pytest.mark.usefixtures("ours")]


@pytest.fixture
def folders(client: ImapClient) -> ImapClient:
    """folder1 and a tree below folder2, each with messages 1 to 3, of which 2 is \\Seen; an empty one; nothing open."""
    for name in ("folder1", "folder2/banana", "folder2/peach", "folder2/peach/stone", "empty"):
        client.ok(f"CREATE {name}")
        if name != "empty":
            for number in (1, 2, 3):
                client.append(
                    name, simple_message(number, text=f"text {number} of {name}"), *["(\\Seen)"] * (number == 2)
                )
    return client


def found(reply: Reply) -> dict[str, list[int]]:
    return {response.data["MAILBOX"]: response.data["ALL"] for response in reply.all("ESEARCH")}


def test_each_mailbox_with_matches_is_told_by_name_uidvalidity_and_tag(folders: ImapClient) -> None:
    """§2.1: byte for byte"""
    validity = folders.ok("STATUS folder1 (UIDVALIDITY)").one("STATUS")[1]["UIDVALIDITY"]
    folders.send(b'tag1 ESEARCH IN (mailboxes "folder1" mailboxes empty) unseen\r\n')
    expected = b'* ESEARCH (TAG "tag1" MAILBOX "folder1" UIDVALIDITY %d) UID ALL 1,3\r\n' % validity
    assert folders.read_raw() == expected
    folders.finish("tag1")


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        ("mailboxes folder1", {"folder1"}),
        ("mailboxes (folder1 folder2/peach)", {"folder1", "folder2/peach"}),
        ("mailboxes folder2", set()),
        ("mailboxes missing", set()),
        ('mailboxes "folder*"', set()),
        ("subtree folder2", {"folder2/banana", "folder2/peach", "folder2/peach/stone"}),
        ("subtree folder2/peach", {"folder2/peach", "folder2/peach/stone"}),
        ("subtree-one folder2", {"folder2/banana", "folder2/peach"}),
        ("subtree-one (folder2 folder2/peach)", {"folder2/banana", "folder2/peach", "folder2/peach/stone"}),
        ("personal", {"folder1", "folder2/banana", "folder2/peach", "folder2/peach/stone"}),
        ("inboxes", {"folder1", "folder2/banana", "folder2/peach", "folder2/peach/stone"}),
        ('mailboxes "folder1" subtree "folder2/peach" personal', {
            "folder1", "folder2/banana", "folder2/peach", "folder2/peach/stone",
        }),
    ],
)  # fmt: skip
def test_sources(folders: ImapClient, sources: str, names: set[str]) -> None:
    assert found(folders.ok(f"ESEARCH IN ({sources}) UNSEEN")) == {name: [1, 3] for name in names}


def test_what_is_subscribed_is_searched(folders: ImapClient) -> None:
    folders.ok("UNSUBSCRIBE folder1")
    folders.ok("SUBSCRIBE gone")
    assert "folder1" not in found(folders.ok("ESEARCH IN (subscribed) ALL"))
    folders.ok("SUBSCRIBE folder1")
    assert found(folders.ok("ESEARCH IN (subscribed) ALL"))["folder1"] == [1, 2, 3]


def test_the_selected_mailbox_is_searched_where_no_source_is_named(folders: ImapClient) -> None:
    folders.bad("ESEARCH UNSEEN")
    folders.bad("ESEARCH IN (selected) UNSEEN")
    folders.ok("SELECT folder1")
    for command in ("ESEARCH UNSEEN", "ESEARCH IN (selected) UNSEEN", "ESEARCH IN (selected mailboxes folder1) UNSEEN"):
        reply = folders.ok(command)
        assert found(reply) == {"folder1": [1, 3]}
        assert reply.one("ESEARCH")["UID"]
    folders.ok("FETCH 1:3 FLAGS")  # it is selected still


def test_texts_are_found_in_each(folders: ImapClient) -> None:
    reply = folders.ok("ESEARCH IN (personal) CHARSET UTF-8 TEXT", Literal(b"of folder2/pe", plus=True), "NOT 1")
    assert found(reply) == {"folder2/peach": [2, 3], "folder2/peach/stone": [2, 3]}


def test_return_options_are_about_each_mailbox(folders: ImapClient) -> None:
    reply = folders.ok("ESEARCH IN (mailboxes (folder1 empty)) RETURN (MIN MAX COUNT PARTIAL -1:-1) UNSEEN")
    data: dict[str, Any] = reply.one("ESEARCH")
    assert (data["MIN"], data["MAX"], data["COUNT"], data["PARTIAL"]) == (1, 3, 2, ("-1:-1", [3]))
    assert folders.ok("ESEARCH IN (personal) RETURN (COUNT) KEYWORD NeverSeen").all("ESEARCH") == []


def test_modseq_is_told_for_each(folders: ImapClient) -> None:
    reply = folders.ok("ESEARCH IN (mailboxes (folder1 folder2/peach)) RETURN (COUNT) MODSEQ 1")
    told = {response.data["MAILBOX"]: response.data["MODSEQ"] for response in reply.all("ESEARCH")}
    status = folders.ok("STATUS folder1 (HIGHESTMODSEQ)").one("STATUS")
    assert told["folder1"] == status[1]["HIGHESTMODSEQ"] != told["folder2/peach"]


def test_save_is_for_the_selected_mailbox_alone(folders: ImapClient) -> None:
    folders.ok("SELECT folder1")
    folders.bad("ESEARCH IN (mailboxes folder1) RETURN (SAVE) UNSEEN")
    folders.bad("ESEARCH IN (selected mailboxes empty) RETURN (SAVE) UNSEEN")
    assert folders.ok("ESEARCH IN (selected) RETURN (SAVE) UNSEEN").all("ESEARCH") == []
    assert set(folders.ok("FETCH $ FLAGS").fetched) == {1, 3}


def test_update_is_for_the_selected_mailbox_alone(folders: ImapClient) -> None:
    folders.bad("ESEARCH IN (mailboxes folder1) RETURN (UPDATE) UNSEEN")
    folders.bad("ESEARCH RETURN (UPDATE) UNSEEN")


@pytest.mark.parametrize(
    "line",
    [
        "ESEARCH",
        "ESEARCH IN UNSEEN",
        "ESEARCH IN () UNSEEN",
        "ESEARCH IN (selected-delayed) UNSEEN",
        "ESEARCH IN (mailboxes) UNSEEN",
        "ESEARCH IN (everything) UNSEEN",
        "ESEARCH IN (personal) BOGUS",
        "ESEARCH IN (personal (depth 1)) UNSEEN",
        "ESEARCH IN (personal)",
    ],
)
def test_malformed_commands_are_refused_with_the_position(folders: ImapClient, line: str) -> None:
    assert "at octet" in folders.bad(line).text


def test_an_unknown_charset_is_badcharset(folders: ImapClient) -> None:
    folders.no("ESEARCH IN (personal) CHARSET KLINGON-8 TEXT x", code="BADCHARSET")


def test_names_come_as_the_client_wants_them(folders: ImapClient) -> None:
    folders.ok("CREATE &ANw-ber")
    folders.append("&ANw-ber", simple_message(1))
    assert [*found(folders.ok("ESEARCH IN (mailboxes &ANw-ber) ALL"))] == ["&ANw-ber"]
    folders.ok("ENABLE IMAP4rev2")
    folders.utf8 = True
    assert [*found(folders.ok("ESEARCH IN (personal) ALL"))][-1] == "Über"


def test_an_expunge_by_another_is_told_as_after_uid_search(folders: ImapClient, second: ImapClient) -> None:
    folders.ok("SELECT folder1")
    second.ok("SELECT folder1")
    second.ok("STORE 1 +FLAGS (\\Deleted)")
    second.ok("EXPUNGE")
    reply = folders.ok("ESEARCH IN (personal) ALL")
    assert found(reply)["folder1"] == [2, 3]
    assert reply.expunged == [1]
