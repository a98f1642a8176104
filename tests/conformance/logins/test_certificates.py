"""Logging in by a client's certificate (EXTERNAL: RFC 4422 appendix A), over every protocol."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.authority import Authority
from tests.conformance.pop3.pop3_client import Pop3
from tests.conformance.smtp.smtp_client import Smtp
from tests.live import OWN, Service

from mailkeep.config import Tls

OWN_B64 = base64.b64encode(OWN.user.encode()).decode()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def shown(service: Service, authority: Authority, *addresses: str) -> ssl.SSLContext:
    """What a client connects with that has a certificate for these addresses."""
    context = service.tls()
    _, file = authority.issue_client(*addresses)
    context.load_cert_chain(file)
    return context


@pytest.mark.rfc("4422", "A")
def test_a_certificate_opens_the_account_of_its_address_over_every_protocol(
    configured: Callable[..., Service], authority: Authority
) -> None:
    service = configured(tls=Tls(client_authorities=authority.file))
    tls = shown(service, authority, "other@example.net", OWN.user.upper())
    for response in (f" {OWN_B64}", " ="):
        client = service.connect_tls_by(tls)
        assert client.ok("CAPABILITY").one("CAPABILITY").index("AUTH=EXTERNAL")
        client.ok(f"AUTHENTICATE EXTERNAL{response}")
        client.ok("SELECT INBOX")
    with Smtp(service.submission) as smtp:
        smtp.hello()
        smtp.starttls(tls)
        assert any("EXTERNAL" in line for line in smtp.hello())
        assert smtp.say("AUTH EXTERNAL =").codes == (235, "2.7.0")
    with Pop3(service.pop3s, tls) as pop:
        assert any("EXTERNAL" in line for line in pop.lines("CAPA"))
        pop.ok(f"AUTH EXTERNAL {OWN_B64}")
        pop.ok("STAT")


def test_a_certificate_opens_no_other_account_and_without_one_there_is_no_such_mechanism(
    configured: Callable[..., Service], authority: Authority
) -> None:
    service = configured(tls=Tls(client_authorities=authority.file))
    client = service.connect_tls_by(shown(service, authority, "other@example.net"))
    client.no("AUTHENTICATE EXTERNAL =", code="AUTHENTICATIONFAILED")
    client.no(f"AUTHENTICATE EXTERNAL {OWN_B64}", code="AUTHENTICATIONFAILED")
    client.login(OWN.user, OWN.password)
    without = service.connect_tls()
    assert "AUTH=EXTERNAL" not in without.ok("CAPABILITY").one("CAPABILITY")
    without.no("AUTHENTICATE EXTERNAL =", code="CANNOT")
    without.login(OWN.user, OWN.password)


def test_a_certificate_of_another_authority_gets_nowhere(
    configured: Callable[..., Service], authority: Authority, tmp_path: Path
) -> None:
    service = configured(tls=Tls(client_authorities=authority.file))
    (tmp_path / "evil").mkdir()
    evil = Authority(tmp_path / "evil")
    tls = shown(service, evil, OWN.user)
    got = b""
    with (
        socket.create_connection(service.imaps) as connection,
        suppress(ssl.SSLError, ConnectionError),  # or the end, by what Python makes of a refusal after the handshake
        tls.wrap_socket(connection, server_hostname="localhost") as client,
    ):
        got = client.recv(1)  # with TLS 1.3 the client has finished before the server has looked
    assert got == b""
