"""Every row of the table of POP3 commands can be found by its name: function and grammar."""

import pytest

from mailkeep.pop3.commands import COMMANDS, ROWS
from mailkeep.pop3.commands.table import Command

EACH = pytest.mark.parametrize("row", ROWS, ids=[row.keyword for row in ROWS])


def test_the_table_has_what_every_server_must_know_and_what_it_announces() -> None:
    assert set(COMMANDS) >= {"QUIT", "STAT", "LIST", "RETR", "DELE", "NOOP", "RSET"}  # RFC 1939 §9
    assert set(COMMANDS) >= {"CAPA", "TOP", "UIDL", "USER", "PASS", "AUTH", "STLS", "UTF8", "LANG"}
    assert len(COMMANDS) == len(ROWS)


@EACH
def test_a_function_is_documented_and_of_the_commands_package(row: Command) -> None:
    assert row.run.__module__.startswith("mailkeep.pop3.commands.")
    assert "RFC" in (row.run.__doc__ or ""), "what does it do, and which RFC says so?"


@EACH
def test_a_grammar_lives_in_the_wire_package(row: Command) -> None:
    assert row.parse.__module__.startswith("mailkeep.pop3.wire.")
