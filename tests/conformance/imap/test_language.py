"""LANGUAGE (RFC 5255 §3)."""

from __future__ import annotations

import pytest
from tests.imap_client import ImapClient
from tests.live import Service

pytestmark = [pytest.mark.rfc("5255", "3.2"), pytest.mark.usefixtures("ours")]


def test_the_languages_are_listed(client: ImapClient) -> None:
    assert client.ok("LANGUAGE").one("LANGUAGE") == ["en", "i-default"]


@pytest.mark.parametrize(
    ("ranges", "chosen"),
    [
        ("EN", "en"),
        ("i-default", "i-default"),
        ("FR-CA EN-CA", "en"),
        ('"default"', "en"),
        ("*", "en"),
        ("de i-default en", "i-default"),
        ("en-Latn-GB-boont", "en"),
    ],
)
def test_the_first_one_that_is_known_is_spoken_and_namespaces_are_told(
    client: ImapClient, ranges: str, chosen: str
) -> None:
    reply = client.ok(f"LANGUAGE {ranges}")
    assert reply.one("LANGUAGE") == [chosen]
    assert reply.raw.index(b"LANGUAGE") < reply.raw.index(b"NAMESPACE")


def test_a_language_that_is_not_known_is_refused(client: ImapClient) -> None:
    """RFC 5255 §3.2: LANGUAGE MUL, which no server supports"""
    reply = client.no("LANGUAGE MUL")
    assert reply.all("LANGUAGE") == []


@pytest.mark.parametrize("ranges", ['""', "ä", "(en)", '"en us"', "toolonglanguage", "en--us", "en " * 101 + "en"])
def test_wrong_arguments_are_bad(client: ImapClient, ranges: str) -> None:
    assert "octet" in client.bad(b"LANGUAGE " + ranges.encode()).text


def test_it_is_offered_and_understood_before_login(server: Service) -> None:
    """RFC 5255 §3.1: in the greeting too"""
    client = server.connect()
    assert client.greeting.code is not None
    assert "LANGUAGE" in client.greeting.code.args
    reply = client.ok("LANGUAGE EN")
    assert reply.one("LANGUAGE") == ["en"]
    assert reply.all("NAMESPACE") == []
