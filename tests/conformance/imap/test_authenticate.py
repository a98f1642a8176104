"""AUTHENTICATE (RFC 9051 §6.2.2; PLAIN: RFC 4616)."""

from __future__ import annotations

import base64

import pytest
from tests.imap_client import ImapClient, Reply
from tests.live import Account, Service
from tests.scram_client import ScramClient

pytestmark = pytest.mark.rfc("9051", "6.2.2")


def b64(text: str | bytes) -> bytes:
    return base64.b64encode(text.encode() if isinstance(text, str) else text)


def exchange(client: ImapClient, mechanism: str, *answers: bytes) -> Reply:
    tag = client.start(f"AUTHENTICATE {mechanism}")
    for answer in answers:
        client.wait_for_continuation()
        client.send(answer + b"\r\n")
    return client.finish(tag)


def test_plain_with_an_initial_response(server: Service, account: Account) -> None:
    server.connect().ok("AUTHENTICATE PLAIN " + b64(f"\0{account.user}\0{account.password}").decode())


def test_plain_without_an_initial_response(server: Service, account: Account) -> None:
    reply = exchange(server.connect(), "PLAIN", b64(f"\0{account.user}\0{account.password}"))
    assert reply.kind == "OK"
    assert reply.code
    assert reply.code.name == "CAPABILITY"


def test_the_empty_challenge_is_plus_and_space(server: Service) -> None:
    """trap 4: byte for byte."""
    client = server.connect()
    client.send(b"a AUTHENTICATE PLAIN\r\n")
    assert client.read_raw() == b"+ \r\n"


def test_mechanism_names_fold_case(server: Service, account: Account) -> None:
    assert exchange(server.connect(), "plain", b64(f"\0{account.user}\0{account.password}")).kind == "OK"


def test_login_asks_for_both(server: Service, account: Account) -> None:
    reply = exchange(server.connect(), "LOGIN", b64(account.user), b64(account.password))
    assert reply.kind == "OK"


def test_login_with_an_initial_response(server: Service, account: Account) -> None:
    reply = exchange(server.connect(), "LOGIN " + b64(account.user).decode(), b64(account.password))
    assert reply.kind == "OK"


def test_a_star_cancels(server: Service) -> None:
    """trap 42"""
    client = server.connect()
    assert exchange(client, "PLAIN", b"*").kind == "BAD"
    client.ok("NOOP")


def test_an_equals_sign_is_the_empty_initial_response(server: Service) -> None:
    """trap 42"""
    client = server.connect()
    assert client.command("AUTHENTICATE PLAIN =").kind in ("NO", "BAD")
    client.ok("NOOP")


@pytest.mark.parametrize(
    "answer",
    [b"!!!!", b"AHUAcA", b"AHU AcA==", b"AHUAcA===", b"\xff\xfe"],
    ids=["not-base64", "no-padding", "space-inside", "too-much-padding", "eight-bit"],
)
def test_bad_base64_is_refused_and_the_connection_goes_on(server: Service, answer: bytes) -> None:
    """trap 42"""
    client = server.connect()
    assert exchange(client, "PLAIN", answer).kind in ("BAD", "NO")
    client.ok("NOOP")


def test_malformed_plain_is_refused(server: Service) -> None:
    client = server.connect()
    assert exchange(client, "PLAIN", b64("no nul at all")).kind in ("BAD", "NO")
    client.ok("NOOP")


def test_the_same_authorization_identity_is_taken(server: Service, account: Account) -> None:
    """trap 42"""
    both = f"{account.user}\0{account.user}\0{account.password}"
    assert exchange(server.connect(), "PLAIN", b64(both)).kind == "OK"


def test_another_authorization_identity_is_refused(server: Service, account: Account, ours: None) -> None:
    """trap 42; RFC 9051 §7.1"""
    both = f"someone-else@example.org\0{account.user}\0{account.password}"
    reply = exchange(server.connect(), "PLAIN", b64(both))
    assert reply.kind == "NO"
    assert reply.code
    assert reply.code.name in ("AUTHORIZATIONFAILED", "AUTHENTICATIONFAILED")


def test_a_nul_in_the_password_is_refused(server: Service, account: Account) -> None:
    """trap 42"""
    client = server.connect()
    assert exchange(client, "PLAIN", b64(f"\0{account.user}\0{account.password}\0")).kind in ("BAD", "NO")
    client.ok("NOOP")


def test_a_response_of_twelve_kilobytes_is_read(server: Service) -> None:
    """trap 42: as long as the tokens of OAuth may be."""
    client = server.connect()
    reply = exchange(client, "PLAIN", b64(b"\0user@example.org\0" + b"x" * 9000))
    assert reply.kind == "NO"
    client.ok("NOOP")


def test_an_unknown_mechanism_is_refused(server: Service) -> None:
    client = server.connect()
    assert client.command("AUTHENTICATE X-UNHEARD-OF").kind in ("NO", "BAD")
    client.ok("NOOP")


def test_a_wrong_password_is_authenticationfailed(server: Service, fresh_account: Account) -> None:
    """trap 21"""
    reply = exchange(server.connect(), "PLAIN", b64(f"\0{fresh_account.user}\0wrong"))
    assert reply.kind == "NO"
    assert reply.code
    assert reply.code.name == "AUTHENTICATIONFAILED"


def test_it_is_refused_after_login(client: ImapClient) -> None:
    client.bad("AUTHENTICATE PLAIN")


@pytest.mark.rfc("5802", "3")
def test_scram_proves_both_sides_to_each_other(server: Service, account: Account, ours: None) -> None:
    client, scram = server.connect(), ScramClient(account.user, account.password)
    tag = client.start("AUTHENTICATE SCRAM-SHA-256 " + b64(scram.first).decode())
    challenge = base64.b64decode(client.wait_for_continuation().raw[2:])
    client.send(b64(scram.final(challenge)) + b"\r\n")
    assert scram.is_server(base64.b64decode(client.wait_for_continuation().raw[2:]))
    client.send(b"\r\n")
    assert client.finish(tag).kind == "OK"
    client.ok("SELECT INBOX")
