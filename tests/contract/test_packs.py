"""Packs: what is written, rewritten, adopted and left behind."""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mailkeep.store import ops
from mailkeep.store.blobs.packs import OPEN_FILES, Packs
from mailkeep.store.contract import AccountState, NewMessage
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import NOW, World


def test_blobs_of_one_batch_lie_one_after_the_other(tmp_path: Path) -> None:
    packs = Packs(tmp_path / "packs")
    places = packs.append([b"one", b"three", b"four"])
    assert places == [(1, 0), (1, 3), (1, 8)]
    assert packs.append([b"five"]) == [(1, 12)]
    assert packs.open(1).read(3, 5) == b"three"
    packs.close()


def test_a_process_never_appends_to_the_pack_of_another(tmp_path: Path) -> None:
    first, second = Packs(tmp_path), Packs(tmp_path)
    assert first.append([b"a"]) == [(1, 0)]
    assert second.append([b"b"]) == [(2, 0)]
    assert first.append([b"c"]) == [(1, 1)]
    first.close()
    second.close()


def test_an_adopted_file_is_a_pack_of_its_own(tmp_path: Path) -> None:
    packs = Packs(tmp_path / "packs")
    spool = tmp_path / "spool"
    spool.write_bytes(b"large")
    pack = packs.adopt(spool)
    assert not spool.exists()
    assert packs.open(pack).read(0, 5) == b"large"


def test_a_reader_keeps_a_pack_that_is_unlinked(tmp_path: Path) -> None:
    packs = Packs(tmp_path)
    packs.append([b"octets"])
    file = packs.open(1)
    packs.unlink(1)
    assert file.read(0, 6) == b"octets"
    with pytest.raises(FileNotFoundError):
        packs.open(1)
    packs.close()


def test_a_number_that_another_process_has_given_anew_leads_to_the_new_pack(tmp_path: Path) -> None:
    reader, other = Packs(tmp_path), Packs(tmp_path)
    other.append([b"old"])
    assert reader.open(1).read(0, 3) == b"old"
    other.unlink(1)
    with pytest.raises(FileNotFoundError):
        reader.open(1)
    other.close()
    anew = Packs(tmp_path)
    assert anew.append([b"new"]) == [(1, 0)]
    assert reader.open(1).read(0, 3) == b"new"
    anew.close()


def test_packs_may_be_opened_in_threads(tmp_path: Path) -> None:
    packs = Packs(tmp_path)
    count = 3 * OPEN_FILES
    for number in range(1, count + 1):
        packs.path(number).write_bytes(b"%d" % number)

    def read(start: int) -> bool:
        numbers = [(start + step * 7) % count + 1 for step in range(3000)]
        return all(packs.open(number).read(0, len(str(number))) == b"%d" % number for number in numbers)

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(read, range(4)))


def test_a_pack_that_is_mostly_dead_is_rewritten_and_removed_later(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            store.directory.set_state(world.account, AccountState.ACTIVE)
            await world.append(*(b"%d" % i * 20_000 for i in range(5)))
            store._shards[0].packs.close()  # the next append begins another pack
            await world.expunge(1, 2, 4, 5)
            now = int(time.time())
            await store.sweep(now, keep_s=0)
            await store.sweep(now + 4000, keep_s=0)  # the dead blobs' rows go, the pack is mostly dead
            assert await world.body(3) == b"2" * 20_000
            assert sorted(store._shards[0].packs.list()) == [1, 2]
            await store.sweep(now + 8000, keep_s=0)
            assert sorted(store._shards[0].packs.list()) == [2]
            assert await world.body(3) == b"2" * 20_000
            assert await store.check(world.account) == ()

    asyncio.run(main())


def test_a_damaged_pack_does_not_keep_others_from_being_removed(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            store.directory.set_state(world.account, AccountState.ACTIVE)
            packs = store._shards[0].packs
            for some in ("abcd", "efgh"):
                await world.append(*(letter.encode() * 20_000 for letter in some))
                packs.close()
            await world.expunge(1, 2, 3, 5, 6, 7, 8)
            os.truncate(packs.path(1), 70_000)
            now = int(time.time())
            for after in (0, 4000, 8000):
                await store.sweep(now + after, keep_s=0)
            assert list(packs.list()) == [1]  # what is left of it stays for whoever can mend it

    asyncio.run(main())


def test_octets_whose_row_never_came_are_removed_with_their_pack(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            await store.put_blob(world.account, b"x" * 20_000)
            store._shards[0].packs.close()
            await store.sweep(int(time.time()))
            assert list(store._shards[0].packs.list()) == [1]  # its row may still be on its way
            await store.sweep(int(time.time()) + 4000)
            assert list(store._shards[0].packs.list()) == []

    asyncio.run(main())


def test_check_finds_damaged_and_missing_octets(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            await world.append(b"x" * 20_000)
            path = store._shards[0].packs.path(1)
            path.write_bytes(b"y" * 20_000)
            assert await store.check(world.account) == ("blob 1 is not what was stored",)
            path.write_bytes(b"y")
            assert await store.check(world.account) == ("blob 1 cannot be read from pack 1",)
            path.unlink()
            assert await store.check(world.account) == ("blob 1 cannot be read from pack 1",)

    asyncio.run(main())


def test_left_over_spool_files_are_removed_when_opening(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            (store.spool_dir / "left").write_bytes(b"x")
        async with SqliteStore(tmp_path) as store:
            assert list(store.spool_dir.iterdir()) == []

    asyncio.run(main())


def test_a_message_in_a_pack_counts_like_any_other(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            blob = await store.put_blob(world.account, b"x" * 50_000)
            assert (blob.data, blob.pack, blob.offset, blob.size) == (None, 1, 0, 50_000)
            new = (NewMessage(blob=blob, internaldate=NOW),) * 2
            await store.write(ops.append, world.account, (await world.box()).id, new, NOW)
            assert (await world.box()).size == 100_000

    asyncio.run(main())
