"""Greylisting: who is new comes again, and is known then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId
from mailkeep.model.quota import UNLIMITED
from mailkeep.service.greylist import KNOWN_S, WINDOW_S, Greylist
from mailkeep.store import ops
from mailkeep.store.contract import AccountState
from mailkeep.store.sqlite.store import SqliteStore

NOW = 1_700_000_000
DELAY = 60
ANN = "ann@example.org"
JOE = "joe@example.com"


class Door:
    """A greylist with a clock that is set by hand."""

    def __init__(self, store: SqliteStore, account: AccountId) -> None:
        self.store, self.account, self.now = store, account, NOW
        self.greylist = Greylist(store, DELAY, clock=lambda: self.now)

    async def come(self, peer: str = "192.0.2.7", sender: str = JOE, to: str = ANN) -> int:
        return await self.greylist.admit(self.account, peer, sender, to)

    async def rows(self) -> list[tuple[int, int]]:
        rows = await self.store.read(ops.read_rows, self.account, "greylist", (), 100)
        return [(int(row[3]), int(row[4])) for row in rows]


@pytest.fixture
def at_door(tmp_path: Path) -> Callable[[Callable[[Door], Awaitable[None]]], None]:
    def run(test: Callable[[Door], Awaitable[None]]) -> None:
        async def scenario() -> None:
            async with SqliteStore(tmp_path) as store:
                account = store.directory.add(ANN, None, NOW).account
                await store.write(ops.create_account, account, UNLIMITED, NOW)
                store.directory.set_state(account, AccountState.ACTIVE)
                await test(Door(store, account))

        asyncio.run(scenario())

    return run


AtDoor = Callable[[Callable[[Door], Awaitable[None]]], None]


@pytest.mark.rfc("6647", "5")
def test_who_is_new_has_to_come_again_and_not_too_soon(at_door: AtDoor) -> None:
    async def test(door: Door) -> None:
        assert await door.come() == DELAY
        door.now += 20
        assert await door.come() == DELAY - 20
        door.now += 40
        assert await door.come() == 0

    at_door(test)


@pytest.mark.rfc("6647", "5")
def test_a_network_that_has_come_again_is_known_whatever_it_brings(at_door: AtDoor) -> None:
    async def test(door: Door) -> None:
        await door.come()
        door.now += DELAY
        assert await door.come("192.0.2.200") == 0  # another machine of the same farm
        assert await door.come("192.0.2.9", sender="eve@example.net", to="ann+x@example.org") == 0
        assert await door.come("192.0.3.9") == DELAY

    at_door(test)


def test_another_message_is_no_second_try(at_door: AtDoor) -> None:
    async def test(door: Door) -> None:
        await door.come()
        door.now += DELAY
        assert await door.come(sender="eve@example.net") == DELAY
        assert await door.come(to="ann+x@example.org") == DELAY
        assert await door.come("2001:db8::1") == DELAY

    at_door(test)


@pytest.mark.rfc("6647", "5")
def test_a_second_try_after_a_day_is_a_first_one(at_door: AtDoor) -> None:
    async def test(door: Door) -> None:
        await door.come()
        door.now += WINDOW_S + 1
        assert await door.come() == DELAY

    at_door(test)


@pytest.mark.rfc("6647", "5")
def test_who_has_not_been_here_for_long_is_new_and_who_comes_sometimes_is_not(at_door: AtDoor) -> None:
    async def test(door: Door) -> None:
        await door.come()
        door.now += DELAY
        await door.come()
        for _ in range(3):
            door.now += KNOWN_S - 10
            assert await door.come() == 0
        door.now += KNOWN_S + 1
        assert await door.come() == DELAY

    at_door(test)


def test_of_ipv6_a_whole_64_is_one_network(at_door: AtDoor) -> None:
    async def test(door: Door) -> None:
        await door.come("2001:db8::1")
        door.now += DELAY
        assert await door.come("2001:db8::ffff:1") == 0
        assert await door.come("2001:db8:0:1::1") == DELAY

    at_door(test)


def test_strangers_are_forgotten_by_the_sweep(at_door: AtDoor) -> None:
    async def test(door: Door) -> None:
        await door.come()
        door.now += DELAY
        await door.come()
        await door.come("198.51.100.1")
        assert sorted(await door.rows()) == [(0, NOW), (0, NOW + DELAY), (1, NOW + DELAY)]
        await door.store.sweep(NOW + WINDOW_S)
        assert len(await door.rows()) == 3
        await door.store.sweep(NOW + DELAY + WINDOW_S + 1)
        assert await door.rows() == [(1, NOW + DELAY)]
        await door.store.sweep(NOW + DELAY + KNOWN_S + 1)
        assert await door.rows() == []

    at_door(test)


def test_with_the_account_goes_what_was_known_of_strangers(at_door: AtDoor) -> None:
    async def test(door: Door) -> None:
        await door.come()
        while not await door.store.write(ops.remove_account, door.account):
            pass
        assert await door.rows() == []
        with pytest.raises(NotFound):
            await door.come()

    at_door(test)
