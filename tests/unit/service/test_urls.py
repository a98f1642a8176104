"""Authorized URLs, as the services of this server follow them (RFC 4467)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mailkeep.imap.derive import DERIVERS, PARTS
from mailkeep.model.errors import Invalid, NotFound, TooLarge
from mailkeep.model.ids import AccountId
from mailkeep.service.accounts import Accounts
from mailkeep.service.bus import Bus
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.messages import Messages
from mailkeep.service.places import Places
from mailkeep.service.urls import Reader, Submits, Urls
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import World

NOW = 1_700_000_000.0  # 2023-11-14T22:13:20Z
ANN = "imap://ann%40example.org@mail.example.org/INBOX/;UID=1"
MAIL = b"Subject: x\r\n\r\nSi vis pacem, para bellum.\r\n"


class Office:
    """The URLs of a store in which ann has a message and bob has none."""

    def __init__(self, world: World, bob: World, urls: Urls) -> None:
        self.ann, self.bob, self.urls = world.account, bob.account, urls
        self.world = world

    async def authorized(self, tail: str) -> str:
        return await self.urls.authorize(self.ann, ANN + tail, "INTERNAL")

    async def reads(self, url: str, user: AccountId, submits: Submits = Submits.NEVER) -> bool:
        try:
            await self.urls.fetch(url, Reader(user, submits), 1000)
        except NotFound:
            return False
        return True


def run(tmp_path: Path, work: Callable[[Office], Awaitable[None]]) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            bus = Bus()
            accounts = Accounts(store.directory, store)
            await accounts.create("ann@example.org", None)
            await accounts.create("bob@example.org", None)
            ann, bob = (accounts.get(f"{name}@example.org").id for name in ("ann", "bob"))
            world = World(store, ann)
            await world.append(MAIL)
            places = Places(accounts, Mailboxes(store, bus), store, bus)
            messages = Messages(store, bus, DERIVERS)
            urls = Urls(accounts, places, messages, store, parts_kind=PARTS, clock=lambda: NOW)
            await work(Office(world, World(store, bob), urls))

    asyncio.run(main())


def test_the_octets_are_given_up_to_a_limit(tmp_path: Path) -> None:
    async def work(office: Office) -> None:
        url = await office.authorized("/;SECTION=TEXT;URLAUTH=authuser")
        reader = Reader(office.bob)
        assert await office.urls.fetch(url, reader, 28) == b"Si vis pacem, para bellum.\r\n"
        with pytest.raises(TooLarge):
            await office.urls.fetch(url, reader, 27)

    run(tmp_path, work)


def test_what_is_for_submission_is_for_the_user_it_names_or_for_a_server_that_has_looked(tmp_path: Path) -> None:
    async def work(office: Office) -> None:
        url = await office.authorized(";URLAUTH=submit+ann%40example.org")
        assert [await office.reads(url, office.ann, submits) for submits in Submits] == [False, True, True]
        assert [await office.reads(url, office.bob, submits) for submits in Submits] == [False, False, True]

    run(tmp_path, work)


@pytest.mark.parametrize(("expire", "valid"), [("22:13:19Z", False), ("22:13:20Z", True), ("23:13:20+01:00", True)])
def test_a_url_is_valid_up_to_its_last_second(tmp_path: Path, expire: str, *, valid: bool) -> None:
    async def work(office: Office) -> None:
        url = await office.authorized(f";EXPIRE=2023-11-14T{expire};URLAUTH=anonymous")
        assert await office.reads(url, office.bob) is valid

    run(tmp_path, work)


def test_only_the_user_whom_a_url_names_authorizes_it(tmp_path: Path) -> None:
    async def work(office: Office) -> None:
        with pytest.raises(Invalid):
            await office.urls.authorize(office.bob, ANN + ";URLAUTH=anonymous", "INTERNAL")

    run(tmp_path, work)


def test_keys_are_on_disk(tmp_path: Path) -> None:
    url = ""

    async def authorize(office: Office) -> None:
        nonlocal url
        url = await office.authorized(";URLAUTH=anonymous")

    async def again() -> None:
        async with SqliteStore(tmp_path) as store:
            accounts, bus = Accounts(store.directory, store), Bus()
            places = Places(accounts, Mailboxes(store, bus), store, bus)
            urls = Urls(accounts, places, Messages(store, bus, DERIVERS), store, parts_kind=PARTS)
            reader = Reader(accounts.get("bob@example.org").id)
            assert await urls.fetch(url, reader, 1000) == MAIL
            await urls.revoke(accounts.get("ann@example.org").id)
            with pytest.raises(NotFound):
                await urls.fetch(url, reader, 1000)

    run(tmp_path, authorize)
    asyncio.run(again())
