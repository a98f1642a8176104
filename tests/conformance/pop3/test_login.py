"""USER, PASS, AUTH, STLS, QUIT before login: the AUTHORIZATION state (RFC 1939 §4, RFC 2595 §4, RFC 5034)."""

from __future__ import annotations

from base64 import b64encode

import pytest
from tests.conformance.pop3.pop3_client import Pop3
from tests.live import Account, Service


def plain(account: Account, password: str = "") -> bytes:
    return f"\0{account.user}\0{password or account.password}".encode()


@pytest.fixture
def secret(server: Service) -> Pop3:
    """A connection over TLS, before login."""
    return Pop3(server.pop3s, server.tls())


@pytest.mark.rfc("1939", "7")
def test_user_and_pass_log_in(secret: Pop3, filled: Account) -> None:
    with secret:
        assert secret.greeting == "+OK mailkeep ready"
        assert secret.log_in(filled.user, filled.password) == "+OK Logged in, 3 messages"


@pytest.mark.rfc("2595", "4")
def test_stls_comes_before_the_password(stranger: Pop3, server: Service, account: Account) -> None:
    stranger.stls(server.tls())
    assert "STLS" not in stranger.lines("CAPA")
    assert stranger.refused("STLS") == "TLS is active already"
    assert stranger.log_in(account.user, account.password).startswith("+OK")
    assert stranger.refused("STLS")


@pytest.mark.rfc("2595", "4")
def test_nothing_said_before_the_handshake_survives_it(stranger: Pop3, account: Account) -> None:
    stranger.send(f"STLS\r\nUSER {account.user}\r\n".encode())
    assert stranger.line() == "-ERR Nothing may follow STLS before the handshake"
    assert stranger.is_closed()


@pytest.mark.rfc("3206", "5")
def test_a_wrong_password_and_an_unknown_user_look_alike(secret: Pop3, account: Account) -> None:
    with secret:
        wrong = secret.log_in(account.user, "wrong")
        assert wrong == "-ERR [AUTH] Wrong user name or password"
        assert secret.log_in("nobody@example.org", "wrong") == wrong
        assert secret.auth("PLAIN", plain(account, "wrong")) == wrong
        assert secret.log_in(account.user, account.password).startswith("+OK")


@pytest.mark.rfc("1939", "7")
def test_user_tells_nothing_of_who_there_is(secret: Pop3, account: Account) -> None:
    with secret:
        assert secret.ok(f"USER {account.user}") == secret.ok("USER nobody@example.org")


@pytest.mark.rfc("1939", "7")
def test_pass_comes_right_after_user(secret: Pop3, account: Account) -> None:
    with secret:
        assert secret.refused(f"PASS {account.password}") == "PASS comes right after USER"
        secret.ok(f"USER {account.user}")
        secret.lines("CAPA")
        assert secret.refused(f"PASS {account.password}") == "PASS comes right after USER"
        secret.log_in(account.user, "wrong")
        assert secret.refused(f"PASS {account.password}") == "PASS comes right after USER"


def test_who_fails_too_often_has_to_go(secret: Pop3, account: Account) -> None:
    with secret:
        for _ in range(5):
            assert secret.log_in(account.user, "wrong").startswith("-ERR [AUTH]")
        assert secret.is_closed()


@pytest.mark.rfc("5034", "4")
def test_auth_takes_an_initial_response(secret: Pop3, filled: Account) -> None:
    with secret:
        response = b64encode(plain(filled)).decode()
        assert secret.say(f"AUTH PLAIN {response}") == "+OK Logged in, 3 messages"
        assert secret.refused(f"AUTH PLAIN {response}") == "You have logged in already"


@pytest.mark.rfc("5034", "4")
def test_auth_asks_where_there_is_no_initial_response(secret: Pop3, account: Account) -> None:
    with secret:
        assert secret.say("auth plain") == "+ "
        assert secret.say(b64encode(plain(account))).startswith("+OK")


@pytest.mark.rfc("5034", "4")
def test_auth_login_asks_twice(secret: Pop3, account: Account) -> None:
    with secret:
        assert secret.auth("LOGIN", account.user.encode(), account.password.encode()).startswith("+OK")


@pytest.mark.rfc("5034", "4")
def test_an_exchange_can_be_cancelled(secret: Pop3, account: Account) -> None:
    with secret:
        assert secret.say("AUTH PLAIN") == "+ "
        assert secret.say("*") == "-ERR Authentication cancelled"
        assert secret.say("AUTH PLAIN") == "+ "
        assert secret.say("=AAA") == "-ERR This is not base64"
        assert secret.say("AUTH PLAIN") == "+ "
        assert secret.say(b"A" * 13_000) == "-ERR Line is too long"
        assert secret.refused("AUTH NTLM") == "Unsupported authentication mechanism"
        assert secret.log_in(account.user, account.password).startswith("+OK")


@pytest.mark.rfc("5034", "4")
def test_an_answer_of_an_exchange_may_be_longer_than_a_command(secret: Pop3) -> None:
    with secret:
        long = f"\0{'x' * 600}@example.org\0wrong".encode()
        assert secret.auth("PLAIN", long).startswith("-ERR [AUTH]")
        assert secret.say(b"AUTH PLAIN " + b64encode(long)).startswith("-ERR [AUTH]")


def test_auth_alone_tells_the_mechanisms(secret: Pop3) -> None:
    with secret:
        assert {"PLAIN", "LOGIN"} <= set(secret.lines("AUTH"))
        assert {"PLAIN", "LOGIN"} <= set(secret.lines("AUTH "))


def test_before_login_there_is_no_maildrop(secret: Pop3) -> None:
    with secret:
        for command in ("STAT", "LIST", "UIDL", "RETR 1", "TOP 1 1", "DELE 1", "RSET", "NOOP"):
            assert secret.refused(command) == "Log in first"
        assert secret.ok("QUIT") == "Goodbye"
        assert secret.is_closed()


def test_after_login_nobody_can_log_in(pop: Pop3, account: Account) -> None:
    for command in (f"USER {account.user}", "PASS x", "AUTH PLAIN", "UTF8", "STLS"):
        assert pop.refused(command) == "You have logged in already"


@pytest.mark.rfc("6856", "2.2")
def test_names_and_passwords_may_be_utf8(secret: Pop3) -> None:
    with secret:
        assert secret.log_in("jürgen@exämple.org", "pässword") == "-ERR [AUTH] Wrong user name or password"
        assert secret.refused(b"USER \xff") == "Commands must be UTF-8"
