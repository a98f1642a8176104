"""Every row of the tables of SMTP commands can be found by its name: function and grammar."""

import functools

import pytest

from mailkeep.smtp.commands import LMTP, RECEPTION, SUBMISSION
from mailkeep.smtp.commands.table import Command

TABLES = {"LMTP": LMTP, "RECEPTION": RECEPTION, "SUBMISSION": SUBMISSION}
ROWS = [pytest.param(row, id=f"{name}-{verb}") for name, table in TABLES.items() for verb, row in table.items()]

# RFC 5321 §4.5.1
MINIMUM = {"EHLO", "HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY"}


@pytest.mark.parametrize("table", [RECEPTION, SUBMISSION], ids=["RECEPTION", "SUBMISSION"])
def test_a_table_has_every_command_that_a_server_must_know(table: dict[str, Command]) -> None:
    assert set(table) >= MINIMUM


def test_strangers_cannot_log_in_and_nobody_can_in_lmtp() -> None:
    assert [name for name, table in TABLES.items() if "AUTH" in table] == ["SUBMISSION"]


@pytest.mark.parametrize("row", ROWS)
def test_a_function_is_documented_and_of_the_commands_package(row: Command) -> None:
    assert row.run.__module__.startswith("mailkeep.smtp.commands.")
    assert row.run.__doc__, "what does it do, and which RFC says so?"


@pytest.mark.parametrize("row", ROWS)
def test_a_grammar_lives_in_the_wire_package(row: Command) -> None:
    parse = row.parse.func if isinstance(row.parse, functools.partial) else row.parse
    assert parse.__module__.startswith("mailkeep.smtp.wire.")
