"""curl and msmtp log in by tokens, and by certificates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.authority import Authority
from tests.clients.programs import require_client, run
from tests.live import OWN, Service, eventually
from tests.openid_provider import AUDIENCE, OpenIdProvider, running_provider

from mailkeep.config import OAuth, Tls

MESSAGE = b"From: own@example.org\r\nTo: own@example.org\r\nSubject: hello\r\n\r\nHello!\r\n"
DENIED = 67  # curl: login denied


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIdProvider]:
    with running_provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def service(configured: Callable[..., Service], provider: OpenIdProvider, authority: Authority) -> Service:
    return configured(
        oauth=OAuth(issuer=provider.issuer, audiences=(AUDIENCE,), authorities=provider.authority),
        tls=Tls(client_authorities=authority.file),
    )


def urls(service: Service) -> tuple[str, ...]:
    return f"imaps://localhost:{service.imaps[1]}/INBOX", f"pop3s://localhost:{service.pop3s[1]}/"


def curl(service: Service, home: Path, *more: str, code: int = 0) -> bytes:
    ca = str(service.ca)
    return run((require_client("curl"), "-sS", "--cacert", ca, *more), home, code=code)


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_curl_logs_in_by_a_token(service: Service, provider: OpenIdProvider, home: Path, mechanism: str) -> None:
    def options(token: str) -> tuple[str, ...]:
        return "--user", OWN.user, "--oauth2-bearer", token, "--login-options", f"AUTH={mechanism}"

    for url in urls(service):
        curl(service, home, *options(provider.token(OWN.user)), url)
        curl(service, home, *options("nonsense"), url, code=DENIED)


def test_curl_logs_in_by_a_certificate(service: Service, authority: Authority, home: Path) -> None:
    for address, code in ((OWN.user, 0), ("other@example.net", DENIED)):
        _, file = authority.issue_client(address)
        for url in urls(service):
            options = ("--cert", str(file), "--user", f"{OWN.user}:", "--login-options", "AUTH=EXTERNAL")
            curl(service, home, *options, url, code=code)


def test_msmtp_sends_by_a_token_and_by_a_certificate(
    service: Service, provider: OpenIdProvider, authority: Authority, home: Path
) -> None:
    _, file = authority.issue_client(OWN.user)
    ways = {
        "oauthbearer": f"passwordeval echo {provider.token(OWN.user)}",
        "xoauth2": f"passwordeval echo {provider.token(OWN.user)}",
        "external": f"tls_cert_file {file}\ntls_key_file {file}",
    }
    for auth, more in ways.items():
        config = home / f"msmtprc-{auth}"
        config.write_text(f"""
account default
host localhost
port {service.submissions[1]}
from {OWN.user}
user {OWN.user}
auth {auth}
tls on
tls_starttls off
tls_trust_file {service.ca}
{more}
""")
        config.chmod(0o600)
        run((require_client("msmtp"), "-C", config, OWN.user), home, stdin=MESSAGE)
    client = service.connect(OWN)
    client.ok("SELECT INBOX")
    eventually(lambda: client.ok("NOOP") and client.exists == len(ways), "the messages have arrived")
