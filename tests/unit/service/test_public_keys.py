"""OpenPGP keys that accounts publish, kept in the directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailkeep.formats.openpgp import directory_hash
from mailkeep.model.address import parse_address
from mailkeep.model.errors import Invalid, NotFound
from mailkeep.service.discovery.openpgp import key_url
from mailkeep.service.public_keys import PublicKeys
from mailkeep.store.sqlite.directory import SqliteDirectory

KEY = (Path(__file__).parents[2] / "golden/openpgp/ann.asc").read_bytes()
ANN = directory_hash("ann")


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[SqliteDirectory]:
    directory = SqliteDirectory(tmp_path / "directory.db", 1)
    directory.add("ann@example.org", None, 0)
    directory.add("ben@example.org", None, 0)
    yield directory
    directory.close()


def test_a_key_is_found_by_domain_and_hash_until_it_is_removed(directory: SqliteDirectory) -> None:
    keys = PublicKeys(directory)
    keys.put("Ann@Example.org", KEY)
    assert keys.find("EXAMPLE.org.", ANN) == keys.get("ann@example.org")
    assert keys.find("example.net", ANN) is None
    assert keys.find("example.org", directory_hash("ben")) is None
    assert keys.find("..", ANN) is None
    keys.remove("ann@example.org")
    assert keys.find("example.org", ANN) is None
    with pytest.raises(NotFound):
        keys.get("ann@example.org")
    with pytest.raises(NotFound):
        keys.remove("ann@example.org")


def test_another_key_takes_the_place_of_the_first(directory: SqliteDirectory) -> None:
    keys = PublicKeys(directory)
    keys.put("ann@example.org", KEY)
    before = directory.changes
    keys.put("ann@example.org", keys.get("ann@example.org"))
    assert directory.changes > before
    assert keys.find("example.org", ANN) is not None


def test_a_key_goes_with_its_account(directory: SqliteDirectory) -> None:
    keys = PublicKeys(directory)
    keys.put("ann@example.org", KEY)
    entry = directory.find("ann@example.org")
    assert entry is not None
    directory.remove(entry.account)
    assert keys.find("example.org", ANN) is None


def test_a_key_of_somebody_else_or_for_nobody_is_refused(directory: SqliteDirectory) -> None:
    keys = PublicKeys(directory)
    with pytest.raises(Invalid, match="no user ID"):
        keys.put("ben@example.org", KEY)
    with pytest.raises(NotFound):
        keys.put("nobody@example.org", KEY)
    with pytest.raises(Invalid, match="no OpenPGP key"):
        keys.put("ben@example.org", b"ben")


def test_the_place_of_a_key_is_that_of_the_drafts_example() -> None:
    assert key_url(parse_address("Joe.Doe@Example.ORG")) == (
        "https://openpgpkey.example.org/.well-known/openpgpkey/example.org/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=joe.doe"
    )
