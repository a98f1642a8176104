"""NAMESPACE (RFC 9051 §6.3.10)."""

from __future__ import annotations

import pytest
from tests.imap_client import ImapClient
from tests.live import Service

pytestmark = pytest.mark.rfc("9051", "6.3.10")


def test_one_personal_namespace_without_prefix(client: ImapClient) -> None:
    """trap 39: else K-9 hides folders"""
    assert client.ok("NAMESPACE").one("NAMESPACE")[0] == [("", "/")]


def test_others_and_what_is_shared_have_trees_of_their_own(client: ImapClient, ours: None) -> None:
    _, *foreign = client.ok("NAMESPACE").one("NAMESPACE")
    assert foreign == [[("Other Users/", "/")], [("Shared/", "/")]]


def test_its_delimiter_is_that_of_list(client: ImapClient) -> None:
    """trap 39"""
    [[(_, delimiter)], *_] = client.ok("NAMESPACE").one("NAMESPACE")
    assert delimiter == client.ok('LIST "" ""').one("LIST").delimiter


def test_it_needs_a_login(server: Service) -> None:
    server.connect().bad("NAMESPACE")


def test_it_takes_no_argument(client: ImapClient, ours: None) -> None:
    client.bad("NAMESPACE x")
