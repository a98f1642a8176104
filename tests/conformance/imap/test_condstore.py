"""CONDSTORE and QRESYNC beyond single commands (RFC 7162): what a client may believe it knows."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Reply
from tests.live import Account, Service


@pytest.fixture
def three(inbox: ImapClient) -> ImapClient:
    """INBOX is selected, with three messages; nothing is enabled."""
    for number in range(3):
        inbox.append("INBOX", simple_message(number))
    inbox.ok("NOOP")
    return inbox


def highest(reply: Reply) -> int | None:
    """HIGHESTMODSEQ, told untagged."""
    value = reply.codes().get("HIGHESTMODSEQ")
    return None if value is None else int(value)


@pytest.mark.rfc("7162", "3.1")
@pytest.mark.parametrize(
    "command",
    [
        "FETCH 1 (MODSEQ)",
        "FETCH 1:* (FLAGS) (CHANGEDSINCE 1)",
        "STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)",
        "SEARCH MODSEQ 1",
        "STATUS Sent (HIGHESTMODSEQ)",
        "ENABLE CONDSTORE",
        "ENABLE QRESYNC",
    ],
)
def test_the_first_command_that_enables_it_tells_where_the_mailbox_stands(
    three: ImapClient, server: Service, account: Account, command: str
) -> None:
    client = server.connect(account)
    stands = client.ok("SELECT INBOX").codes()["HIGHESTMODSEQ"]
    assert highest(client.command(command)) == int(stands)
    assert highest(client.command(command)) is None


@pytest.mark.rfc("7162", "3.2.4")
def test_flags_that_others_change_come_with_uid_and_modseq(three: ImapClient, second: ImapClient) -> None:
    second.ok("SELECT INBOX")
    three.ok("ENABLE CONDSTORE")
    second.ok("STORE 2 +FLAGS (\\Seen)")
    assert set(three.ok("NOOP").fetched[2]) == {"UID", "FLAGS", "MODSEQ"}
    assert set(three.ok("STORE 2 -FLAGS (\\Seen)").fetched[2]) == {"UID", "FLAGS", "MODSEQ"}
    assert set(three.ok("STORE 2 +FLAGS.SILENT (\\Seen)").fetched[2]) == {"UID", "MODSEQ"}


@pytest.mark.rfc("7162", "3.2.4")
def test_reading_that_sets_seen_tells_uid_and_modseq_too(three: ImapClient) -> None:
    three.ok("ENABLE CONDSTORE")
    assert set(three.ok("FETCH 1 (BODY[TEXT])").fetched[1]) == {"BODY[TEXT]", "UID", "FLAGS", "MODSEQ"}
    assert set(three.ok("FETCH 1 (BODY[TEXT])").fetched[1]) == {"BODY[TEXT]"}


@pytest.mark.rfc("7162", "6")
def test_an_expunge_that_waits_holds_back_the_highest_modseq(three: ImapClient, second: ImapClient) -> None:
    """Else a client whose connection breaks now would never hear of it."""
    second.ok("SELECT INBOX")
    three.ok("ENABLE QRESYNC")
    before = max(row["MODSEQ"] for row in three.ok("UID FETCH 1:* (MODSEQ)").by_uid.values())
    uids = list(three.uids)
    second.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    deleted = three.ok("NOOP").fetched[1]["MODSEQ"]
    assert deleted > before
    second.ok("EXPUNGE")
    second.ok("STORE 1 +FLAGS (\\Flagged)")  # the second of three
    reply = three.ok("FETCH 2 (FLAGS)")
    assert reply.fetched[2]["MODSEQ"] > deleted
    assert highest(reply) == deleted
    assert highest(three.ok("STORE 3 +FLAGS (\\Flagged)")) == deleted
    reply = three.ok("NOOP")
    assert [r.data for r in reply.all("VANISHED")] == [(False, [uids[0]])]
    stands = highest(reply)
    assert stands is not None
    assert stands > deleted
    assert highest(three.ok("NOOP")) is None


@pytest.mark.rfc("7162", "3.2.5.1")
def test_resynchronizing_from_there_tells_the_expunge(
    three: ImapClient, second: ImapClient, server: Service, account: Account
) -> None:
    second.ok("SELECT INBOX")
    three.ok("ENABLE QRESYNC")
    codes = three.ok("SELECT INBOX").codes()
    three.ok("UID FETCH 1:* (FLAGS)")
    gone = three.uids[0]
    second.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    second.ok("EXPUNGE")
    known = highest(three.ok("FETCH 1:3 (FLAGS)"))
    three.close()
    again = server.connect(account)
    again.ok("ENABLE QRESYNC")
    reply = again.ok(f"SELECT INBOX (QRESYNC ({codes['UIDVALIDITY']} {known}))")
    assert [r.data for r in reply.all("VANISHED")] == [(True, [gone])]


@pytest.mark.rfc("7162", "3.2.8")
def test_close_does_not_tell_the_modseq_of_what_it_removes(three: ImapClient) -> None:
    three.ok("ENABLE QRESYNC")
    three.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    reply = three.ok("CLOSE")
    assert reply.code is None
    assert highest(reply) is None


@pytest.mark.rfc("7162", "3.2")
def test_metadata_raises_the_modseq_of_its_mailbox(three: ImapClient) -> None:
    before = three.ok("STATUS INBOX (HIGHESTMODSEQ)").one("STATUS")[1]["HIGHESTMODSEQ"]
    three.ok('SETMETADATA INBOX (/private/comment "x")')
    after = three.ok("STATUS INBOX (HIGHESTMODSEQ)").one("STATUS")[1]["HIGHESTMODSEQ"]
    assert after > before
    assert three.ok("SELECT INBOX").codes()["HIGHESTMODSEQ"] == after


@pytest.mark.rfc("7162", "3.1.3")
def test_unchangedsince_0_tests_whether_a_keyword_is_there(three: ImapClient) -> None:
    three.ok("STORE 2 +FLAGS.SILENT ($MDNSent)")
    reply = three.ok("STORE 1:3 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)")
    assert reply.code
    assert (reply.code.name, reply.code.args) == ("MODIFIED", [2])
    reply = three.ok("STORE 1:3 (UNCHANGEDSINCE 0) +FLAGS.SILENT (\\Seen)")
    assert reply.code
    assert reply.code.args == [1, 2, 3]  # a system flag is always there


@pytest.mark.rfc("7162", "3.2.5.2")
def test_numbers_and_uids_that_still_match_spare_what_is_known(three: ImapClient, second: ImapClient) -> None:
    for number in range(3, 8):
        three.append("INBOX", simple_message(number))
    three.ok("ENABLE QRESYNC")
    codes = three.ok("SELECT INBOX").codes()
    three.ok("UID FETCH 1:* (FLAGS)")
    uids = list(three.uids)
    three.ok(f"UID STORE {uids[1]},{uids[6]} +FLAGS.SILENT (\\Deleted)")
    three.ok("EXPUNGE")
    # the client has seen the first of the two expunges: message 2 has been the third of before
    begin = f"{codes['UIDVALIDITY']} 1 {uids[0]}:{uids[7]}"
    reply = three.ok(f"SELECT INBOX (QRESYNC ({begin} (1,3,5 {uids[0]},{uids[3]},{uids[5]})))")
    assert [r.data for r in reply.all("VANISHED")] == [(True, [uids[6]])]
