"""Logging in by a token of an OpenID provider (OAUTHBEARER: RFC 7628; XOAUTH2), over every protocol."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conformance.pop3.pop3_client import Pop3
from tests.conformance.smtp.smtp_client import Smtp
from tests.imap_client import ImapClient, Reply
from tests.live import OWN, Service
from tests.openid_provider import AUDIENCE, CLIENT, SECRET, OpenIdProvider, running_provider

from mailkeep.config import Accounts, OAuth


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIdProvider]:
    with running_provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
def options(provider: OpenIdProvider) -> OAuth:
    provider.down = False
    provider.asked.clear()
    return OAuth(issuer=provider.issuer, audiences=(AUDIENCE,), scope="mail", authorities=provider.authority)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def oauthbearer(token: str, user: str = OWN.user) -> str:
    return b64(f"n,a={user},\1host=localhost\1port=993\1auth=Bearer {token}\1\1")


def xoauth2(token: str, user: str = OWN.user) -> str:
    return b64(f"user={user}\1auth=Bearer {token}\1\1")


def refused(client: ImapClient, mechanism: str, response: str) -> tuple[dict[str, str], Reply]:
    """What the client is told, and what it gets when it has answered that."""
    tag = client.start(f"AUTHENTICATE {mechanism} {response}")
    told = client.wait_for_continuation()
    client.send(b"AQ==\r\n")
    return json.loads(base64.b64decode(told.text)), client.finish(tag)


@pytest.mark.rfc("7628", "4.1")
def test_a_token_opens_the_account_over_every_protocol(
    configured: Callable[..., Service], provider: OpenIdProvider, options: OAuth
) -> None:
    service = configured(oauth=options)
    token = provider.token(OWN.user)
    imap = service.connect_tls()
    assert {"AUTH=OAUTHBEARER", "AUTH=XOAUTH2"} <= set(imap.ok("CAPABILITY").one("CAPABILITY"))
    imap.ok(f"AUTHENTICATE OAUTHBEARER {oauthbearer(token)}")
    imap.ok("SELECT INBOX")
    second = service.connect_tls()
    tag = second.start("AUTHENTICATE XOAUTH2")
    second.wait_for_continuation()
    second.send(xoauth2(token).encode() + b"\r\n")
    assert second.finish(tag).kind == "OK"
    with Smtp(service.submissions, service.tls()) as smtp:
        auth = next(line for line in smtp.hello() if line.startswith("AUTH "))
        assert {"OAUTHBEARER", "XOAUTH2"} <= set(auth.split())
        assert smtp.say(f"AUTH XOAUTH2 {xoauth2(token)}").codes == (235, "2.7.0")
    with Pop3(service.pop3s, service.tls()) as pop:
        assert any("OAUTHBEARER" in line for line in pop.lines("CAPA"))
        pop.ok(f"AUTH XOAUTH2 {xoauth2(token)}")
        pop.ok("STAT")
    assert provider.asked.count("/keys") == 1


@pytest.mark.rfc("7628", "3.2.2")
def test_a_token_that_opens_nothing_is_refused_with_what_would(
    configured: Callable[..., Service], provider: OpenIdProvider, options: OAuth
) -> None:
    service = configured(oauth=options)
    client = service.connect_tls()
    good = provider.token(OWN.user)
    now = int(time.time())
    for token, user in (
        ("", OWN.user),
        ("nonsense", OWN.user),
        (good, "other@example.org"),
        (provider.token(OWN.user, exp=now - 3600), OWN.user),
        (provider.token(OWN.user, aud="calendar"), OWN.user),
        (provider.token(OWN.user, scope="openid"), OWN.user),
        (provider.token(OWN.user, iss="https://evil.example"), OWN.user),
        (provider.token("nobody@example.org"), "nobody@example.org"),
    ):
        told, reply = refused(client, "OAUTHBEARER", oauthbearer(token, user))
        assert told == {
            "status": "invalid_token",
            "scope": "mail",
            "openid-configuration": provider.issuer + "/.well-known/openid-configuration",
        }
        assert reply.kind == "NO"
        assert reply.code
        assert reply.code.name == "AUTHENTICATIONFAILED"
    told, reply = refused(client, "XOAUTH2", xoauth2("nonsense"))
    assert told == {"status": "401", "schemes": "Bearer", "scope": "mail"}
    assert reply.kind == "NO"
    client.no("AUTHENTICATE OAUTHBEARER " + b64("n,,\1auth=Bearer x"))  # cut off
    client.ok(f"AUTHENTICATE OAUTHBEARER {oauthbearer(good)}")
    with Smtp(service.submissions, service.tls()) as smtp:
        smtp.hello()
        assert smtp.say(f"AUTH XOAUTH2 {xoauth2('nonsense')}").code == 334
        assert smtp.say("").codes == (535, "5.7.8")
    with Pop3(service.pop3s, service.tls()) as pop:
        assert pop.auth(f"XOAUTH2 {xoauth2('nonsense')}", b"").startswith("-ERR [AUTH]")


def test_a_provider_that_is_away_is_a_passing_fault_over_every_protocol(
    configured: Callable[..., Service], provider: OpenIdProvider, options: OAuth
) -> None:
    provider.down = True
    service = configured(oauth=options)
    token = provider.token(OWN.user)
    service.connect_tls().no(f"AUTHENTICATE OAUTHBEARER {oauthbearer(token)}", code="UNAVAILABLE")
    with Smtp(service.submissions, service.tls()) as smtp:
        smtp.hello()
        assert smtp.say(f"AUTH XOAUTH2 {xoauth2(token)}").codes == (454, "4.7.0")
    with Pop3(service.pop3s, service.tls()) as pop:
        assert pop.refused(f"AUTH XOAUTH2 {xoauth2(token)}").startswith("[SYS/TEMP]")


@pytest.mark.rfc("7662", "2")
def test_the_provider_is_asked_about_tokens_of_any_form(
    configured: Callable[..., Service], provider: OpenIdProvider, options: OAuth, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    provider.known["opaque"] = {"active": True, "client_id": AUDIENCE, "scope": "mail", "email": OWN.user}
    asking = replace(options, check="introspection", client=CLIENT, client_secret_file=secret)
    service = configured(oauth=asking)
    client = service.connect_tls()
    _, reply = refused(client, "XOAUTH2", xoauth2("revoked"))
    assert reply.code
    assert reply.code.name == "AUTHENTICATIONFAILED"
    client.ok(f"AUTHENTICATE XOAUTH2 {xoauth2('opaque')}")


def test_who_has_no_account_gets_one_where_the_configuration_says_so(
    configured: Callable[..., Service], provider: OpenIdProvider, options: OAuth
) -> None:
    service = configured(oauth=options, accounts=Accounts(at_login=True))
    new = service.connect_tls()
    _, reply = refused(new, "XOAUTH2", xoauth2(provider.token("ann@elsewhere.example"), "ann@elsewhere.example"))
    assert reply.kind == "NO"  # a domain of somebody else
    new.ok(f"AUTHENTICATE OAUTHBEARER {oauthbearer(provider.token('Ann@example.org'), 'ann@example.org')}")
    new.ok("SELECT INBOX")
    new.ok("STATUS Sent (MESSAGES)")
    service.connect_tls().no('LOGIN ann@example.org ""')
    service.connect_tls().no("LOGIN ann@example.org password")


def test_without_a_provider_there_is_no_such_mechanism(configured: Callable[..., Service]) -> None:
    client = configured().connect_tls()
    assert not {"AUTH=OAUTHBEARER", "AUTH=XOAUTH2", "AUTH=EXTERNAL"} & set(client.ok("CAPABILITY").one("CAPABILITY"))
    client.no(f"AUTHENTICATE XOAUTH2 {xoauth2('x')}", code="CANNOT")
