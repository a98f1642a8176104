"""ImapFlow, the client library of Node, over TLS with the server's certificate verified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cannot_run import cannot_run
from tests.clients.driven import Driven, DrivenError
from tests.clients.mail import letter, stored
from tests.clients.programs import require_client
from tests.imap_client import ImapClient
from tests.imap_grammar import flags
from tests.live import Account, Service

DRIVER = Path(__file__).parent / "node/imapflow.mjs"
MODULES = Path(__file__).parents[2] / "build/node"
METALS = ("copper", "silver", "gold")


class Flow(Driven):
    """ImapFlow with these options; not connected yet."""

    def __init__(self, options: dict[str, Any], home: Path) -> None:
        if not (MODULES / "node_modules/imapflow").is_dir():
            cannot_run("ImapFlow is not in build/node; script/tests-setup installs it")
        super().__init__([require_client("node"), DRIVER, MODULES, json.dumps(options)], home)


@pytest.fixture
def options(server: Service, account: Account) -> dict[str, Any]:
    assert server.ca is not None
    return {
        "host": "localhost",
        "port": server.imaps[1],
        "secure": True,
        "auth": {"user": account.user, "pass": account.password},
        "tls": {"ca": Path(server.ca).read_text()},
        "qresync": True,
    }


@pytest.fixture
def flow(options: dict[str, Any], home: Path) -> Iterator[Flow]:
    with Flow(options, home) as flow:
        flow.call("connect")
        yield flow


@pytest.fixture
def uids(server: Service, account: Account, flow: Flow) -> list[int]:
    """INBOX is open, with three messages; their UIDs."""
    for subject in METALS:
        server.deliver(account.user, letter(subject, f"The metal is {subject}, das heißt Metall."))
    assert flow.call("mailboxOpen", "INBOX")["exists"] == 3
    found: list[int] = flow.call("search", {"all": True}, {"uid": True})
    assert len(found) == 3
    return found


def test_it_connects_enables_and_compresses_what_it_knows(flow: Flow) -> None:
    state = flow.call("state")
    assert state["authenticated"]
    assert state["secure"]
    assert state["compressed"]
    assert {"CONDSTORE", "QRESYNC"} <= set(state["enabled"])
    assert state["capabilities"]["IMAP4rev1"]


def test_starttls_is_used_where_it_is_offered(server: Service, options: dict[str, Any], home: Path) -> None:
    with Flow({**options, "port": server.imap[1], "secure": False}, home) as flow:
        flow.call("connect")
        assert flow.call("state")["secure"]
        flow.call("logout")


def test_a_wrong_password_is_told(options: dict[str, Any], home: Path) -> None:
    with (
        Flow({**options, "auth": {"user": "nobody@example.org", "pass": "x"}}, home) as flow,
        pytest.raises(DrivenError, match="AUTHENTICATIONFAILED"),
    ):
        flow.call("connect")


def test_a_certificate_that_is_not_trusted_ends_the_connection(options: dict[str, Any], home: Path) -> None:
    with Flow({**options, "tls": {}}, home) as flow, pytest.raises(DrivenError, match="certificate"):
        flow.call("connect")


def test_mailboxes_have_their_special_use_and_any_name(flow: Flow) -> None:
    uses = {row["path"]: row.get("specialUse") for row in flow.call("list")}
    assert uses["INBOX"] == "\\Inbox"
    assert {uses[name] for name in ("Sent", "Drafts", "Trash", "Junk")} == {"\\Sent", "\\Drafts", "\\Trash", "\\Junk"}
    made = flow.call("mailboxCreate", ["Entwürfe & Pläne", "日本語 🎉"])
    assert made["created"]
    assert made["mailboxId"]
    assert not flow.call("mailboxCreate", ["Entwürfe & Pläne", "日本語 🎉"])["created"]
    flow.call("mailboxRename", "Entwürfe & Pläne", "Ideas")
    rows = {row["path"]: row for row in flow.call("list")}
    assert rows["Ideas/日本語 🎉"]["subscribed"]
    flow.call("mailboxUnsubscribe", "Ideas/日本語 🎉")
    assert not {row["path"]: row for row in flow.call("list")}["Ideas/日本語 🎉"].get("subscribed")
    flow.call("mailboxDelete", "Ideas/日本語 🎉")
    assert "Ideas/日本語 🎉" not in {row["path"] for row in flow.call("list")}


def test_status_is_told_alone_and_with_the_list(flow: Flow, uids: list[int]) -> None:
    items = {"messages": True, "unseen": True, "uidNext": True, "uidValidity": True, "highestModseq": True}
    alone = flow.call("status", "INBOX", items)
    assert (alone["messages"], alone["unseen"], alone["uidNext"]) == (3, 3, uids[-1] + 1)
    assert alone["highestModseq"] > 0
    [row] = [row for row in flow.call("list", {"statusQuery": items}) if row["path"] == "INBOX"]
    assert row["status"] == alone


def test_all_that_it_can_ask_of_messages_is_told(flow: Flow, uids: list[int]) -> None:
    query = {
        "uid": True,
        "flags": True,
        "bodyStructure": True,
        "envelope": True,
        "internalDate": True,
        "size": True,
        "source": True,
        "threadId": True,
        "headers": ["subject", "message-id"],
        "bodyParts": ["1", "text"],
    }
    rows = flow.call("fetchAll", "1:*", query)
    assert [row["envelope"]["subject"] for row in rows] == list(METALS)
    for row, uid in zip(rows, uids, strict=True):
        assert row["uid"] == uid
        assert row["size"] == len(row["source"])
        assert row["bodyStructure"]["type"] == "text/plain"
        assert row["envelope"]["from"] == [{"name": "Ann Lee", "address": "ann@example.net"}]
        assert row["bodyParts"]["1"] == row["bodyParts"]["text"]
        assert row["headers"].lower().count("subject:") == 1
        assert row["emailId"]
        assert row["threadId"]
        assert row["modseq"] > 0
        assert "\\Seen" not in row["flags"]


def test_the_source_and_parts_come_in_pieces_and_decoded(flow: Flow, uids: list[int]) -> None:
    part = flow.call("downloaded", str(uids[1]), "1", {"uid": True, "chunkSize": 16})
    assert part["content"].encode("latin-1").decode().strip() == "The metal is silver, das heißt Metall."
    assert part["meta"]["contentType"] == "text/plain"
    whole = flow.call("downloaded", str(uids[1]), None, {"uid": True, "chunkSize": 100})
    assert whole["content"] == flow.call("fetchOne", str(uids[1]), {"source": True}, {"uid": True})["source"]
    assert "Subject: silver" in whole["content"]


def test_messages_are_found_by_text_in_any_alphabet_and_by_modseq(flow: Flow, uids: list[int]) -> None:
    assert flow.call("search", {"subject": "silver"}, {"uid": True}) == uids[1:2]
    assert flow.call("search", {"body": "heißt"}, {"uid": True}) == uids
    assert flow.call("search", {"or": [{"subject": "gold"}, {"subject": "copper"}]}) == [1, 3]
    assert flow.call("search", {"seen": False, "smaller": 10_000, "since": {"date": "2020-01-01T00:00:00Z"}}) == [
        1,
        2,
        3,
    ]
    assert flow.call("search", {"keyword": "$never"}) == []
    [row] = flow.call("fetchAll", str(uids[0]), {"flags": True}, {"uid": True})
    assert flow.call("search", {"emailId": row["emailId"]}, {"uid": True}) == uids[:1]


def test_messages_are_flagged_copied_moved_and_deleted(flow: Flow, uids: list[int], client: ImapClient) -> None:
    copper, silver, gold = map(str, uids)
    assert flow.call("messageFlagsAdd", copper, ["\\Flagged", "$work"], {"uid": True})
    assert flow.call("messageFlagsRemove", "1", ["$work"])
    assert flow.call("messageFlagsSet", gold, ["\\Answered"], {"uid": True})
    copied = flow.call("messageCopy", copper, "Archive", {"uid": True})
    assert list(copied["uidMap"]) == [copper]
    moved = flow.call("messageMove", "2", "Trash")
    assert list(moved["uidMap"]) == [silver]
    assert flow.call("messageDelete", copper, {"uid": True})
    assert {name: message.flags for name, message in stored(client).items()} == {"gold": flags("\\Answered")}
    assert stored(client, "Archive")["copper"].flags == flags("\\Flagged")
    assert list(stored(client, "Trash")) == ["silver"]


def test_messages_are_appended_with_date_and_flags(flow: Flow, client: ImapClient) -> None:
    message = letter("sent", "Ünïcode")
    done = flow.call(
        "append", "Sent", {"octets": message.decode("latin-1")}, ["\\Seen"], {"date": "2021-03-04T05:06:07.000Z"}
    )
    found = stored(client, "Sent")["sent"]
    assert (found.octets, found.flags, found.uid) == (message, flags("\\Seen"), done["uid"])
    flow.call("mailboxOpen", "Sent", {"readOnly": True})
    assert flow.call("fetchOne", "*", {"internalDate": True})["internalDate"] == "2021-03-04T05:06:07.000Z"


def test_an_idle_client_is_told_of_delivery_flags_and_expunge(
    server: Service, account: Account, flow: Flow, uids: list[int], second: ImapClient
) -> None:
    second.ok("SELECT INBOX")
    flow.events.clear()
    flow.call("idling")
    server.deliver(account.user, letter("iron"))
    assert flow.until("exists")["count"] == 4
    second.ok("STORE 2 +FLAGS (\\Flagged)")
    changed = flow.until("flags")
    assert (changed["seq"], changed["flags"]) == (2, ["\\Flagged"])
    second.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    second.ok("EXPUNGE")
    gone = flow.until("expunge")
    assert (gone["vanished"], gone["uid"]) == (True, uids[0])
    assert len(flow.call("search", {"all": True})) == 3


def test_a_client_that_comes_back_is_told_only_what_changed(
    flow: Flow, uids: list[int], options: dict[str, Any], home: Path, second: ImapClient
) -> None:
    known = flow.call("state")["mailbox"]
    flow.call("mailboxClose")
    second.ok("SELECT INBOX")
    second.ok("STORE 2 +FLAGS (\\Flagged)")
    second.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    second.ok("EXPUNGE")
    again = flow.call(
        "mailboxOpen", "INBOX", {"changedSince": known["highestModseq"], "uidValidity": known["uidValidity"]}
    )
    assert again["exists"] == 2
    changed = flow.call("fetchAll", "1:*", {"flags": True}, {"changedSince": known["highestModseq"]})
    assert [row["uid"] for row in changed] == uids[1:2]


def test_quota_is_told(flow: Flow) -> None:
    quota = flow.call("getQuota", "INBOX")
    assert quota["path"] == "INBOX"
    assert quota["quotaRoot"]
    assert quota["mailbox"]["usage"] >= 6
