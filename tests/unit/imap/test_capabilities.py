from mailkeep.imap.capabilities import SWITCHES, TABLE, switched_off
from mailkeep.imap.commands import COMMANDS


def test_a_name_stands_once_and_what_it_needs_exists() -> None:
    names = [row.name for row in TABLE]
    assert len(names) == len(set(names))
    assert {name for row in TABLE for name in row.needs.split()} <= set(names)


def test_rev1_is_first_and_cannot_be_switched_off() -> None:
    assert TABLE[0].name == "IMAP4rev1"
    assert "IMAP4REV1" not in SWITCHES


def test_what_needs_a_capability_goes_with_it() -> None:
    assert switched_off(["CONDSTORE"]) == {"CONDSTORE", "QRESYNC"}


def test_rev2_goes_with_anything_that_it_includes() -> None:
    assert switched_off(["SPECIAL-USE"]) == {"SPECIAL-USE", "CREATE-SPECIAL-USE", "IMAP4rev2"}


def test_nothing_else_goes() -> None:
    assert switched_off([]) == frozenset()
    assert switched_off(["IMAP4rev2"]) == {"IMAP4rev2"}
    assert switched_off(["WITHIN"]) == {"WITHIN"}


def test_commands_name_capabilities_of_the_table() -> None:
    assert {row.capability for row in COMMANDS.values()} - {""} <= set(SWITCHES.values())
