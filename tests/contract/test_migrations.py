"""Databases that earlier programs wrote."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from mailkeep.store.schema import migrations
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import World

# what takes a step back again
UNDONE = {
    2: "DROP TABLE text_index; DROP TABLE text_segment; DROP TABLE text_stale",
    3: "DROP TABLE metadata",
    4: "DROP TABLE held",
    5: "ALTER TABLE account DROP COLUMN quota_messages; ALTER TABLE account DROP COLUMN quota_mailboxes",
    6: "DROP INDEX acl_who",
    7: "DROP TABLE mailbox_key",
    8: "DROP TABLE place",
    9: "DROP TABLE queue_item; DROP TABLE queue_leg; DROP TABLE queue_recipient; DROP TABLE delivered;"
    " ALTER TABLE account DROP COLUMN next_item",
    10: "DROP TABLE greylist",
}


def test_every_step_after_the_first_is_tried() -> None:
    assert set(UNDONE) == {step.number for step in migrations("shard")} - {1}


@pytest.mark.parametrize("version", [1, 2, 3, 4, 7, 8])
def test_a_database_of_an_earlier_schema_opens_with_its_mail(tmp_path: Path, version: int) -> None:
    async def write() -> World:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            await world.append(b"one", b"two")
            return world

    async def read(world: World) -> None:
        async with SqliteStore(tmp_path) as store:
            again = World(store, world.account)
            assert await again.body(2) == b"two"
            assert await again.put_text(0, b"text")
            assert await store.check(world.account) == ()

    world = asyncio.run(write())
    db = apsw.Connection(str(tmp_path / "shard-0000.db"))
    for number in sorted(UNDONE, reverse=True):
        if number > version:
            db.execute(UNDONE[number]).fetchall()
            db.execute("DELETE FROM schema_version WHERE number = ?", (number,)).fetchall()
    db.close()
    asyncio.run(read(world))
