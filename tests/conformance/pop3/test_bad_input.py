"""Whatever a client sends, it gets a clear answer, and holds little (RFC 1939 §3)."""

from __future__ import annotations

import pytest
from tests.conformance.pop3.pop3_client import Pop3
from tests.live import Account, Service


@pytest.mark.rfc("1939", "3")
def test_an_unknown_command_is_refused(stranger: Pop3) -> None:
    for command in ("XTND", "APOP ann c4c9334bac560ecc979e58001b3e22fb", "LAST", "a"):
        assert stranger.refused(command) == "Unknown command"


def test_a_line_over_512_octets_is_refused_and_the_next_is_read(stranger: Pop3) -> None:
    assert stranger.refused(b"NOOP " + b"x" * 506) == "Line is too long"
    assert stranger.refused(b"x" * 100_000) == "Line is too long"
    assert stranger.lines("CAPA")


def test_a_line_of_512_octets_is_read(stranger: Pop3) -> None:
    assert stranger.say(b"USER " + b"x" * 505) == "+OK Now the password"


def test_octets_that_are_no_text_are_refused(stranger: Pop3) -> None:
    assert stranger.refused(b"\xff\xfe") == "Commands must be UTF-8"
    assert stranger.refused(b"ST\0AT") == "Control characters are not allowed in commands"
    assert stranger.refused(b"") == "A command begins with a word"


def test_an_argument_where_there_is_none_is_refused(pop: Pop3) -> None:
    for command in ("STAT 1", "NOOP x", "RSET 1", "QUIT now", "CAPA all"):
        assert pop.refused(command) == "This command takes no argument"
    assert pop.ok("STAT ").startswith("3 ")


def test_keywords_are_read_in_any_case(pop: Pop3) -> None:
    assert pop.ok("sTaT").startswith("3 ")


def test_lines_may_end_with_lf_alone(stranger: Pop3) -> None:
    stranger.send(b"LANG en\n")
    assert stranger.line().startswith("+OK")


def test_who_speaks_another_language_has_to_go(stranger: Pop3) -> None:
    stranger.send(b"HELLO\r\n" * 20)
    for _ in range(20):
        assert stranger.line() == "-ERR Unknown command"
    assert stranger.is_closed()


def test_who_is_refused_for_other_reasons_stays(pop: Pop3) -> None:
    for _ in range(30):
        assert pop.refused("RETR 9").startswith("There is no such message")
    assert pop.ok("NOOP") == ""


def test_a_browser_has_to_go(stranger: Pop3) -> None:
    stranger.send(b"GET / HTTP/1.1\r\nUSER a\r\n\r\n")
    assert stranger.line() == "-ERR Unknown command"
    assert stranger.is_closed()


@pytest.mark.rfc("2449", "6.6")
def test_commands_may_come_all_at_once(server: Service, filled: Account, letters: list[bytes]) -> None:
    with Pop3(server.pop3s, server.tls()) as session:
        commands = [f"USER {filled.user}", f"PASS {filled.password}", "STAT", "RETR 1", "DELE 1", "UIDL", "QUIT"]
        session.send("".join(f"{command}\r\n" for command in commands).encode())
        assert session.line() == "+OK Now the password"
        assert session.line() == "+OK Logged in, 3 messages"
        assert session.line().startswith("+OK 3 ")
        assert session.line().startswith("+OK ")
        assert session.rest() == letters[0]
        assert session.line() == "+OK Message 1 deleted"
        assert session.line().startswith("+OK")
        assert session.rest().count(b"\r\n") == 2
        assert session.line() == "+OK Goodbye, 2 messages left"
        assert session.is_closed()


def test_whatever_comes_split_into_octets_is_read(stranger: Pop3, account: Account) -> None:
    for octet in f"USER {account.user}\r\nPASS {account.password}\r\nNOOP\r\n".encode():
        stranger.send(bytes([octet]))
    assert [stranger.line()[:3] for _ in range(3)] == ["+OK"] * 3
