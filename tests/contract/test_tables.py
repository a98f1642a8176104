"""The list of tables that hold rows of accounts, against the schema: nobody forgets one."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from mailkeep.store.sqlite.connection import migrate, open_writer
from mailkeep.store.steps.tables import TABLES, key_of

BY_THEMSELVES = {"account", "held"}  # the account's row comes last and goes first; nobody else's business


@pytest.fixture
def db(tmp_path: Path) -> apsw.Connection:
    path = tmp_path / "shard-0000.db"
    db = open_writer(path)
    migrate(db, path, "shard")
    return db


def test_every_table_with_rows_of_accounts_is_removed_and_moved_with_them(db: apsw.Connection) -> None:
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    of_accounts = {
        table for table in tables if "account" in [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    }
    assert of_accounts == {name for name, _ in TABLES} | BY_THEMSELVES


@pytest.mark.parametrize("table", [*(name for name, _ in TABLES), "account"])
def test_pages_of_a_table_are_read_along_a_unique_key(db: apsw.Connection, table: str) -> None:
    key = ["account", *key_of(table).split(", ")]
    if key == ["account", "account"]:
        key = ["account"]
    columns = db.execute(f"PRAGMA table_info({table})").fetchall()
    primary = [name for _, name in sorted((row[5], row[1]) for row in columns if row[5])]
    indexes = [
        [row[2] for row in db.execute(f"PRAGMA index_info({index[1]})").fetchall()]
        for index in db.execute(f"PRAGMA index_list({table})").fetchall()
        if index[2] and not index[4]
    ]
    assert key in [primary, *indexes]
    assert columns[0][1] == "account"
