"""mailkeep domain and mailkeep alias, with and without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conformance.cli.conftest import Run

MESSAGE = "From: ben@example.net\nSubject: Hello\n\nJust in.\n"


@pytest.fixture(params=["while the server runs", "without a server"])
def place(request: pytest.FixtureRequest, store: Path) -> Path:
    """The data directory with ann@example.org; every command must work both ways."""
    if request.param == "while the server runs":
        request.getfixturevalue("start")("serve", "--data", store)
    return store


def test_domains_are_added_listed_and_removed(mailkeep: Run, place: Path) -> None:
    added = mailkeep("domain", "add", "Example.net", "--data", place)
    assert added.returncode == 0, added.stderr
    assert "domain dns" in added.stdout
    again = mailkeep("domain", "add", "example.net", "--data", place)
    assert (again.returncode, again.stderr) == (1, "mailkeep: The domain has been added already.\n")
    mailkeep("alias", "add", "x@example.net", "ann@example.org", "--data", place)
    [listed] = mailkeep("domain", "list", "--data", place).stdout.splitlines()
    assert listed.startswith("example.net  0 accounts  1 aliases  keys ")
    refused = mailkeep("domain", "remove", "example.net", "--data", place)
    assert (refused.returncode, refused.stderr) == (1, "mailkeep: The domain has aliases: remove them first.\n")
    mailkeep("alias", "remove", "x@example.net", "--data", place)
    assert mailkeep("domain", "remove", "example.net", "--data", place).returncode == 0
    assert mailkeep("domain", "list", "--data", place).stdout == ""


def test_mail_goes_where_an_alias_and_the_catch_all_lead(mailkeep: Run, place: Path) -> None:
    mailkeep("account", "add", "ben@example.org", "--data", place, "--password-stdin", stdin="b\n")
    for alias, *accounts in (
        ("team@example.org", "ann@example.org", "ben@example.org"),
        ("@example.org", "ben@example.org"),
    ):
        added = mailkeep("alias", "add", alias, *accounts, "--data", place)
        assert added.returncode == 0, added.stderr
    assert [line.split() for line in mailkeep("alias", "list", "--data", place).stdout.splitlines()] == [
        ["@example.org", "ben@example.org"],
        ["team@example.org", "ann@example.org"],
        ["team@example.org", "ben@example.org"],
    ]
    for to in ("Team+x@example.org", "whoever@example.org"):
        delivered = mailkeep("deliver", "--to", to, "--data", place, stdin=MESSAGE)
        assert delivered.returncode == 0, delivered.stderr
    shown = [line.split("  ")[3] for line in mailkeep("account", "list", "--data", place).stdout.splitlines()]
    assert shown == ["1 messages", "2 messages"]


def test_an_alias_is_taken_away_from_one_or_from_all(mailkeep: Run, place: Path) -> None:
    mailkeep("alias", "add", "x@example.org", "ann@example.org", "--data", place)
    unknown = mailkeep("alias", "remove", "x@example.org", "eve@example.org", "--data", place)
    assert (unknown.returncode, unknown.stderr) == (1, "mailkeep: There is no account eve@example.org.\n")
    removed = mailkeep("alias", "remove", "x@example.org", "ann@example.org", "--data", place)
    assert removed.stdout == "x@example.org leads to ann@example.org no more.\n"
    assert mailkeep("alias", "remove", "x@example.org", "--data", place).stderr == "mailkeep: No such alias.\n"


def test_an_alias_to_elsewhere_is_refused(mailkeep: Run, place: Path) -> None:
    refused = mailkeep("alias", "add", "x@example.org", "joe@example.com", "--data", place)
    assert "an alias leads to accounts of this server" in refused.stderr
    refused = mailkeep("alias", "add", "x@example.com", "ann@example.org", "--data", place)
    assert "example.com is no domain of this server: add it first" in refused.stderr
