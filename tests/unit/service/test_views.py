"""Views that sessions share, while the store has faults."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mailkeep.model.change import Hint
from mailkeep.model.errors import Unavailable
from mailkeep.model.uidset import UidSet
from mailkeep.service.bus import Bus
from mailkeep.service.messages import Flags, How, Messages
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


@pytest.mark.parametrize("answered", [False, True], ids=["while it was written", "when its answer had just come"])
def test_what_was_written_for_somebody_who_has_gone_is_seen_by_others(tmp_path: Path, answered: bool) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            views = Views(store, Bus())
            store.on_unheard = views.doubt
            view = await views.open(world.account, await world.box())
            write = world.append(b"octets")
            future = write.send(None)  # as a connection steps a handler
            if answered:
                await asyncio.wait((future,))
            else:
                assert future.cancel()
            with pytest.raises(asyncio.CancelledError):
                write.throw(asyncio.CancelledError())
            await store._owned[0].writes.drain()
            await views.refresh(view)
            assert list(view.uids) == [1]

    asyncio.run(main())


def test_a_large_view_of_an_account_that_has_been_removed_can_be_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailkeep.service.views.BIG", 0)

    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            views = Views(store, Bus())
            view = await views.open(world.account, await world.box())
            await store.remove_account(world.account)
            views.close(view)
            assert not view.users

    asyncio.run(main())


def test_a_change_whose_names_cannot_be_read_is_seen_once_they_can(tmp_path: Path) -> None:
    class Forgetful(SqliteStore):
        failing: object = None

        async def read(self, op: Any, *args: Any) -> Any:
            if op is self.failing:
                raise Unavailable("The mail store is not available now")
            return await super().read(op, *args)

    async def main() -> None:
        async with Forgetful(tmp_path) as store:
            world = await World.make(store)
            messages = Messages(store, Bus(), ())
            await world.append(b"octets")
            box = await world.box()
            view = await messages.views.open(world.account, box)
            store.failing = ops.keywords
            with pytest.raises(Unavailable):
                await messages.store_flags(world.account, box.id, UidSet([1]), How.ADD, Flags(keywords=("new",)))
            store.failing = None
            await messages.views.refresh(view)
            assert view.masks[0]

    asyncio.run(main())
