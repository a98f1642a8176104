"""A damaged text index is found, and built anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from mailkeep.model.ids import AccountId
from mailkeep.service.bus import Bus
from mailkeep.service.indexer import Indexer
from mailkeep.service.maintenance import Maintenance
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import NOW, World

MESSAGES = 520  # a whole span, and the beginning of the next
DAMAGE = {
    "a segment that cannot be read": "UPDATE text_segment SET data = x'0102' WHERE kind = 'body' AND segment = 3",
    "a field of another segment": "UPDATE text_segment SET data = (SELECT data FROM text_segment WHERE kind = 'words')"
    " WHERE kind = 'subject' AND segment = 8",
    "a segment that is missing": "DELETE FROM text_segment WHERE kind = 'head' AND segment = 2",
    "texts of another segment": "UPDATE text_segment SET data = (SELECT data FROM text_segment WHERE kind = 'body'"
    " AND segment = 1) WHERE kind = 'body' AND segment = 5",
    "numbers of another segment": "UPDATE text_segment SET data = (SELECT data FROM text_segment WHERE kind = 'numbers'"
    " AND segment = 1) WHERE kind = 'numbers' AND segment = 5",
    "numbers cut off": "UPDATE text_segment SET data = x'00' WHERE kind = 'numbers' AND segment = 8",
    "words that are missing": "DELETE FROM text_segment WHERE kind = 'words'",
    "words twice": "UPDATE text_segment SET data = CAST(data || substr(data, 2) AS BLOB) WHERE kind = 'words'",
    "places that cannot be read": "UPDATE text_segment SET data = substr(data, 1, 20) WHERE kind = 'where'",
    "an order that is missing": "DELETE FROM text_segment WHERE kind = 'order.ids' AND segment = 4",
    "an order cut off": "UPDATE text_segment SET data = substr(data, 1, 100) WHERE kind = 'order.sent' AND segment = 4",
    "an order that cannot be read": "UPDATE text_segment SET data = x'00' WHERE kind = 'order.to' AND segment = 8",
    "a segment beyond the end": "INSERT INTO text_segment VALUES (1, 'body', 4711, x'')",
    "an end beyond all messages": "UPDATE text_index SET indexed_to = 1000000",
    "an index that is ahead of its segments": "DELETE FROM text_segment WHERE segment = 8",
}


async def indexed(directory: Path) -> AccountId:
    """An account whose texts are all in the index; some of the messages are gone for good."""
    async with SqliteStore(directory) as store:
        world = await World.make(store)
        bodies = [b"Subject: number %d\r\n\r\ncommon word%d\r\n" % (n, n) for n in range(MESSAGES)]
        await world.append(*bodies)
        await world.expunge(7, 8, 300)
        await Indexer(store, Bus(), list).catch_up(world.account)
        await store.sweep(NOW + 10, keep_s=0)
        return world.account


async def check(directory: Path, account: AccountId) -> tuple[str, ...]:
    async with SqliteStore(directory) as store:
        return await Maintenance(store).check_text(account)


async def repair(directory: Path, account: AccountId) -> None:
    async with SqliteStore(directory) as store:
        await Maintenance(store).drop_text(account)
        assert await Maintenance(store).check_text(account) == ()  # there is none
        await Indexer(store, Bus(), list).catch_up(account)


@pytest.mark.parametrize("statement", DAMAGE.values(), ids=DAMAGE.keys())
def test_what_is_damaged_is_found_and_built_anew(tmp_path: Path, statement: str) -> None:
    account = asyncio.run(indexed(tmp_path))
    assert asyncio.run(check(tmp_path, account)) == ()
    db = apsw.Connection(str(tmp_path / "shard-0000.db"))
    db.execute(statement).fetchall()
    db.close()
    assert asyncio.run(check(tmp_path, account)) != ()
    asyncio.run(repair(tmp_path, account))
    assert asyncio.run(check(tmp_path, account)) == ()


def test_an_index_of_another_version_is_not_looked_at(tmp_path: Path) -> None:
    account = asyncio.run(indexed(tmp_path))
    db = apsw.Connection(str(tmp_path / "shard-0000.db"))
    db.execute("UPDATE text_index SET version = version - 1; DELETE FROM text_segment").fetchall()
    db.close()
    assert asyncio.run(check(tmp_path, account)) == ()
