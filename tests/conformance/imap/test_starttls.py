"""STARTTLS (RFC 9051 §6.2.1)."""

from __future__ import annotations

import ssl

import pytest
from tests.imap_client import ConnectionEndedError
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("9051", "6.2.1")


def test_the_connection_goes_on_within_tls(server: Service, account: Account) -> None:
    client = server.connect()
    client.ok("STARTTLS")
    client.start_tls(server.tls())
    client.login(account.user, account.password)


def test_what_was_sent_before_tls_is_thrown_away(server: Service) -> None:
    """trap 41: a command put into the clear stream must not run within TLS."""
    client = server.connect()
    client.send(b"a STARTTLS\r\nb CAPABILITY\r\n")
    assert client.read().tag == "a"
    client.buffer = b""
    try:
        client.start_tls(server.tls())
        client.send(b"c NOOP\r\n")
        assert client.read().tag == "c"
    except (ssl.SSLError, ConnectionError, ConnectionEndedError):
        pass  # refusing the handshake is as good


def test_it_is_refused_within_tls(server: Service) -> None:
    assert server.connect_tls().command("STARTTLS").kind in ("BAD", "NO")


def test_it_is_refused_after_login(client: object, server: Service, account: Account) -> None:
    assert server.connect(account).command("STARTTLS").kind in ("BAD", "NO")


def test_only_tls_1_2_and_up_is_taken(server: Service) -> None:
    client = server.connect()
    client.ok("STARTTLS")
    context = server.tls()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        client.start_tls(context)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_the_certificate_is_for_this_host(server: Service, name: str) -> None:
    client = server.connect()
    client.ok("STARTTLS")
    client.start_tls(server.tls(), name)
