"""What is made of messages after their commit."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailkeep.imap.derive import DERIVERS
from mailkeep.service.bus import Bus
from mailkeep.service.deriving import MOST
from mailkeep.service.messages import Incoming, Messages
from mailkeep.service.spool import Octets
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import World


def incoming(octets: bytes) -> Incoming:
    return Incoming(octets=Octets(len(octets), hashlib.sha256(octets).digest(), octets, None))


def derived(store: SqliteStore, world: World) -> list[Any]:
    return store._shards[0]._reader.execute("SELECT * FROM derived WHERE account = ?", (world.account,)).fetchall()


def test_an_account_that_is_removed_before_takes_nothing_from_others(tmp_path: Path) -> None:
    async def main() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with SqliteStore(tmp_path) as store:
            ann, bob = await World.make(store), await World.make(store, "bob@example.org")
            messages = Messages(store, Bus(), DERIVERS)
            for world in (ann, bob):
                await messages.append(world.account, (await world.box()).id, [incoming(b"Subject: x\r\n\r\nbody")])
            messages.deriving.stop()
            await store.remove_account(ann.account)
            messages.deriving._work()
            await store._owned[0].writes.drain()
            assert derived(store, bob)
            assert not derived(store, ann)
        assert not complaints

    asyncio.run(main())


def test_many_messages_of_one_command_do_not_wait_in_memory(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            messages = Messages(store, Bus(), DERIVERS)
            held: list[int] = []
            expect: Callable[..., None] = messages.deriving.expect

            def watched(*args: Any) -> None:
                expect(*args)
                held.append(messages.deriving._octets)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(messages.deriving, "expect", watched)
                many = [incoming(b"Subject: %d\r\n\r\n%b" % (i, b"x" * 60_000)) for i in range(90)]
                await messages.append(world.account, (await world.box()).id, many)
            messages.deriving.stop()
            assert 0 < max(held) <= MOST

    asyncio.run(main())
