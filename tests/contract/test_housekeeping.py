"""What a store does in the background: in pieces, counted, and never half."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import EMPTY
from mailkeep.store.contract import AccountState, Op, Sql
from mailkeep.store.ops.sweep import LOG_ROWS, LOG_STEP, STEP
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.store.sqlite.sweep import BLOBS
from mailkeep.testing.store_contract import NOW, World


def with_world(directory: Path, test: Callable[[SqliteStore, World], Awaitable[None]]) -> None:
    async def main() -> None:
        async with SqliteStore(directory) as store:
            world = await World.make(store)
            store.directory.set_state(world.account, AccountState.ACTIVE)
            await test(store, world)
            assert await store.check(world.account) == ()

    asyncio.run(main())


def figure(store: SqliteStore, name: str, task: str) -> float:
    return next(value for found, labels, value in store.figures() if (found, labels) == (name, (task,)))


def much_has_happened(account: AccountId, rows: int) -> Op[None]:
    """So many rows of the log, each of a modseq of its own."""
    [(modseq,)] = yield Sql("SELECT modseq FROM account WHERE account = ?", (account,))
    yield Sql(
        "INSERT INTO log WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " SELECT ?, 0, ? + i, 7, ? FROM n",
        (rows, account, modseq, EMPTY.to_bytes()),
    )
    yield Sql("UPDATE account SET modseq = modseq + ? WHERE account = ?", (rows, account))


def log_of(account: AccountId) -> Op[tuple[int, int, int]]:
    [row] = yield Sql(
        "SELECT count(*), min(l.modseq), a.log_floor FROM log l JOIN account a ON a.account = l.account"
        " WHERE l.account = ?",
        (account,),
    )
    return row[0], row[1], row[2]


def test_a_long_log_is_pruned_in_pieces_down_to_its_length(tmp_path: Path) -> None:
    async def test(store: SqliteStore, world: World) -> None:
        await store.write(much_has_happened, world.account, LOG_ROWS + 4 * LOG_STEP)
        await store.sweep(NOW)
        count, first, floor = await store.read(log_of, world.account)
        assert count == LOG_ROWS
        assert first == floor + 1
        assert figure(store, "housekeeping_pieces", "tombstones") >= 5
        assert figure(store, "housekeeping_rows", "tombstones") >= 4 * LOG_STEP

    with_world(tmp_path, test)


def test_tombstones_go_in_pieces_and_the_room_of_their_messages_is_counted(tmp_path: Path) -> None:
    async def test(store: SqliteStore, world: World) -> None:
        count = 2 * STEP + 10
        await world.append(*[b"%06d" % n for n in range(count)])
        await world.expunge(*range(1, count + 1))
        await store.sweep(NOW + 10, keep_s=1)
        await store.sweep(NOW + 4000, keep_s=1)  # a while later the octets
        assert figure(store, "housekeeping_rows", "tombstones") >= 2 * count
        assert figure(store, "housekeeping_reclaimed_bytes", "tombstones") == 6 * count
        assert figure(store, "housekeeping_pieces", "tombstones") >= 6
        assert figure(store, "housekeeping_last_run_timestamp_seconds", "tombstones") > 0

    with_world(tmp_path, test)


def test_others_write_while_tombstones_go(tmp_path: Path) -> None:
    async def test(store: SqliteStore, world: World) -> None:
        await world.append(*[b"%06d" % n for n in range(3 * STEP)])
        await world.expunge(*range(1, 3 * STEP + 1))
        async with asyncio.TaskGroup() as group:
            sweeping = group.create_task(store.sweep(NOW + 10, keep_s=1))
            written = 0
            while not sweeping.done():
                await world.append(b"meanwhile")
                written += 1
        assert written > figure(store, "housekeeping_pieces", "tombstones")

    with_world(tmp_path, test)


def test_a_pack_that_is_rewritten_is_whole_wherever_that_stops(tmp_path: Path) -> None:
    async def test(store: SqliteStore, world: World) -> None:
        count, kept = 9 * BLOBS, range(1, 4 * BLOBS, 1)
        size = 16 * 1024
        for start in range(0, count, BLOBS):
            await world.append(*[b"%08d" % n * (size // 8) for n in range(start, start + BLOBS)])
        store._shards[0].packs.close()
        await world.expunge(*[uid for uid in range(1, count + 1) if uid not in kept])
        later = int(time.time())
        await store.sweep(later, keep_s=0)

        async def sweep() -> None:
            await store.sweep(later + 4000, keep_s=0)

        async with asyncio.TaskGroup() as group:
            sweeping = group.create_task(sweep())
            while figure(store, "housekeeping_rows", "packs") < BLOBS:
                await asyncio.sleep(0)
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
        assert 0 < figure(store, "housekeeping_rows", "packs") < len(kept)
        assert await store.check(world.account) == ()
        await sweep()
        await store.sweep(later + 8000, keep_s=0)
        assert figure(store, "housekeeping_rows", "packs") == len(kept)
        assert figure(store, "housekeeping_reclaimed_bytes", "packs") >= count * size
        assert sorted(store._shards[0].packs.list()) == [2]
        assert [await world.body(uid) for uid in kept] == [b"%08d" % (uid - 1) * (size // 8) for uid in kept]

    with_world(tmp_path, test)


def test_an_account_that_is_removed_while_others_are_swept_disturbs_nobody(tmp_path: Path) -> None:
    async def test(store: SqliteStore, world: World) -> None:
        gone = await World.make(store, "zoe@example.org")
        store.directory.set_state(gone.account, AccountState.ACTIVE)
        await world.append(*[b"%06d" % n for n in range(STEP + 1)])
        await world.expunge(*range(1, STEP + 2))
        async with asyncio.TaskGroup() as group:
            group.create_task(store.sweep(NOW + 10, keep_s=1))
            await asyncio.sleep(0)
            await store.remove_account(gone.account)

    with_world(tmp_path, test)
