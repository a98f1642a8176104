"""CAPABILITY (RFC 9051 §6.1.1, §7.2.2)."""

from __future__ import annotations

import pytest
from tests.imap_client import ImapClient
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("9051", "6.1.1")
QUIRK_WORDS = ("Dovecot ready.", " Cyrus IMAP ", "Yandex ", "SmarterMail", "QQMail ")


def words(client: ImapClient) -> list[str]:
    listed: list[str] = client.ok("CAPABILITY").one("CAPABILITY")
    return listed


def test_rev1_comes_first_then_rev2(server: Service, ours: None) -> None:
    """trap 41"""
    assert words(server.connect())[:2] == ["IMAP4rev1", "IMAP4rev2"]


def test_only_usable_mechanisms_are_offered(server: Service) -> None:
    """trap 41: each AUTH= of the list is taken when it is tried."""
    client = server.connect()
    for word in words(client):
        if word.startswith("AUTH="):
            tag = client.start(f"AUTHENTICATE {word.removeprefix('AUTH=')}")
            assert client.wait_for_continuation().tag == "+"
            client.send(b"*\r\n")
            assert client.finish(tag).kind == "BAD"


def test_starttls_is_not_offered_within_tls(server: Service) -> None:
    offered = words(server.connect_tls())
    assert "STARTTLS" not in offered
    assert "AUTH=PLAIN" in offered


def test_greeting_carries_the_capabilities(server: Service) -> None:
    greeting = server.connect().greeting
    assert greeting.code
    assert greeting.code.name == "CAPABILITY"


def test_greeting_wakes_no_quirk_mode(server: Service, ours: None) -> None:
    """trap 40: MailKit changes its behaviour when it reads certain words."""
    greeting = server.connect().greeting
    assert greeting.kind == "OK"
    assert not any(word in greeting.raw.decode() for word in QUIRK_WORDS)
    assert not greeting.text.startswith("IMAPrev1")


def test_uidonly_is_not_offered(client: ImapClient) -> None:
    """trap 18"""
    assert "UIDONLY" not in words(client)


def test_login_offers_idle_move_and_the_rest_of_the_base(client: ImapClient, ours: None) -> None:
    base = (
        "IDLE NAMESPACE UIDPLUS UNSELECT MOVE ESEARCH SEARCHRES LIST-EXTENDED LIST-STATUS CONDSTORE QRESYNC SPECIAL-USE"
    )
    assert set(base.split()) <= set(words(client))


def test_one_kind_of_literal_is_offered(client: ImapClient) -> None:
    assert len({"LITERAL+", "LITERAL-"} & set(words(client))) == 1


def test_capability_is_repeated_in_the_ok_of_login(server: Service, account: Account) -> None:
    """trap 21"""
    reply = server.connect().ok(f'LOGIN "{account.user}" "{account.password}"')
    assert reply.code
    assert reply.code.name == "CAPABILITY"


def test_arguments_are_refused(client: ImapClient) -> None:
    client.bad("CAPABILITY now")
