"""Tokens of an OpenID provider: whom they stand for, and when nobody can tell."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from mailkeep.model.errors import Unavailable
from mailkeep.service.openid.claims import LEEWAY_S, Terms, TokenRefused, check, check_introspected
from mailkeep.service.openid.provider import (
    AFTER_FAULT_S,
    AGAIN_S,
    FRESH_S,
    REMEMBERED_S,
    STALE_S,
    AskedTokens,
    Client,
    SignedTokens,
    configuration_url,
)
from mailkeep.service.openid.signed import NoSuchKey, read_keys, verify
from mailkeep.service.openid.web import WebFault

ISSUER = "https://id.example.org/realm"
NOW = 1_800_000_000.0
TERMS = Terms(issuer=ISSUER, audiences=frozenset({"mail"}), scope="imap", claim="email")
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": ["mail", "other"],
    "exp": NOW + 300,
    "iat": NOW - 5,
    "scope": "openid imap",
    "email": "ann@example.org",
}
RSA = RSAKey.generate_key(2048, parameters={"kid": "one"})
EC = ECKey.generate_key("P-256", parameters={"kid": "two"})


def token(key: Any = RSA, header: dict[str, Any] | None = None, **claims: Any) -> str:
    said = {"alg": "ES256" if isinstance(key, ECKey) else "RS256", "kid": key.kid} | (header or {})
    return jwt.encode(said, CLAIMS | claims, key)


def key_set(*keys: Any) -> bytes:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


class FakeWeb:
    """The provider; a page of None does not answer."""

    def __init__(self, pages: Mapping[str, Any]) -> None:
        self.pages = dict(pages)
        self.asked: list[str] = []
        self.forms: list[tuple[str, str, str]] = []

    async def get(self, url: str) -> bytes:
        self.asked.append(url)
        page = self.pages.get(url)
        if page is None:
            raise WebFault("no answer")
        return page if isinstance(page, bytes) else json.dumps(page).encode()

    async def post(self, url: str, form: Mapping[str, str], user: str, password: str) -> bytes:
        self.forms.append((form["token"], user, password))
        return await self.get(url)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def run(work: Coroutine[Any, Any, None]) -> None:
    await work


def pages(*keys: Any) -> dict[str, Any]:
    return {
        configuration_url(ISSUER): {
            "issuer": ISSUER,
            "jwks_uri": "https://id.example.org/keys",
            "introspection_endpoint": "https://id.example.org/introspect",
        },
        "https://id.example.org/keys": key_set(*keys),
    }


def signed(web: FakeWeb, clock: Clock) -> SignedTokens:
    return SignedTokens(TERMS, web, run, clock=clock, now=lambda: NOW)


# ---- claims


@pytest.mark.rfc("7519", "4.1")
@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"iss": ISSUER + "/"}, "issuer"),
        ({"aud": "other"}, "audience"),
        ({"aud": None}, "audience"),
        ({"exp": None}, "never expires"),
        ({"exp": NOW - LEEWAY_S}, "expired"),
        ({"exp": "tomorrow"}, "no time"),
        ({"exp": True}, "no time"),
        ({"exp": float("nan")}, "no time"),
        ({"exp": float("inf")}, "no time"),
        ({"exp": 10**400}, "no time"),
        ({"nbf": NOW + LEEWAY_S + 1}, "not valid yet"),
        ({"iat": NOW + LEEWAY_S + 1}, "not valid yet"),
        ({"scope": "openid imaps"}, "scope"),
        ({"scope": None}, "scope"),
        ({"email": None}, "claim email"),
        ({"email": ""}, "claim email"),
        ({"email": ["ann@example.org"]}, "claim email"),
        ({"email": "a" * 400}, "claim email"),
        ({"email_verified": False}, "not verified"),
    ],
    ids=repr,
)
def test_a_token_is_refused_that_is(claims: dict[str, Any], why: str) -> None:
    with pytest.raises(TokenRefused, match=why):
        check(CLAIMS | claims, TERMS, NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": "mail"},
        {"scope": None, "scp": ["imap"]},
        {"scope": None, "scp": "imap smtp"},
        {"exp": NOW - LEEWAY_S + 1},
        {"nbf": NOW + LEEWAY_S},
        {"email_verified": True},
    ],
    ids=repr,
)
def test_a_token_is_taken_that_has(claims: dict[str, Any]) -> None:
    assert check(CLAIMS | claims, TERMS, NOW).name == "ann@example.org"


@pytest.mark.rfc("7662", "2.2")
def test_an_introspection_may_tell_little_but_must_say_for_whom_the_token_is() -> None:
    said = {"active": True, "client_id": "mail", "scope": "imap", "email": "ann@example.org"}
    assert check_introspected(said, TERMS, NOW).name == "ann@example.org"
    for change in ({"active": False}, {"active": "true"}, {"client_id": "x"}, {"iss": "x"}, {"aud": "x"}, {"exp": 1}):
        with pytest.raises(TokenRefused):
            check_introspected(said | change, TERMS, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*CLAIMS, "active", "scp", "nbf", "client_id", "email_verified"]), JSON))
def test_whatever_claims_say_they_are_taken_or_refused(claims: dict[str, Any]) -> None:
    for checked in (check, check_introspected):
        with suppress(TokenRefused):
            checked({"active": True} | CLAIMS | claims, TERMS, NOW)


# ---- signatures


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS256", "ES256"])
def test_what_one_of_the_keys_has_signed_is_believed(key: Any) -> None:
    assert verify(token(key), read_keys(key_set(RSA, EC)))["email"] == "ann@example.org"


def test_a_token_that_names_no_key_is_tried_with_each_that_suits() -> None:
    other = ECKey.generate_key("P-256", parameters={"kid": "other"})
    unnamed = jwt.encode({"alg": "ES256"}, CLAIMS, EC)
    assert verify(unnamed, read_keys(key_set(other, RSA, EC)))["email"] == "ann@example.org"


FORGERIES = (
    "another payload",
    "no signature",
    "alg none",
    "published key as secret",
    "logout token",
    "not three parts",
    "endless header",
    "not base64",
    "key of another",
    "no object",
    "alg of no text",
)


def keyed_by(secret: bytes) -> str:
    parts = (json.dumps(part).encode() for part in ({"alg": "HS256", "kid": "one"}, CLAIMS))
    said = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    return (said + b"." + base64.urlsafe_b64encode(hmac.digest(secret, said, "sha256")).rstrip(b"=")).decode()


def forged() -> dict[str, str]:
    header, _, signature = token().split(".")
    payload = base64.urlsafe_b64encode(json.dumps(CLAIMS | {"email": "bob@example.org"}).encode()).decode().strip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().strip("=")
    unknown_crit = jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
    return {
        "another payload": f"{header}.{payload}.{signature}",
        "no signature": f"{header}.{payload}.",
        "alg none": f"{none}.{payload}.",
        "published key as secret": keyed_by(RSA.as_pem(private=False)),
        "logout token": token(header={"typ": "logout+jwt"}),
        "not three parts": "abc",
        "endless header": base64.urlsafe_b64encode(b"[" * 16_000).decode().strip("=") + ".e30.e30",
        "not base64": "a.b.c",
        "key of another": token(ECKey.generate_key("P-256", parameters={"kid": "two"})),
        "alg of no text": base64.urlsafe_b64encode(b'{"alg":[]}').decode().strip("=") + f".{payload}.AAAA",
        "no object": jws.serialize_compact({"alg": "RS256", "kid": "one"}, b"[1]", RSA, registry=unknown_crit),
    }


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("what", FORGERIES)
def test_a_forged_token_is_refused(what: str) -> None:
    with pytest.raises(TokenRefused):
        verify(forged()[what], read_keys(key_set(RSA, EC)))


def test_a_key_that_is_not_there_is_told_apart_from_a_wrong_signature() -> None:
    with pytest.raises(NoSuchKey):
        verify(token(RSA), read_keys(key_set(EC)))


@pytest.mark.rfc("7517", "5")
def test_keys_of_unknown_kinds_and_for_other_uses_are_left_out() -> None:
    odd = [{"kty": "AKP", "kid": "pq"}, {"kty": "oct", "k": "c2VjcmV0"}, "x", {"kty": "RSA"}, RSA.as_dict(use="enc")]
    document = json.dumps({"keys": [*odd, EC.as_dict(private=False)]}).encode()
    assert [key.name for key in read_keys(document)] == ["two"]


@pytest.mark.parametrize("document", [b"", b"{}", b"[]", b'{"keys":{}}', b'{"keys":[]}', b'{"keys":[{"kty":"RSA"}]}'])
def test_what_is_no_set_of_keys_is_an_error(document: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  its text says more
        read_keys(document)


@given(st.text(max_size=60) | st.from_regex(r"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}", fullmatch=True))
def test_whatever_a_token_is_it_is_refused(text: str) -> None:
    with suppress(NoSuchKey), pytest.raises(TokenRefused):
        verify(text, KEYS)


KEYS = read_keys(key_set(RSA))


# ---- the provider and its keys


def test_keys_are_fetched_once_an_hour() -> None:
    async def go() -> None:
        web, clock = FakeWeb(pages(RSA)), Clock()
        provider = signed(web, clock)
        found = await asyncio.gather(*(provider.identify(token()) for _ in range(5)))
        assert {each.name for each in found} == {"ann@example.org"}
        assert web.asked == [configuration_url(ISSUER), "https://id.example.org/keys"]
        clock.now += FRESH_S
        await provider.identify(token())
        assert web.asked[2:] == ["https://id.example.org/keys"]

    asyncio.run(go())


def test_a_new_key_is_fetched_when_a_token_names_it_but_not_for_each_that_names_nonsense() -> None:
    async def go() -> None:
        web, clock = FakeWeb(pages(RSA)), Clock()
        provider = signed(web, clock)
        await provider.identify(token())
        web.pages["https://id.example.org/keys"] = key_set(EC)
        with pytest.raises(TokenRefused, match="key is unknown"):
            await provider.identify(token(EC))  # too soon after the last time
        clock.now += AGAIN_S
        assert (await provider.identify(token(EC))).name == "ann@example.org"
        asked = len(web.asked)
        for _ in range(3):
            with pytest.raises(TokenRefused):
                await provider.identify(token(RSA))
        assert len(web.asked) == asked

    asyncio.run(go())


def test_a_provider_that_does_not_answer_is_unavailable_and_is_not_asked_all_the_time() -> None:
    async def go() -> None:
        web, clock = FakeWeb({}), Clock()
        provider = signed(web, clock)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await provider.identify(token())
        assert len(web.asked) == 2
        web.pages = pages(RSA)
        clock.now += AFTER_FAULT_S
        assert (await provider.identify(token())).name == "ann@example.org"

    asyncio.run(go())


def test_keys_go_on_being_used_for_a_day_while_the_provider_is_away() -> None:
    async def go() -> None:
        web, clock = FakeWeb(pages(RSA)), Clock()
        provider = signed(web, clock)
        await provider.identify(token())
        web.pages = {}
        clock.now += STALE_S - 1
        assert (await provider.identify(token())).name == "ann@example.org"
        with pytest.raises(Unavailable):  # its key may be new
            await provider.identify(token(EC))
        clock.now += 1
        with pytest.raises(Unavailable):
            await provider.identify(token())

    asyncio.run(go())


@pytest.mark.rfc("8414", "3.3")
@pytest.mark.parametrize(
    "description",
    [
        {"issuer": "https://evil.example", "jwks_uri": "https://id.example.org/keys"},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks_uri": "http://id.example.org/keys"},
        {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
        ["x"],
        b"<html>",
        b"[" * 100_000,
    ],
    ids=lambda each: repr(each)[:40],
)
def test_a_description_that_is_not_the_provider_s_is_not_believed(description: Any) -> None:
    web = FakeWeb(pages(RSA) | {configuration_url(ISSUER): description})
    with pytest.raises(Unavailable):
        asyncio.run(signed(web, Clock()).identify(token()))


@pytest.mark.rfc("8414", "3.1")
def test_a_server_that_knows_oauth_alone_describes_itself_elsewhere() -> None:
    found = pages(RSA)
    found["https://id.example.org/.well-known/oauth-authorization-server/realm"] = found.pop(configuration_url(ISSUER))
    assert asyncio.run(signed(FakeWeb(found), Clock()).identify(token())).name == "ann@example.org"


# ---- asking about tokens


INTROSPECT = "https://id.example.org/introspect"
ACTIVE = {"active": True, "aud": "mail", "scope": "imap", "email": "ann@example.org", "exp": NOW + 300}


def asked(web: FakeWeb, clock: Clock) -> AskedTokens:
    client = Client(name="mail:keep", secret="s3 cret")
    return AskedTokens(TERMS, web, run, client, clock=clock, now=lambda: NOW)


@pytest.mark.rfc("7662", "2.1")
def test_the_provider_is_asked_about_a_token_once_a_minute() -> None:
    async def go() -> None:
        web, clock = FakeWeb(pages(RSA) | {INTROSPECT: ACTIVE}), Clock()
        provider = asked(web, clock)
        for _ in range(3):
            assert (await provider.identify("opaque")).name == "ann@example.org"
        assert web.forms == [("opaque", "mail%3Akeep", "s3+cret")]
        web.pages[INTROSPECT] = {"active": False}
        clock.now += REMEMBERED_S
        for _ in range(2):  # what is refused is not remembered: it may be a mistake that is being mended
            with pytest.raises(TokenRefused):
                await provider.identify("opaque")
        assert len(web.forms) == 3

    asyncio.run(go())


@pytest.mark.parametrize("answer", [None, b"", b"[]", {}, {"active": "yes"}, {"error": "invalid_client"}], ids=repr)
def test_an_answer_that_says_nothing_is_the_provider_s_fault_not_the_token_s(answer: Any) -> None:
    web = FakeWeb(pages(RSA) | {INTROSPECT: answer})
    with pytest.raises(Unavailable):
        asyncio.run(asked(web, Clock()).identify("opaque"))
