"""An account goes to another shard: all of it or nothing, whenever it is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_forwarding import together

from mailkeep.model.envelope import Envelope, Recipient
from mailkeep.model.errors import Conflict, Invalid, NotFound, Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.store import ops
from mailkeep.store.contract import KEEP_S, AccountState, How, NewMessage
from mailkeep.store.ops.count_rows import count_rows
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import NOW, SEEN, World

SOME = UidSet(range(1, 21))
BODIES = (b"in the row", b"in a pack " * 3000, b"in a file of its own " * 70_000, b"")


class Crash(BaseException):
    """Nothing more is done."""


async def fill(store: Any) -> World:
    """An account with something in most tables, in shard 1, beside another one."""
    other = await World.make(store, "ben@example.org")
    await other.append(b"not mine", BODIES[1])
    world = await World.make(store)
    await world.append(*BODIES, mask=SEEN, keywords=["$one"])
    await world.append(*[b"%d" % n for n in range(200)])
    await world.make_box("a/b")
    await world.expunge(3, 7)
    await store.write(ops.copy, world.account, (await world.box()).id, SOME, (await world.box("a/b")).id, NOW)
    await store.write(ops.save_snapshot, world.account, (await world.box()).id)
    await world.put_text(0, b"text")
    for body in BODIES[:2]:
        blob = await store.put_blob(world.account, b"queued " + body)
        envelope = Envelope(reverse_path="", recipients=())
        whom = ((0, Recipient("joe@example.com")), (1, Recipient("eve@example.net")))
        await store.write(ops.queue_add, world.account, blob, envelope, ("example.com", "example.net"), whom, NOW)
    store.directory.set_state(world.account, AccountState.ACTIVE)
    return world


def ignore(done: int, total: int) -> None:
    pass


async def everything(world: World) -> object:
    bodies = [await world.body(uid) for uid in await world.uids()]
    return await world.everything(), bodies, await world.store.check(world.account)


def shard_of(store: Any, world: World) -> int:
    return int(store.directory.get(world.account).shard)


async def rows_in(store: Any, shard: int, account: AccountId) -> int:
    return sum(count for _, count in await store._numbered(shard).scan(count_rows(account)))


def alone(directory: Path) -> AbstractAsyncContextManager[SqliteStore]:
    return SqliteStore(directory, shards=2)


class TestMoving:
    """In one process, and in one that owns no shard."""

    @pytest.fixture(params=["alone", "forwarded"])
    def with_store(self, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., None]:
        def run(test: Callable[[Any, World], Awaitable[None]]) -> None:
            async def main() -> None:
                if request.param == "alone":
                    async with alone(tmp_path) as store:
                        await test(store, await fill(store))
                else:
                    async with together(tmp_path) as (asking, _):
                        await test(asking, await fill(asking))

            asyncio.run(main())

        return run

    def test_all_of_it_is_there_afterwards_and_goes_on(self, with_store: Callable[..., None]) -> None:
        async def test(store: Any, world: World) -> None:
            before, told = await everything(world), []
            source = shard_of(store, world)
            await store.move_account(world.account, 1 - source, lambda done, total: told.append((done, total)))
            assert shard_of(store, world) == 1 - source
            assert await everything(world) == before
            assert told[-1][0] == told[-1][1] + 1  # the account's own row comes after all that were counted
            await world.append(b"more")
            await world.store_flags([1], SEEN, How.REMOVE)
            assert await store.check(world.account) == ()
            await store.write(ops.undelete, world.account, None, None, None, NOW)
            assert await rows_in(store, source, world.account) > 0  # somebody may still be reading
            await store.clear_moved(grace_s=0)
            assert await rows_in(store, source, world.account) == 0
            assert await store.check(world.account) == ()

        with_store(test)

    def test_its_queue_is_tried_where_it_is_and_not_on_the_way(self, with_store: Callable[..., None]) -> None:
        async def test(store: Any, world: World) -> None:
            async def due() -> list[tuple[int, int]]:
                found = await store.survey(ops.queue_due, AccountId(0), (0, 0, 0, 0), NOW, 100)
                return [(one.item, one.leg) for each in found for one in each]

            async def items() -> list[object]:
                return [await store.read(ops.queue_get, world.account, item, None) for item in (1, 2)]

            before, seen = (await due(), await items()), []

            def meanwhile(done: int, total: int) -> None:
                for shard in range(store.directory.shards) if done <= total else ():
                    seen.extend(store._numbered(shard).read(ops.queue_due(AccountId(0), (0, 0, 0, 0), NOW, 100)))

            await store.move_account(world.account, 1 - shard_of(store, world), meanwhile)
            assert seen == []
            assert (await due(), await items()) == before
            assert [store.open_blob(world.account, item.blob).read() for item in await items()] == [
                b"queued " + body for body in BODIES[:2]
            ]
            await store.clear_moved(grace_s=0)
            assert (await due(), await items()) == before

        with_store(test)

    def test_meanwhile_it_is_read_and_writes_are_put_off(self, with_store: Callable[..., None]) -> None:
        async def test(store: Any, world: World) -> None:
            uids, tried = await world.uids(), []

            def meanwhile(done: int, total: int) -> None:
                if not tried:
                    tried.append(asyncio.ensure_future(world.append(b"too early")))
                    tried.append(asyncio.ensure_future(world.uids()))

            await store.move_account(world.account, 1 - shard_of(store, world), meanwhile)
            with pytest.raises(Unavailable):
                await tried[0]
            assert await tried[1] == await world.uids() == uids

        with_store(test)

    def test_when_it_fails_the_account_stays_and_is_written_to_again(self, with_store: Callable[..., None]) -> None:
        async def test(store: Any, world: World) -> None:
            before, source = await everything(world), shard_of(store, world)

            def fail(done: int, total: int) -> None:
                if done > total // 2:
                    raise Unavailable("The disk has gone")

            with pytest.raises(Unavailable):
                await store.move_account(world.account, 1 - source, fail)
            entry = store.directory.get(world.account)
            assert (entry.shard, entry.state, entry.other_shard) == (source, AccountState.ACTIVE, 1 - source)
            assert await everything(world) == before
            await world.append(b"more")
            await store.move_account(world.account, 1 - source, ignore)  # over what was left there
            await store.move_account(world.account, source, ignore)
            await store.clear_moved(grace_s=0)
            assert await rows_in(store, 1 - source, world.account) == 0
            assert await store.check(world.account) == ()
            await world.append(b"and more")

        with_store(test)

    def test_what_cannot_be_is_refused(self, with_store: Callable[..., None]) -> None:
        async def test(store: Any, world: World) -> None:
            for shard in (-1, 2):
                with pytest.raises(Invalid):
                    await store.move_account(world.account, shard, ignore)
            with pytest.raises(NotFound):
                await store.move_account(AccountId(99), 0, ignore)
            await store.move_account(world.account, shard_of(store, world), ignore)  # it is there
            first = asyncio.ensure_future(store.move_account(world.account, 1 - shard_of(store, world), ignore))
            await asyncio.sleep(0)
            with pytest.raises(Conflict):
                await store.move_account(world.account, 0, ignore)
            await first

        with_store(test)

    def test_an_account_is_removed_from_both_places(self, with_store: Callable[..., None]) -> None:
        async def test(store: Any, world: World) -> None:
            await store.move_account(world.account, 1 - shard_of(store, world), ignore)
            await store.remove_account(world.account)
            assert [await rows_in(store, shard, world.account) for shard in (0, 1)] == [0, 0]
            assert len(store.directory.list()) == 1

        with_store(test)


@pytest.mark.parametrize("at", [0.0, 0.2, 0.5, 0.8, 1.0], ids=lambda at: f"{at:.0%}")
def test_a_crash_leaves_it_where_it_was_and_the_next_start_lets_it_be_written_to(tmp_path: Path, at: float) -> None:
    def crash(done: int, total: int) -> None:
        if done >= at * total:
            raise Crash

    async def before() -> tuple[World, object]:
        async with alone(tmp_path) as store:
            world = await fill(store)
            seen = await everything(world)
            with suppress(Crash):
                await store.move_account(world.account, 1 - shard_of(store, world), crash)
            assert store.directory.get(world.account).state is AccountState.MOVING
            return world, seen

    async def after(world: World, seen: object) -> None:
        async with alone(tmp_path) as store:
            again = World(store, world.account)
            with pytest.raises(Unavailable):
                await again.append(b"not yet")
            assert await store.undo_moves() == [world.account]
            assert await everything(again) == seen
            await again.append(b"more")
            source = shard_of(store, again)
            await store.clear_moved()
            assert await rows_in(store, 1 - source, world.account) == 0
            assert store.directory.get(world.account).other_shard is None

    world, seen = asyncio.run(before())
    asyncio.run(after(world, seen))


def test_after_a_crash_behind_the_switch_the_old_rows_go(tmp_path: Path) -> None:
    async def before() -> tuple[World, object]:
        async with alone(tmp_path) as store:
            world = await fill(store)
            await store.move_account(world.account, 1 - shard_of(store, world), ignore)
            return world, await everything(world)

    async def after(world: World, seen: object) -> None:
        async with alone(tmp_path) as store:
            again = World(store, world.account)
            assert await everything(again) == seen
            await store.clear_moved()
            assert await rows_in(store, 1 - shard_of(store, again), world.account) == 0
            await store.sweep(NOW + 2 * KEEP_S)
            assert await store.check(world.account) == ()

    world, seen = asyncio.run(before())
    asyncio.run(after(world, seen))


def test_shards_are_added_and_accounts_of_more_than_there_are_asked_for_stay(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            await world.append(b"one")
            store.directory.set_state(world.account, AccountState.ACTIVE)
        async with SqliteStore(tmp_path, shards=3) as store:
            await store.move_account(world.account, 2, ignore)
        async with SqliteStore(tmp_path) as store:
            assert store.directory.shards == 3
            assert await World(store, world.account).body(1) == b"one"

    asyncio.run(main())


def test_a_process_that_counted_changes_in_the_old_place_counts_them_in_the_new_one(tmp_path: Path) -> None:
    async def main() -> None:
        async with together(tmp_path) as (asking, _):
            world = await World.make(asking)
            asking.directory.set_state(world.account, AccountState.ACTIVE)
            count = asking.owner.counter(world.account)
            assert count is not None
            await asking.move_account(world.account, 1 - shard_of(asking, world), ignore)
            seen = count()
            assert count() == seen
            await world.append(b"one")
            assert count() != seen
            assert await World(asking.owner, world.account).uids() == [1]

    asyncio.run(main())


def test_octets_that_were_put_into_the_old_place_are_not_looked_for_in_the_new_one(tmp_path: Path) -> None:
    async def main() -> None:
        async with alone(tmp_path) as store:
            world = await fill(store)
            new = [await store.put_blob(world.account, octets * 20_000) for octets in (b"x", b"y")]
            await store.move_account(world.account, 1 - shard_of(store, world), ignore)
            inbox = (await world.box()).id
            for blob in new:
                message = NewMessage(blob=blob, internaldate=NOW)
                with pytest.raises(Unavailable):
                    await store.write(ops.append, world.account, inbox, (message,), NOW)
            await world.append(b"x" * 20_000)
            assert await world.body((await world.uids())[-1]) == b"x" * 20_000
            assert await store.check(world.account) == ()

    asyncio.run(main())
