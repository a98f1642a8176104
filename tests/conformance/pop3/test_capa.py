"""CAPA and LANG (RFC 2449 §5, RFC 6856 §3)."""

from __future__ import annotations

import pytest
from tests.conformance.pop3.pop3_client import Pop3
from tests.live import Account, Service

ALWAYS = {
    "TOP",
    "UIDL",
    "RESP-CODES",
    "AUTH-RESP-CODE",
    "PIPELINING",
    "EXPIRE NEVER",
    "UTF8 USER",
    "LANG",
    "IMPLEMENTATION mailkeep",
}


@pytest.mark.rfc("2449", "5")
def test_what_is_told_before_login_is_told_afterwards(server: Service, account: Account) -> None:
    with Pop3(server.pop3s, server.tls()) as session:
        before = session.lines("CAPA")
        session.log_in(account.user, account.password)
        assert session.lines("CAPA") == before
    assert {line for line in before if not line.startswith("SASL ")} == ALWAYS | {"USER"}
    [sasl] = [line for line in before if line.startswith("SASL ")]
    assert {"PLAIN", "LOGIN"} <= set(sasl.split()[1:])


@pytest.mark.rfc("2595", "4")
def test_stls_is_told_while_it_is_allowed(stranger: Pop3, account: Account) -> None:
    assert "STLS" in stranger.lines("CAPA")
    stranger.log_in(account.user, account.password)  # from this very machine
    assert "STLS" not in stranger.lines("CAPA")


@pytest.mark.rfc("6856", "3.2")
def test_the_language_is_english(pop: Pop3) -> None:
    assert pop.lines("LANG") == ["en English", "i-default English"]
    assert pop.ok("LANG *") == "en Now speaking English"
    assert pop.ok("LANG EN") == "en Now speaking English"
    assert pop.ok("LANG en-gb").startswith("en ")
    assert pop.ok("LANG i-default").startswith("i-default ")
    assert pop.refused("LANG mul") == "This language is not known here"


def test_lang_needs_no_login(stranger: Pop3) -> None:
    assert stranger.ok("LANG en")
