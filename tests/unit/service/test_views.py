"""Views that sessions share, while the store has faults."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mailkeep.model.change import Hint
from mailkeep.model.errors import Unavailable
from mailkeep.service.bus import Bus
from mailkeep.service.views import Views
from mailkeep.store import ops
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import World


class Faulty:
    """A store of which some reads fail."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.failing: object = None

    async def read(self, op: Any, *args: Any) -> Any:
        if op is self.failing:
            raise Unavailable("The mail store is not available now")
        return await self._store.read(op, *args)

    def later(self, *args: Any) -> None:
        self._store.later(*args)

    def counter(self, *args: Any) -> Any:
        return self._store.counter(*args)


def test_what_was_missed_while_the_store_had_a_fault_is_seen_afterwards(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            bus, faulty = Bus(), Faulty(store)
            views = Views(faulty, bus)  # type: ignore[arg-type]
            mailbox = await world.box()
            view = await views.open(world.account, mailbox)
            appended = await world.append(b"octets")
            bus.publish(Hint(world.account, frozenset({mailbox.id}), appended.modseq))
            faulty.failing = ops.delta
            with pytest.raises(Unavailable):
                await views.refresh(view)
            with pytest.raises(Unavailable):
                await views.open(world.account, mailbox)
            assert view.users == 1
            faulty.failing = None
            await views.refresh(view)
            assert list(view.uids) == list(appended.uids)

    asyncio.run(main())


def test_a_view_that_could_not_be_opened_is_not_kept(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            faulty = Faulty(store)
            views = Views(faulty, Bus())  # type: ignore[arg-type]
            mailbox = await world.box()
            faulty.failing = ops.keywords
            with pytest.raises(Unavailable):
                await views.open(world.account, mailbox)
            assert not views._views
            faulty.failing = None
            assert (await views.open(world.account, mailbox)).users == 1

    asyncio.run(main())
