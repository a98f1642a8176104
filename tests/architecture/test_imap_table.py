"""Every row of the table of IMAP commands can be found by its name: function, grammar, tests."""

import inspect
from pathlib import Path

import pytest

from mailkeep.imap.commands import COMMANDS
from mailkeep.imap.commands.table import Command, State

CONFORMANCE = Path(__file__).parents[1] / "conformance/imap"
ROWS = [pytest.param(row, id=name) for name, row in COMMANDS.items()]

# RFC 9051 §6, RFC 3501 §6 (CHECK, LSUB), RFC 6851 (MOVE), RFC 2971 (ID)
BASE = """
    CAPABILITY NOOP LOGOUT ID STARTTLS AUTHENTICATE LOGIN ENABLE SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE
    UNSUBSCRIBE LIST LSUB NAMESPACE STATUS APPEND IDLE CHECK CLOSE UNSELECT EXPUNGE SEARCH FETCH STORE COPY MOVE
"""
WITH_UID = ("EXPUNGE", "SEARCH", "FETCH", "STORE", "COPY", "MOVE")

# Tests of these stand with the command they belong to.
TESTED_WITH = {
    "UNSUBSCRIBE": "subscribe",
    "GETQUOTAROOT": "getquota",
    **dict.fromkeys(("SETACL", "DELETEACL", "GETACL", "LISTRIGHTS", "MYRIGHTS"), "acl"),
}


def test_the_table_has_every_command_of_both_revisions() -> None:
    assert {*BASE.split(), *(f"UID {name}" for name in WITH_UID)} <= set(COMMANDS)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_listed_under_its_own_name(row: Command) -> None:
    assert COMMANDS[row.name] is row


@pytest.mark.parametrize("row", ROWS)
def test_a_handler_is_a_documented_coroutine_of_the_commands_package(row: Command) -> None:
    assert inspect.iscoroutinefunction(row.handler)
    assert row.handler.__module__.startswith("mailkeep.imap.commands.")
    assert row.handler.__doc__, "what does it do, and which RFC says so?"


@pytest.mark.parametrize("row", ROWS)
def test_a_grammar_lives_in_the_wire_package(row: Command) -> None:
    assert row.parse.__module__.startswith("mailkeep.imap.wire.")


@pytest.mark.parametrize("row", ROWS)
def test_a_command_has_a_file_of_conformance_tests(row: Command) -> None:
    name = row.name.removeprefix("UID ")
    assert (CONFORMANCE / f"test_{TESTED_WITH.get(name, name.lower())}.py").is_file()


def test_expunges_wait_only_for_commands_that_use_message_numbers() -> None:
    waiting = {name for name, row in COMMANDS.items() if not row.may_expunge}
    assert waiting == {"FETCH", "STORE", "SEARCH", "SORT", "THREAD"}  # RFC 9051 §7.5.1, RFC 5256 §3
    assert all(COMMANDS[name].state is State.SELECTED for name in waiting)
