"""STAT, LIST, UIDL, NOOP, RSET, DELE: what a session sees of INBOX (RFC 1939 §5, §7)."""

from __future__ import annotations

import pytest
from tests.conformance.pop3.pop3_client import Pop3
from tests.live import Account, Service


@pytest.mark.rfc("1939", "5")
def test_stat_tells_messages_and_octets(pop: Pop3, letters: list[bytes]) -> None:
    assert pop.ok("STAT") == f"3 {sum(map(len, letters))}"


@pytest.mark.rfc("1939", "5")
def test_list_tells_each_size(pop: Pop3, letters: list[bytes]) -> None:
    assert pop.lines("LIST") == [f"{number} {len(letter)}" for number, letter in enumerate(letters, 1)]
    assert pop.ok("LIST 2") == f"2 {len(letters[1])}"


@pytest.mark.rfc("1939", "5")
def test_an_empty_maildrop_has_an_empty_listing(server: Service, account: Account) -> None:
    with Pop3(server.pop3s, server.tls()) as session:
        session.log_in(account.user, account.password)
        assert session.ok("STAT") == "0 0"
        assert session.lines("LIST") == []
        assert session.lines("UIDL") == []
        assert session.refused("RETR 1") == "There is no such message, only 0 in the maildrop"


@pytest.mark.rfc("1939", "7")
def test_a_unique_id_is_made_of_uidvalidity_and_uid(pop: Pop3, server: Service, filled: Account) -> None:
    client = server.connect(filled)
    uidvalidity = client.ok("SELECT INBOX").codes()["UIDVALIDITY"]
    said = pop.lines("UIDL")
    uids = client.ok("UID SEARCH ALL").found
    assert said == [f"{number} {uidvalidity}.{uid}" for number, uid in enumerate(uids, 1)]
    assert all(len(line.split()[1]) <= 70 for line in said)
    assert pop.ok("UIDL 2") == said[1]


@pytest.mark.rfc("1939", "7")
def test_unique_ids_last_and_are_never_reused(server: Service, filled: Account) -> None:
    def ids() -> list[str]:
        with Pop3(server.pop3s, server.tls()) as session:
            session.log_in(filled.user, filled.password)
            return [line.split()[1] for line in session.lines("UIDL")]

    before = ids()
    with Pop3(server.pop3s, server.tls()) as session:
        session.log_in(filled.user, filled.password)
        session.ok("DELE 3")
        session.ok("QUIT")
    server.connect(filled).append("INBOX", b"Subject: four\r\n\r\n\r\n")
    after = ids()
    assert after[:2] == before[:2]
    assert after[2] not in before


@pytest.mark.rfc("1939", "5")
def test_a_deleted_message_is_gone_for_every_command(pop: Pop3, letters: list[bytes]) -> None:
    pop.ok("DELE 2")
    for command in ("DELE 2", "LIST 2", "UIDL 2", "RETR 2", "TOP 2 0"):
        assert pop.refused(command) == "Message 2 has been deleted"
    assert pop.ok("STAT") == f"2 {len(letters[0]) + len(letters[2])}"
    assert [line.split()[0] for line in pop.lines("LIST")] == ["1", "3"]
    assert [line.split()[0] for line in pop.lines("UIDL")] == ["1", "3"]


@pytest.mark.rfc("1939", "5")
def test_rset_brings_deleted_messages_back(pop: Pop3, letters: list[bytes]) -> None:
    pop.ok("DELE 1")
    pop.ok("DELE 2")
    assert pop.ok("RSET") == f"3 messages ({sum(map(len, letters))} octets)"
    assert len(pop.lines("LIST")) == 3


def test_noop_does_nothing(pop: Pop3) -> None:
    assert pop.ok("NOOP") == ""


@pytest.mark.parametrize(
    "command", ["RETR", "RETR x", "RETR -1", "RETR 1 2", "TOP 1", "TOP x 1", "STAT 1", "DELE 99999999999"]
)
def test_a_malformed_argument_is_refused(pop: Pop3, command: str) -> None:
    assert pop.refused(command)
    assert pop.ok("NOOP") == ""


@pytest.mark.parametrize("command", ["RETR 0", "RETR 4", "LIST 4", "UIDL 0", "TOP 4 1", "DELE 4"])
def test_a_number_without_message_is_refused(pop: Pop3, command: str) -> None:
    assert pop.refused(command) == "There is no such message, only 3 in the maildrop"


@pytest.mark.rfc("1939", "4")
def test_what_comes_or_goes_meanwhile_changes_nothing_in_a_session(
    pop: Pop3, server: Service, filled: Account, letters: list[bytes]
) -> None:
    client = server.connect(filled)
    client.append("INBOX", b"Subject: late\r\n\r\n\r\n")
    client.ok("SELECT INBOX")
    client.ok("STORE 1 +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")
    assert len(pop.lines("LIST")) == 3
    assert pop.message("RETR 1") == letters[0]
    pop.ok("DELE 1")
    assert pop.ok("QUIT") == "Goodbye, 2 messages left"
    with Pop3(server.pop3s, server.tls()) as session:
        session.log_in(filled.user, filled.password)
        assert len(session.lines("LIST")) == 3
