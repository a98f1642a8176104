"""Messages on their way into another account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from mailkeep.model.errors import Forbidden, LimitReached, OverQuota
from mailkeep.model.ids import AccountId
from mailkeep.model.quota import Quota
from mailkeep.model.rights import ALL
from mailkeep.model.uidset import UidSet
from mailkeep.service import transfer
from mailkeep.service.bus import Bus
from mailkeep.service.messages import Messages
from mailkeep.service.places import Place
from mailkeep.service.transfer import Transfer
from mailkeep.store import ops
from mailkeep.store.contract import How, NewBlob
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import NOW, World

Scene = Callable[[Transfer, World, World], Coroutine[None, None, None]]


def play(path: Path, scene: Scene) -> None:
    async def main() -> None:
        async with SqliteStore(path, shards=2) as store:
            one, other = await World.make(store), await World.make(store, "other@example.org")
            messages = Messages(store, Bus(), ())
            await scene(Transfer(store, messages, clock=lambda: NOW), one, other)
            for world in (one, other):
                assert await store.check(world.account) == ()

    asyncio.run(main())


async def place(world: World, user: World) -> Place:
    mailbox = await world.box()
    return Place(user=user.account, account=world.account, mailbox=mailbox, name="x", rights=ALL)


def test_a_move_that_is_cut_in_two_leaves_the_message_twice(tmp_path: Path) -> None:
    async def scene(transfer: Transfer, one: World, other: World) -> None:
        await one.append(b"octets")
        mine, theirs = await place(one, other), await place(other, other)
        await one.store.write(ops.set_acl, one.account, None, mine.mailbox.id, str(other.account), How.ADD, "lr")
        with pytest.raises(Forbidden):  # when he began, he had the rights to remove it too
            await transfer.move(mine, UidSet([1]), theirs)
        assert await one.uids() == [1]
        assert await other.uids() == [1]

    play(tmp_path, scene)


def test_what_does_not_fit_there_stays_here(tmp_path: Path) -> None:
    async def scene(transfer: Transfer, one: World, other: World) -> None:
        await one.append(b"12345678", b"12345678")
        await other.store.write(ops.set_quota, other.account, Quota(octets=10))
        with pytest.raises(OverQuota):
            await transfer.move(await place(one, one), UidSet([1, 2]), await place(other, other))
        assert await one.uids() == [1, 2]
        assert await other.uids() == []

    play(tmp_path, scene)


def test_what_does_not_fit_there_is_not_written_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(transfer: Transfer, one: World, other: World) -> None:
        await one.append(*[b"x" * 20_000] * 5)
        await other.store.write(ops.set_quota, other.account, Quota(octets=50_000))
        written: list[int] = []
        put_blob = one.store.put_blob

        async def put(account: AccountId, octets: bytes, sha256: bytes) -> NewBlob:
            written.append(len(octets))
            return await put_blob(account, octets, sha256)

        monkeypatch.setattr(one.store, "put_blob", put)
        with pytest.raises(OverQuota):
            await transfer.copy(await place(one, one), UidSet(range(1, 6)), await place(other, other))
        assert written == [20_000, 20_000]

    play(tmp_path, scene)


def test_only_so_much_is_held_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "MOST_HELD", 10)

    async def scene(transfer: Transfer, one: World, other: World) -> None:
        await one.append(b"12345678", b"12345678")
        with pytest.raises(LimitReached):
            await transfer.copy(await place(one, one), UidSet([1, 2]), await place(other, other))
        assert await other.uids() == []

    play(tmp_path, scene)


def test_messages_that_have_gone_are_left_out(tmp_path: Path) -> None:
    async def scene(transfer: Transfer, one: World, other: World) -> None:
        await one.append(b"one", b"two", b"three", mask=8)
        await one.expunge(2)
        copied = await transfer.copy(await place(one, one), UidSet([1, 2, 3, 9]), await place(other, other))
        assert (copied.source, copied.target) == ((1, 3), (1, 2))
        assert [await other.body(uid) for uid in (1, 2)] == [b"one", b"three"]

    play(tmp_path, scene)


def test_a_copy_is_undeleted_by_the_emailid_that_it_came_with(tmp_path: Path) -> None:
    async def scene(transfer: Transfer, one: World, other: World) -> None:
        await one.append(b"one", b"two", mask=8)
        await other.append(b"own", b"too", mask=8)
        await transfer.copy(await place(one, one), UidSet([2]), await place(other, other))
        await other.expunge(1, 2, 3)
        messages = Messages(other.store, Bus(), (), clock=lambda: NOW)
        [back] = await messages.undelete(other.account, emailid=f"M{one.account}-2")
        assert back.source == (3,)
        assert await other.body(4) == b"two"

    play(tmp_path, scene)
