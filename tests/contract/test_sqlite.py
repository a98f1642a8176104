"""The contract of a store, on SQLite."""

from __future__ import annotations

from pathlib import Path

from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import StoreContract


class TestSqlite(StoreContract):
    def open_store(self, directory: Path) -> SqliteStore:
        return SqliteStore(directory)


class TestSqliteWithShards(StoreContract):
    def open_store(self, directory: Path) -> SqliteStore:
        return SqliteStore(directory, shards=3)
