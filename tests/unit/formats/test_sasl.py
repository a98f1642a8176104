"""Mechanisms that carry a password."""

from __future__ import annotations

import pytest

from mailkeep.formats.sasl import MECHANISMS, Challenge, Credentials, Login, Plain, SaslError


@pytest.mark.rfc("4616", "2")
def test_plain_takes_name_and_password_with_and_without_initial_response() -> None:
    assert Plain().step(b"\0tim\0tanstaaftanstaaf") == Credentials("tim", "tanstaaftanstaaf")
    exchange = Plain()
    assert exchange.step(None) == Challenge(b"")
    assert exchange.step(b"tim\0tim\0secret") == Credentials("tim", "secret")


@pytest.mark.rfc("4616", "4")
def test_plain_takes_utf8() -> None:
    assert Plain().step("\0jörg\0пароль".encode()) == Credentials("jörg", "пароль")


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"tim",
        b"tim\0secret",
        b"\0\0secret",
        b"\0tim\0",
        b"\0tim\0a\0b",
        b"Ursel\0Kurt\0xipj3plmq",
        b"\0\xff\0x",
    ],
    ids=repr,
)
@pytest.mark.rfc("4616", "2")
def test_plain_refuses_what_is_not_well_formed_or_acts_for_another(response: bytes) -> None:
    with pytest.raises(SaslError):
        Plain().step(response)


def test_login_asks_for_name_and_password() -> None:
    exchange = Login()
    assert exchange.step(None) == Challenge(b"Username:")
    assert exchange.step(b"tim") == Challenge(b"Password:")
    assert exchange.step(b"secret") == Credentials("tim", "secret")


def test_login_takes_the_name_as_initial_response() -> None:
    exchange = Login()
    assert exchange.step(b"tim\0") == Challenge(b"Password:")
    assert exchange.step(b"secret") == Credentials("tim", "secret")


@pytest.mark.parametrize("responses", [[b""], [b"a\0b"], [b"\xff"], [b"tim", b""]], ids=repr)
def test_login_refuses_what_cannot_be_a_name_or_a_password(responses: list[bytes]) -> None:
    exchange = Login()
    *fine, bad = responses
    for response in fine:
        exchange.step(response)
    with pytest.raises(SaslError):
        exchange.step(bad)


def test_credentials_do_not_show_themselves() -> None:
    assert "secret" not in repr(Credentials("tim", "secret"))


def test_mechanisms_go_by_their_registered_names() -> None:
    assert set(MECHANISMS) == {"PLAIN", "LOGIN"}
