"""SELECT (RFC 9051 §6.3.2, RFC 3501 §6.3.1, RFC 7162 §3.1.8, §3.2.5)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient
from tests.imap_grammar import flags
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("9051", "6.3.2")
SYSTEM = flags("\\Answered \\Flagged \\Deleted \\Seen \\Draft")


def test_all_that_a_client_needs_is_told(client: ImapClient, ours: None) -> None:
    """trap 13"""
    client.append("INBOX", simple_message(1), "(\\Seen)")
    client.append("INBOX", simple_message(2))
    reply = client.ok("SELECT INBOX")
    codes = reply.codes()
    assert {"UIDVALIDITY", "UIDNEXT", "PERMANENTFLAGS", "HIGHESTMODSEQ"} <= set(codes)
    assert set(reply.one("FLAGS")) >= SYSTEM
    assert SYSTEM | flags("\\*") <= set(codes["PERMANENTFLAGS"])
    assert reply.one("EXISTS") == 2
    assert reply.one("RECENT") >= 0
    assert reply.code
    assert reply.code.name == "READ-WRITE"


def test_unseen_names_the_first_unseen_message(client: ImapClient) -> None:
    """trap 13; RFC 3501 §7.1"""
    client.append("INBOX", simple_message(1), "(\\Seen)")
    client.append("INBOX", simple_message(2))
    assert client.ok("SELECT INBOX").codes()["UNSEEN"] == 2


def test_unseen_is_absent_when_all_is_seen(client: ImapClient) -> None:
    client.append("INBOX", simple_message(1), "(\\Seen)")
    assert "UNSEEN" not in client.ok("SELECT INBOX").codes()


def test_rev2_gives_a_list_response_and_no_recent(client: ImapClient, ours: None) -> None:
    client.ok("ENABLE IMAP4rev2")
    reply = client.ok("SELECT INBOX")
    assert reply.one("LIST").name == "INBOX"
    assert reply.all("RECENT") == []
    assert "UNSEEN" not in reply.codes()


def test_rev1_gives_no_list_response(client: ImapClient) -> None:
    assert client.ok("SELECT INBOX").all("LIST") == []


def test_uidnext_and_uidvalidity_agree_with_status(client: ImapClient) -> None:
    client.append("INBOX", simple_message(1))
    status = client.ok("STATUS INBOX (UIDNEXT UIDVALIDITY MESSAGES)").one("STATUS")[1]
    reply = client.ok("SELECT INBOX")
    assert status == {
        "UIDNEXT": reply.codes()["UIDNEXT"],
        "UIDVALIDITY": reply.codes()["UIDVALIDITY"],
        "MESSAGES": reply.one("EXISTS"),
    }


def test_inbox_folds_case(client: ImapClient) -> None:
    client.ok("SELECT iNbOx")


def test_other_names_do_not(client: ImapClient) -> None:
    client.ok("CREATE Case")
    client.no("SELECT CASE", code="NONEXISTENT")


def test_a_missing_mailbox_is_nonexistent(client: ImapClient) -> None:
    client.no("SELECT nowhere", code="NONEXISTENT")


def test_a_failed_select_leaves_no_mailbox_selected(inbox: ImapClient) -> None:
    """trap 13"""
    inbox.no("SELECT nowhere")
    inbox.exists = None
    inbox.bad("FETCH 1 FLAGS")
    inbox.bad("CHECK")


def test_selecting_another_says_closed(inbox: ImapClient) -> None:
    """trap 13; RFC 7162 §3.2.11"""
    inbox.ok("CREATE other")
    reply = inbox.ok("SELECT other")
    assert reply.untagged[0].code
    assert reply.untagged[0].code.name == "CLOSED"


def test_selecting_the_first_does_not_say_closed(client: ImapClient) -> None:
    assert "CLOSED" not in client.ok("SELECT INBOX").codes()


def test_selecting_another_does_not_expunge(inbox: ImapClient, second: ImapClient) -> None:
    inbox.append("INBOX", simple_message(1), "(\\Deleted)")
    inbox.ok("CREATE other")
    inbox.ok("SELECT other")
    assert second.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 1


def test_a_name_that_cannot_be_selected_is_refused(client: ImapClient, ours: None) -> None:
    client.ok("CREATE parent/child")
    client.ok("DELETE parent")
    client.no("SELECT parent")


def test_flags_lists_the_keywords_in_use(client: ImapClient) -> None:
    client.append("INBOX", simple_message(1), "($Forwarded Custom)")
    assert flags("$Forwarded Custom") <= set(client.ok("SELECT INBOX").one("FLAGS"))


class TestRecent:
    """trap 33; RFC 3501 §2.3.2"""

    def test_one_session_sees_it(self, client: ImapClient, second: ImapClient) -> None:
        client.append("INBOX", simple_message(1))
        assert client.ok("SELECT INBOX").one("RECENT") == 1
        assert second.ok("SELECT INBOX").one("RECENT") == 0
        assert "\\Recent" in client.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]
        assert "\\Recent" not in second.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]

    def test_examine_does_not_take_it(self, client: ImapClient, second: ImapClient) -> None:
        client.append("INBOX", simple_message(1))
        assert client.ok("EXAMINE INBOX").one("RECENT") == 1
        assert second.ok("SELECT INBOX").one("RECENT") == 1

    def test_of_many_that_race_one_gets_it(self, server: Service, account: Account) -> None:
        server.connect(account).append("INBOX", simple_message(1))
        clients = [server.connect(account) for _ in range(8)]
        tags = [client.start("SELECT INBOX") for client in clients]
        assert sum(client.finish(tag).one("RECENT") for client, tag in zip(clients, tags, strict=True)) == 1

    def test_it_cannot_be_stored(self, inbox: ImapClient, second: ImapClient) -> None:
        inbox.append("INBOX", simple_message(1))
        inbox.ok("NOOP")
        inbox.command("STORE 1 +FLAGS (\\Recent)")  # refused or passed over: some clients write back what they read
        second.ok("SELECT INBOX")
        assert "\\Recent" not in second.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]

    def test_it_is_absent_in_rev2(self, client: ImapClient, ours: None) -> None:
        client.append("INBOX", simple_message(1))
        client.ok("ENABLE IMAP4rev2")
        client.ok("SELECT INBOX")
        assert "\\Recent" not in client.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]


class TestCondstore:
    """traps 16 and 46"""

    def test_highestmodseq_has_text_behind_it(self, client: ImapClient) -> None:
        reply = client.ok("SELECT INBOX (CONDSTORE)")
        [line] = [r for r in reply.untagged if r.code and r.code.name == "HIGHESTMODSEQ"]
        assert line.text
        assert line.code
        assert line.code.args >= 1

    def test_select_condstore_shows_modseq_from_then_on(self, client: ImapClient) -> None:
        client.append("INBOX", simple_message(1))
        client.ok("SELECT INBOX (CONDSTORE)")
        assert "MODSEQ" in client.ok("STORE 1 +FLAGS (\\Seen)").fetched[1]

    def test_qresync_must_be_enabled_first(self, client: ImapClient) -> None:
        client.bad("SELECT INBOX (QRESYNC (1 1))")

    def test_qresync_tells_changes_and_vanished(self, client: ImapClient, second: ImapClient) -> None:
        uids = [client.append("INBOX", simple_message(n)) for n in range(4)]
        client.ok("ENABLE QRESYNC")
        codes = client.ok("SELECT INBOX").codes()
        second.ok("SELECT INBOX")
        second.ok(f"UID STORE {uids[0]} +FLAGS (\\Deleted)")
        second.ok("EXPUNGE")
        second.ok(f"UID STORE {uids[2]} +FLAGS (\\Seen)")
        client.ok("UNSELECT")
        reply = client.ok(f"SELECT INBOX (QRESYNC ({codes['UIDVALIDITY']} {codes['HIGHESTMODSEQ']}))")
        assert reply.one("VANISHED") == (True, [uids[0]])
        assert list(reply.by_uid) == [uids[2]]
        assert "\\Seen" in reply.by_uid[uids[2]]["FLAGS"]
        assert reply.by_uid[uids[2]]["MODSEQ"] > codes["HIGHESTMODSEQ"]

    def test_qresync_with_the_present_modseq_tells_nothing(self, client: ImapClient) -> None:
        client.append("INBOX", simple_message(1))
        client.ok("ENABLE QRESYNC")
        codes = client.ok("SELECT INBOX").codes()
        reply = client.ok(f"SELECT INBOX (QRESYNC ({codes['UIDVALIDITY']} {codes['HIGHESTMODSEQ']}))")
        assert reply.all("FETCH") == []
        assert reply.all("VANISHED") == []

    @pytest.mark.parametrize("arguments", ["(QRESYNC)", "(QRESYNC (1))", "(QRESYNC (0 1))", "()", "(X)"])
    def test_malformed_parameters_are_refused(self, client: ImapClient, arguments: str) -> None:
        client.ok("ENABLE QRESYNC")
        client.bad(f"SELECT INBOX {arguments}")

    def test_many_reopenings_work(self, client: ImapClient) -> None:
        client.append("INBOX", simple_message(1))
        client.ok("ENABLE QRESYNC")
        codes = client.ok("SELECT INBOX").codes()
        for _ in range(50):
            assert (
                client.ok(f"SELECT INBOX (QRESYNC ({codes['UIDVALIDITY']} {codes['HIGHESTMODSEQ']}))").one("EXISTS")
                == 1
            )


@pytest.mark.parametrize("name", ['""', '"/"', '"a//b"', '"' + "a/" * 40 + 'a"', '"' + "a" * 300 + '"'])
def test_a_name_that_no_mailbox_can_have_is_that_of_none(client: ImapClient, name: str, ours: None) -> None:
    client.no(f"SELECT {name}", code="NONEXISTENT")
    client.no(f"STATUS {name} (MESSAGES)", code="NONEXISTENT")
    client.no(f'SELECT "Other Users/{name[1:]}', code="NONEXISTENT")
