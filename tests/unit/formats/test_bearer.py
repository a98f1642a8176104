"""Mechanisms that carry a bearer token."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.bearer import MAX_PAIRS, MAX_RESPONSE, MECHANISMS, OAUTHBEARER, XOAUTH2, Bearer, parse, refusal
from mailkeep.formats.sasl import SaslError

TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="


@pytest.mark.rfc("7628", "4.1")
def test_oauthbearer_takes_the_example_of_the_rfc() -> None:
    response = f"n,a=user@example.com,\1host=server.example.com\1port=143\1auth=Bearer {TOKEN}\1\1".encode()
    assert parse(OAUTHBEARER, response) == Bearer("user@example.com", TOKEN)


@pytest.mark.rfc("7628", "3.1")
@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "BeArEr"])
def test_oauthbearer_needs_no_user_and_takes_any_case_of_bearer_and_unknown_pairs(scheme: str) -> None:
    assert parse(OAUTHBEARER, f"y,,\1xyz=a=b\tc\1auth={scheme}  a.b.c\1\1".encode()) == Bearer("", "a.b.c")


@pytest.mark.rfc("7628", "4.3")
@pytest.mark.parametrize("auth", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer =a"])
def test_credentials_that_are_no_token_are_an_empty_one(auth: str) -> None:
    assert parse(OAUTHBEARER, f"n,a=ann@x.org,\1auth={auth}\1\1".encode()) == Bearer("ann@x.org", "")
    assert parse(OAUTHBEARER, b"n,,\1host=x\1\1") == Bearer("", "")


def test_the_name_in_the_header_has_its_escapes_resolved() -> None:
    assert parse(OAUTHBEARER, b"n,a=a=2Cb=3Dc@x.org,\1auth=Bearer t\1\1").user == "a,b=c@x.org"


def test_xoauth2_takes_the_example_of_google() -> None:
    response = b"user=someuser@example.com\1auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1\1"
    assert parse(XOAUTH2, response) == Bearer("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")


def test_xoauth2_takes_a_name_in_utf8() -> None:
    assert parse(XOAUTH2, "user=jörg@x.org\1auth=Bearer t\1\1".encode()) == Bearer("jörg@x.org", "t")


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"\1",
        b"n,,",
        b"n,,\1auth=Bearer t\1",  # cut off
        b"n,,auth=Bearer t\1\1",
        b"p=tls-exporter,,\1auth=Bearer t\1\1",  # channel binding
        b"n,a=,\1auth=Bearer t\1\1",
        b"n,a=x=y,\1auth=Bearer t\1\1",  # an escape that is none
        b"n,,\1auth=Bearer t\1auth=Bearer u\1\1",  # which of them counts?
        b"n,,\1au-th=Bearer t\1\1",
        b"n,,\1auth=Bearer t\0\1\1",
        b"n,,\1auth=Bearer \xff\1\1",
        b"n,,\1" + b"".join(b"x%s=\1" % bytes([65 + n % 26, 65 + n // 26]) for n in range(MAX_PAIRS + 1)) + b"\1",
        b"n,,\1auth=Bearer " + b"t" * MAX_RESPONSE + b"\1\1",
    ],
    ids=lambda octets: repr(octets[:30]),
)
@pytest.mark.rfc("7628", "3.1")
def test_oauthbearer_refuses_what_is_not_well_formed(response: bytes) -> None:
    with pytest.raises(SaslError):
        parse(OAUTHBEARER, response)


@pytest.mark.parametrize("response", [b"", b"\1", b"auth=Bearer t\1\1", b"user=\1auth=Bearer t\1\1", b"user=a"])
def test_xoauth2_refuses_what_is_not_well_formed(response: bytes) -> None:
    with pytest.raises(SaslError):
        parse(XOAUTH2, response)


def test_a_token_of_eight_thousand_octets_is_taken() -> None:
    token = "t" * 8192
    assert parse(XOAUTH2, f"user=a@x.org\1auth=Bearer {token}\1\1".encode()).token == token


@pytest.mark.rfc("7628", "3.2.2")
def test_the_refusal_tells_scope_and_where_the_provider_describes_itself() -> None:
    where = "https://example.com/.well-known/openid-configuration"
    assert json.loads(refusal(OAUTHBEARER, scope="example_scope", configuration=where)) == {
        "status": "invalid_token",
        "scope": "example_scope",
        "openid-configuration": where,
    }
    assert json.loads(refusal(OAUTHBEARER, scope="", configuration="")) == {"status": "invalid_token"}
    assert json.loads(refusal(XOAUTH2, scope="mail", configuration=where)) == {
        "status": "401",
        "schemes": "Bearer",
        "scope": "mail",
    }


def test_a_secret_is_not_shown() -> None:
    assert "secret" not in repr(Bearer("ann", "secret"))


@given(
    st.sampled_from(MECHANISMS),
    st.binary(max_size=200) | st.text("n,ay=\1Bearuths@x.2CD3 ", max_size=80).map(str.encode),
)
def test_whatever_comes_is_taken_or_refused(mechanism: str, response: bytes) -> None:
    with suppress(SaslError):
        parse(mechanism, response)
