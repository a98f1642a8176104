"""The contract of a store, on SQLite."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from mailkeep.store.contract import IN_ROW_LIMIT
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.queue_contract import QueueContract
from mailkeep.testing.store_contract import StoreContract, World


class TestSqlite(QueueContract, StoreContract):
    def open_store(self, directory: Path) -> SqliteStore:
        return SqliteStore(directory)


class TestSqliteWithShards(QueueContract, StoreContract):
    def open_store(self, directory: Path) -> SqliteStore:
        return SqliteStore(directory, shards=3)


def test_nobody_else_may_read_what_is_stored_even_where_the_directory_is_open_to_all(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)

    async def main() -> None:
        async with SqliteStore(data) as store:
            world = await World.make(store)
            await store.put_blob(world.account, b"x" * IN_ROW_LIMIT)
            found = {path: path.stat().st_mode & 0o777 for path in data.rglob("*")}
            assert len(found) >= 8
            assert {str(path): oct(mode) for path, mode in found.items() if mode & 0o077} == {}

    before = os.umask(0o022)
    try:
        asyncio.run(main())
    finally:
        os.umask(before)
