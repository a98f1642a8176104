"""COPY and UID COPY (RFC 9051 §6.4.7)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("9051", "6.4.7")


@pytest.fixture
def three(inbox: ImapClient) -> ImapClient:
    for number in range(3):
        inbox.append("INBOX", simple_message(number), "(\\Seen $A)", f'" {number + 1}-Jan-2024 10:00:00 +0000"')
    inbox.ok("NOOP")
    inbox.ok("FETCH 1:* UID")
    inbox.ok("CREATE box")
    return inbox


def test_copyuid_tells_where_each_went(three: ImapClient) -> None:
    reply = three.ok("COPY 3,1 box")
    assert reply.code
    validity, source, target = reply.code.args
    assert validity == three.ok("STATUS box (UIDVALIDITY)").one("STATUS")[1]["UIDVALIDITY"]
    uids = list(three.uids)
    three.ok("SELECT box")
    for source_uid, target_uid in zip(source, target, strict=True):
        number = uids.index(source_uid)
        octets = three.ok(f"UID FETCH {target_uid} BODY.PEEK[]").by_uid[target_uid]["BODY[]"]
        assert octets == simple_message(number)


def test_flags_and_date_go_along(three: ImapClient) -> None:
    three.ok("COPY 2 box")
    three.ok("SELECT box")
    row = three.ok("FETCH 1 (FLAGS INTERNALDATE)").fetched[1]
    assert {"\\Seen", "$A"} <= {str(flag) for flag in row["FLAGS"]}
    assert row["INTERNALDATE"] == " 2-Jan-2024 10:00:00 +0000" or row["INTERNALDATE"].startswith("02-Jan-2024")


def test_a_missing_target_is_trycreate(three: ImapClient) -> None:
    three.no("COPY 1 nowhere", code="TRYCREATE")


def test_into_the_same_mailbox(three: ImapClient) -> None:
    three.ok("COPY 1:* INBOX")
    three.ok("NOOP")
    assert three.exists == 6


def test_no_uids_no_copy(three: ImapClient) -> None:
    reply = three.ok("UID COPY 4000000000 box")
    assert reply.code is None
    assert three.ok("STATUS box (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 0


def test_the_target_session_is_told(three: ImapClient, second: ImapClient) -> None:
    second.ok("SELECT box")
    three.ok("COPY 1:2 box")
    second.ok("NOOP")
    assert second.exists == 2


def test_copies_are_recent_to_whoever_selects_first(three: ImapClient) -> None:
    three.ok("COPY 1 box")
    assert three.ok("SELECT box").one("RECENT") == 1


@pytest.mark.parametrize("line", ["COPY", "COPY 1", "COPY 0 box", "COPY x box", "COPY 9 box"])
def test_malformed_commands_are_refused(three: ImapClient, line: str) -> None:
    assert three.command(line).kind in ("BAD", "NO")


def test_what_is_copied_outlives_the_original(three: ImapClient) -> None:
    three.ok("COPY 1:* box")
    three.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    three.ok("EXPUNGE")
    three.ok("SELECT box")
    assert three.ok("FETCH 1 BODY.PEEK[]").fetched[1]["BODY[]"] == simple_message(0)
