"""A directory with Ann's account, and a clock that is turned by hand: for tests of who may log in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from mailkeep.model.errors import AuthenticationFailed
from mailkeep.service.accounts import Accounts
from mailkeep.service.app_passwords import AppPasswords
from mailkeep.service.authentication import Authentication, Login, Service
from mailkeep.service.bus import Bus
from mailkeep.service.guard import Guard
from mailkeep.service.ledger import Ledger
from mailkeep.service.lessons import write_down
from mailkeep.service.own_passwords import OwnPasswords
from mailkeep.service.passwords import Passwords
from mailkeep.service.ways import Way
from mailkeep.store.contract import Directory, Store
from mailkeep.store.sqlite.store import SqliteStore

ANN = "ann@example.org"
PEER = "192.0.2.7"
STRANGER = "203.0.113.9"


class CountingHasher(PasswordHasher):
    """Argon2 with as little work as it allows, that counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.checks = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        self.checks += 1
        return bool(super().verify(hash, password))


@dataclass
class World:
    store: Store
    directory: Directory
    hasher: CountingHasher = field(default_factory=CountingHasher)
    now: float = 1_000_000.0
    slept: list[float] = field(default_factory=list)
    bus: Bus = field(default_factory=Bus)

    def __post_init__(self) -> None:
        self.build()

    def build(self, *, scram: bool = False, ways: tuple[Way, ...] = ()) -> None:
        """The services, anew."""
        clock, learn = (lambda: self.now), partial(write_down, self.directory)
        passwords = Passwords(self.hasher, scram=scram)
        self.accounts = Accounts(self.directory, self.store, passwords, now=clock)
        self.guard = Guard(Ledger.alone(), clock=clock, sleep=self.sleep)
        self.app_passwords = AppPasswords(self.directory, learn, now=clock)
        self.authentication = Authentication(
            self.directory,
            self.bus,
            self.guard,
            passwords,
            learn,
            ways=ways,
            app_passwords=self.app_passwords,
            own=OwnPasswords(self.directory, passwords, learn, clock=clock),
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def log_in(
        self, address: str = ANN, password: str = "secret", peer: str = PEER, service: Service = Service.IMAP
    ) -> Login:
        return await self.authentication.password(address, password, service=service, peer=peer)

    async def fails(
        self, password: str = "wrong", address: str = ANN, peer: str = PEER, service: Service = Service.IMAP
    ) -> None:
        with pytest.raises(AuthenticationFailed):
            await self.log_in(address, password, peer, service)


@asynccontextmanager
async def open_world(directory: Path) -> AsyncIterator[World]:
    async with SqliteStore(directory) as store:
        yield World(store, store.directory)


def with_ann(test: Callable[[World], Awaitable[None]]) -> Callable[[Path], None]:
    """Run a test in a world in which Ann has an account with the password "secret"."""

    @wraps(test)
    def run(tmp_path: Path) -> None:
        async def scenario() -> None:
            async with open_world(tmp_path) as a_world:
                await a_world.accounts.create(ANN, "secret")
                await test(a_world)

        asyncio.run(scenario())

    del run.__wrapped__  # pytest looks through it, and would ask for a fixture "world"
    return run
