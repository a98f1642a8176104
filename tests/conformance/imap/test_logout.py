"""LOGOUT (RFC 9051 §6.1.3)."""

from __future__ import annotations

import pytest
from tests.imap_client import ImapClient
from tests.live import Service

pytestmark = pytest.mark.rfc("9051", "6.1.3")


def test_bye_comes_before_ok_and_the_connection_ends(client: ImapClient) -> None:
    reply = client.ok("LOGOUT")
    assert [r.kind for r in reply.untagged] == ["BYE"]
    assert client.ended()


def test_it_is_allowed_before_login(server: Service) -> None:
    client = server.connect()
    client.ok("LOGOUT")
    assert client.ended()


def test_commands_after_it_are_not_run(client: ImapClient) -> None:
    client.send(b"a LOGOUT\r\nb CREATE never\r\n")
    client.finish("a")
    assert client.ended()


def test_it_does_not_expunge(inbox: ImapClient, second: ImapClient) -> None:
    inbox.append("INBOX", b"\r\n", "(\\Deleted)")
    inbox.ok("LOGOUT")
    assert second.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 1
