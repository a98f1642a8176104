"""The directory of accounts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailkeep.model.errors import AlreadyExists, Invalid, NotFound
from mailkeep.model.ids import AccountId
from mailkeep.store.contract import AccountState
from mailkeep.store.sqlite.directory import SqliteDirectory


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[SqliteDirectory]:
    opened = SqliteDirectory(tmp_path / "directory.db", 2)
    yield opened
    opened.close()


def test_an_account_is_found_by_its_address_in_any_letter_case(directory: SqliteDirectory) -> None:
    added = directory.add("Ann@Example.org", "hash", 5)
    assert (added.state, added.password, added.created_at) == (AccountState.CREATING, "hash", 5)
    assert directory.find("ann@EXAMPLE.org") == added == directory.get(added.account)
    assert directory.find("bob@example.org") is None


def test_an_address_belongs_to_one_account(directory: SqliteDirectory) -> None:
    directory.add("ann@example.org", None, 5)
    with pytest.raises(AlreadyExists):
        directory.add("ANN@example.org", None, 6)
    assert [entry.address for entry in directory.list()] == ["ann@example.org"]


@pytest.mark.parametrize("address", ["", "ann", "@example.org", "ann@", "a\nb@example.org", "a" * 320 + "@example.org"])
def test_what_is_no_address_is_refused(directory: SqliteDirectory, address: str) -> None:
    with pytest.raises(Invalid):
        directory.add(address, None, 5)


def test_accounts_are_spread_over_shards_and_numbers_never_come_back(directory: SqliteDirectory) -> None:
    accounts = [directory.add(f"a{i}@example.org", None, 5) for i in range(4)]
    assert sorted(entry.shard for entry in accounts) == [0, 0, 1, 1]
    assert all(directory.shard_of(entry.account) == entry.shard for entry in accounts)
    directory.remove(accounts[3].account)
    assert directory.add("a3@example.org", None, 5).account > accounts[3].account
    with pytest.raises(NotFound):
        directory.shard_of(accounts[3].account)


def test_state_and_password_are_kept(directory: SqliteDirectory, tmp_path: Path) -> None:
    account = directory.add("ann@example.org", None, 5).account
    directory.set_state(account, AccountState.ACTIVE)
    directory.set_password(account, "new hash")
    directory.close()
    again = SqliteDirectory(tmp_path / "directory.db", 2)
    assert (again.get(account).state, again.get(account).password) == (AccountState.ACTIVE, "new hash")
    again.close()


def test_an_unknown_account_is_not_found(directory: SqliteDirectory) -> None:
    for change in (
        lambda: directory.get(AccountId(9)),
        lambda: directory.set_password(AccountId(9), "x"),
        lambda: directory.set_state(AccountId(9), AccountState.ACTIVE),
        lambda: directory.shard_of(AccountId(9)),
    ):
        with pytest.raises(NotFound):
            change()
