"""The contract of a store, where another process owns the shards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mailkeep.model.errors import NotFound, Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.service.bus import Bus
from mailkeep.sockets import unix_socket
from mailkeep.store import codec, ops
from mailkeep.store.contract import Op
from mailkeep.store.sqlite.store import Part, SqliteStore
from mailkeep.store.sqlite.ticks import Ticks
from mailkeep.testing.queue_contract import QueueContract
from mailkeep.testing.store_contract import NOW, SEEN, StoreContract, World
from mailkeep.workers.owner import ShardOwner
from mailkeep.workers.peers import PeerDoor, Peers

SHARDS = 2


class Asking(SqliteStore):
    """Owns nothing.  Operations that a test has made itself cannot travel, and are handed over."""

    owner: SqliteStore

    async def write(self, op: Callable[..., Op[Any]], account: AccountId, /, *args: Any) -> Any:
        if op.__name__ not in ops.OPS:
            return await self.owner.carry_out(self.directory.shard_of(account), op, account, args)
        return await super().write(op, account, *args)

    async def sweep(self, now: int, **more: Any) -> None:
        await super().sweep(now, **more)
        await self.owner.sweep(now, **more)


class Together:
    """Two stores on one directory: the first owns the shards, the second asks, over a real socket."""

    def __init__(self, directory: Path, group: asyncio.TaskGroup, stack: AsyncExitStack) -> None:
        self.directory = directory
        self.group = group
        self.stack = stack
        self.ticks = Ticks.make(SHARDS)
        self.path = directory / "worker-0.sock"
        self.peers = Peers({0: self.path}, 1, codec.VERSION)
        self.bus = Bus()

    async def open(self) -> Asking:
        self.stack.callback(self.ticks.close)
        asking = Asking(self.directory, shards=SHARDS, part=self.part(owned=False))
        owner = SqliteStore(self.directory, shards=SHARDS, part=self.part(owned=True))
        asking.owner = await self.stack.enter_async_context(owner)
        await self.stack.enter_async_context(asking)
        self.door = PeerDoor(ShardOwner(owner, self.bus), self.group.create_task)
        await self.door.start(self.stack.enter_context(unix_socket(self.path)))
        self.stack.callback(self.door.close)
        self.peers.start(self.group.create_task)
        self.stack.callback(self.peers.close)
        self.stack.push_async_callback(self.peers.flush)
        await self.peers.connected()
        return asking

    def part(self, *, owned: bool) -> Part:
        return Part(
            owned=frozenset(range(SHARDS) if owned else ()),
            directory=not owned,
            spool="owner" if owned else "asking",
            carrier=self.peers,
            ticks=self.ticks,
        )


@asynccontextmanager
async def together(directory: Path) -> AsyncIterator[tuple[Asking, Together]]:
    with unwrapped():
        async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
            both = Together(directory, group, stack)
            yield await both.open(), both


@contextmanager
def unwrapped() -> Any:
    """A failure inside comes out as it is, not in a group."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


class TestForwarding(QueueContract, StoreContract):
    @asynccontextmanager
    async def open_store(self, directory: Path) -> AsyncIterator[Asking]:
        async with together(directory) as (store, _):
            yield store


def run(test: Callable[[Asking, Together, World], Any], directory: Path) -> None:
    async def main() -> None:
        async with together(directory) as (store, both):
            await test(store, both, await World.make(store))

    asyncio.run(main())


def test_a_large_message_is_put_into_a_pack_here_and_only_its_place_travels(tmp_path: Path) -> None:
    async def test(store: Asking, both: Together, world: World) -> None:
        shard = store.directory.shard_of(world.account)
        await world.append(b"y" * 100_000)
        assert store._shards[shard].packs.is_being_filled(1)
        assert store.owner._shards[shard].packs.is_being_filled(1)  # the owner's sweep leaves it alone
        assert store.owner._shards[shard].packs._descriptor < 0
        assert await world.body(1) == b"y" * 100_000

    run(test, tmp_path)


def test_the_owner_that_goes_away_leaves_nobody_waiting(tmp_path: Path) -> None:
    async def test(store: Asking, both: Together, world: World) -> None:
        inbox = (await world.box()).id
        asked = asyncio.ensure_future(store.write(ops.expunge, world.account, inbox, None, NOW))
        await asyncio.sleep(0)
        both.door.close()
        with pytest.raises(Unavailable, match="outcome is unknown"):
            await asked

    run(test, tmp_path)


def test_errors_arrive_as_what_they_are(tmp_path: Path) -> None:
    async def test(store: Asking, both: Together, world: World) -> None:
        with pytest.raises(NotFound, match="mailbox"):
            await store.write(ops.rename_mailbox, world.account, 99, "x", NOW)
        with pytest.raises(Unavailable, match="does not own"):
            await both.peers.carry(7, "expunge", world.account, codec.encode((1, None, 1)))

    run(test, tmp_path)


def test_a_counter_tells_of_a_commit_before_its_answer_does(tmp_path: Path) -> None:
    async def test(store: Asking, both: Together, world: World) -> None:
        counter = store.counter(world.account)
        assert counter is not None
        await world.append(b"one")
        before = counter()
        asked = asyncio.ensure_future(world.store_flags([1], SEEN))
        while counter() == before:
            await asyncio.sleep(0)
        assert (await world.store.read(ops.snapshot, world.account, (await world.box()).id)).masks[0] == SEEN
        await asked

    run(test, tmp_path)


def test_what_is_forwarded_for_somebody_who_has_gone_is_told_of(tmp_path: Path) -> None:
    async def test(store: Asking, both: Together, world: World) -> None:
        told = asyncio.Event()
        unheard: list[AccountId] = []

        def hear(account: AccountId) -> None:
            unheard.append(account)
            told.set()

        write = asyncio.ensure_future(world.append(b"octets"))
        while not both.peers._links[0]._waiting:
            await asyncio.sleep(0)
        both.peers._links[0]._unheard = hear
        write.cancel()
        await told.wait()
        assert unheard == [world.account]
        assert (await world.box()).total == 1

    run(test, tmp_path)


def test_a_second_owner_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkeep.store.sqlite.owned.PATIENCE_S", 0.0)

    async def main() -> None:
        async with SqliteStore(tmp_path):
            with pytest.raises(Unavailable, match="held by another process"):
                SqliteStore(tmp_path)

    asyncio.run(main())
