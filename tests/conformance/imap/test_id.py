"""ID (RFC 2971)."""

from __future__ import annotations

import pytest
from tests.imap_client import ImapClient, Literal
from tests.live import Service

pytestmark = pytest.mark.rfc("2971", "3.1")


@pytest.mark.parametrize("arguments", ["NIL", '("name" "test")', '("name" NIL)', "()"])
def test_forms_are_taken_before_login(server: Service, arguments: str) -> None:
    """trap 30"""
    server.connect().ok(f"ID {arguments}").one("ID")


def test_nil_in_a_list_is_answered_and_the_connection_goes_on(server: Service) -> None:
    """trap 30: Thunderbird sent this once."""
    client = server.connect()
    assert client.command("ID (NIL)").kind in ("OK", "BAD")
    client.ok("NOOP")


def test_thirty_fields_are_taken(client: ImapClient) -> None:
    """trap 30"""
    client.ok("ID (" + " ".join(f'"field{n}" "value"' for n in range(30)) + ")")


def test_a_value_of_eight_bit_octets_is_taken_as_a_literal(client: ImapClient) -> None:
    """trap 30"""
    client.ok('ID ("name"', Literal("Żółw".encode()), '"version" "1")')


def test_the_answer_names_the_server(client: ImapClient) -> None:
    answer = client.ok("ID NIL").one("ID")
    assert answer is None or answer["name"]


def test_without_arguments_it_is_refused(client: ImapClient, ours: None) -> None:
    client.bad("ID")
