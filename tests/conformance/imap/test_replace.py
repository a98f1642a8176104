"""REPLACE and UID REPLACE (RFC 8508)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Literal
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("8508", "3")

NEW = simple_message(99, subject="replacement")


@pytest.fixture
def five(inbox: ImapClient, ours: None) -> ImapClient:
    for number in range(5):
        inbox.append("INBOX", simple_message(number), "(\\Flagged $A)")
    inbox.ok("NOOP")
    inbox.ok("FETCH 1:* UID")
    inbox.ok("CREATE box")
    return inbox


def body(client: ImapClient, uid: int) -> bytes:
    octets: bytes = client.ok(f"UID FETCH {uid} BODY.PEEK[]").by_uid[uid]["BODY[]"]
    return octets


def test_the_new_message_comes_and_the_old_goes(five: ImapClient) -> None:
    """The example of RFC 8508 §3.2"""
    reply = five.ok("REPLACE 4 INBOX (\\Seen \\Draft)", Literal(NEW))
    assert reply.expunged == [4]
    _, [uid] = reply.codes()["APPENDUID"]
    assert five.exists == 5
    assert body(five, uid) == NEW
    row = five.ok(f"UID FETCH {uid} FLAGS").by_uid[uid]
    assert {str(flag) for flag in row["FLAGS"]} - {"\\Recent"} == {"\\Seen", "\\Draft"}


def test_appenduid_comes_untagged_before_expunge(five: ImapClient) -> None:
    """RFC 8508 §4.3"""
    reply = five.ok("REPLACE 4 INBOX", Literal(NEW))
    kinds = [r.kind for r in reply.untagged if r.kind in ("OK", "EXPUNGE") and (r.kind != "OK" or r.code)]
    assert kinds == ["OK", "EXPUNGE"]
    assert reply.code is None


def test_uid_replace_takes_a_uid(five: ImapClient) -> None:
    """RFC 8508 §3.3"""
    uid = five.uids[1]
    assert five.ok(f"UID REPLACE {uid} INBOX", Literal(NEW, plus=True)).expunged == [2]
    assert uid not in five.uids


def test_the_star_is_the_last_message(five: ImapClient) -> None:
    assert five.ok("REPLACE * INBOX", Literal(NEW)).expunged == [5]


def test_into_another_mailbox(five: ImapClient) -> None:
    """A draft becomes a sent message (RFC 8508 §3.4)."""
    reply = five.ok("REPLACE 1 box", Literal(NEW))
    assert (reply.expunged, five.exists) == ([1], 4)
    validity, [uid] = reply.codes()["APPENDUID"]
    assert five.ok("SELECT box").codes()["UIDVALIDITY"] == validity
    assert body(five, uid) == NEW


def test_only_the_one_message_goes(five: ImapClient) -> None:
    five.ok("STORE 5 +FLAGS.SILENT (\\Deleted)")
    five.ok("REPLACE 1 INBOX", Literal(NEW))
    assert five.exists == 5


def test_other_sessions_see_one_change(five: ImapClient, second: ImapClient) -> None:
    second.ok("SELECT INBOX")
    five.ok("REPLACE 2 INBOX", Literal(NEW))
    reply = second.ok("NOOP")
    assert reply.expunged == [2]
    assert second.exists == 5


def test_with_qresync_it_vanishes_and_highestmodseq_is_told(five: ImapClient) -> None:
    """RFC 8508 §4.5"""
    five.ok("ENABLE QRESYNC")
    uid = five.uids[2]
    reply = five.ok("REPLACE 3 INBOX", Literal(NEW))
    assert reply.one("VANISHED") == (False, [uid])
    assert reply.code
    assert reply.code.name == "HIGHESTMODSEQ"


@pytest.mark.parametrize("mailbox", ["nowhere", "a/b"])
def test_a_missing_mailbox_is_trycreate_and_nothing_goes(five: ImapClient, mailbox: str) -> None:
    five.no(f"REPLACE 1 {mailbox}", Literal(NEW), code="TRYCREATE")
    assert five.exists == 5


def test_a_uid_that_is_not_there_is_refused_and_nothing_comes(five: ImapClient) -> None:
    five.no("UID REPLACE 4000000 INBOX", Literal(NEW), code="NONEXISTENT")
    assert five.exists == 5


def test_a_number_that_is_none_is_bad(five: ImapClient) -> None:
    five.bad("REPLACE 6 INBOX", Literal(NEW))


def test_a_message_that_another_has_expunged_is_not_replaced(five: ImapClient, second: ImapClient) -> None:
    second.ok("SELECT INBOX")
    second.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    five.ok("NOOP")
    second.ok("EXPUNGE")
    five.no("REPLACE 2 INBOX", Literal(NEW))
    five.ok("NOOP")
    assert five.exists == 4


def test_a_mailbox_open_for_reading_keeps_its_message(five: ImapClient) -> None:
    five.ok("EXAMINE INBOX")
    five.no("REPLACE 1 INBOX", Literal(NEW), code="NOPERM")
    assert five.ok("NOOP").all("EXISTS") == []
    assert five.exists == 5


def test_it_needs_a_selected_mailbox(client: ImapClient) -> None:
    """RFC 8508 §3.5"""
    client.bad("REPLACE 1 INBOX", Literal(NEW))


def test_flags_are_not_inherited(five: ImapClient) -> None:
    """RFC 8508 §1"""
    _, [uid] = five.ok("REPLACE 1 INBOX", Literal(NEW)).codes()["APPENDUID"]
    flags = five.ok(f"UID FETCH {uid} FLAGS").by_uid[uid]["FLAGS"]
    assert [flag for flag in flags if flag != "\\Recent"] == []


@pytest.mark.parametrize("size", [1_000, 20_000, 100_000, 1_200_000])
def test_large_and_binary_messages_are_taken(five: ImapClient, size: int) -> None:
    """Streamed too, and as literal8 (RFC 3516 §4.4)"""
    octets = simple_message(1, size=size)
    _, [uid] = five.ok("REPLACE 1 INBOX", Literal(octets, binary=True)).codes()["APPENDUID"]
    assert body(five, uid) == octets


def test_with_catenate_the_old_may_be_part_of_the_new(five: ImapClient) -> None:
    """The example of RFC 8508 §4.2"""
    uid = five.uids[0]
    reply = five.ok(
        f"UID REPLACE {uid} INBOX CATENATE (TEXT", Literal(b"To: Mitzy <miss.mitzy@example.org>\r\n"),
        f'URL "/INBOX/;UID={uid}")',
    )  # fmt: skip
    _, [new] = reply.codes()["APPENDUID"]
    assert body(five, new) == b"To: Mitzy <miss.mitzy@example.org>\r\n" + simple_message(0)
    assert five.exists == 5


def test_another_emailid(five: ImapClient) -> None:
    """RFC 8508 §4.6"""
    old = five.ok("FETCH 1 EMAILID").fetched[1]["EMAILID"]
    _, [uid] = five.ok("REPLACE 1 INBOX", Literal(NEW)).codes()["APPENDUID"]
    assert five.ok(f"UID FETCH {uid} EMAILID").by_uid[uid]["EMAILID"] != old


def test_a_replaced_message_can_be_replaced_again_and_again(five: ImapClient) -> None:
    """Drafts, saved every few seconds"""
    uid = five.uids[4]
    for number in range(10):
        reply = five.ok(f"UID REPLACE {uid} INBOX (\\Draft)", Literal(simple_message(number, text="more"), plus=True))
        _, [uid] = reply.codes()["APPENDUID"]
    assert five.exists == 5
    assert five.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 5


def test_what_goes_makes_room_for_what_comes(server: Service, fresh_account: Account, ours: None) -> None:
    """RFC 8508 §3.4: octets and messages"""
    client = server.connect(fresh_account)
    client.append("INBOX", simple_message(1, size=8_000))
    client.ok("SELECT INBOX")
    client.ok('SETQUOTA "" (STORAGE 10 MESSAGE 1)')
    new = simple_message(2, size=9_000)
    client.no("APPEND INBOX", Literal(new), code="OVERQUOTA")
    client.no("REPLACE 1 Sent", Literal(simple_message(3, size=11_000)), code="OVERQUOTA")
    assert client.ok("REPLACE 1 Sent", Literal(new)).expunged == [1]
    assert client.ok("STATUS Sent (MESSAGES SIZE)").one("STATUS")[1] == {"MESSAGES": 1, "SIZE": 9_000}
