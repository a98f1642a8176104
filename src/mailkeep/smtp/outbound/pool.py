"""Connections that are kept for the next message, and places: how many connections one destination gets at once."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from mailkeep.model.envelope import Outcome
from mailkeep.smtp.outbound.client import Client, Target
from mailkeep.smtp.outbound.fault import Fault

IDLE_S: Final = 10.0  # servers do not like to wait, and may have few places
MAX_IDLE: Final = 50  # connections kept in all
SILENT_S: Final = 60.0
MAX_SILENT: Final = 10_000  # addresses
MAX_SENT: Final = 100  # messages on one connection: then another host of the same name has its turn


class Places:
    """Each destination has `limit` places; whoever has none waits, for `within_s` seconds at most.

    Destinations that nobody uses are forgotten.
    """

    def __init__(self, limit: int, within_s: float) -> None:
        self._limit = limit
        self._within_s = within_s
        self._places: dict[str, tuple[asyncio.Semaphore, int]] = {}  # and how many use or want it

    @asynccontextmanager
    async def hold(self, destination: str) -> AsyncIterator[None]:
        """Hold one place meanwhile.  Raises: Fault (there was none in time)."""
        semaphore, users = self._places.get(destination, (asyncio.Semaphore(self._limit), 0))
        self._places[destination] = semaphore, users + 1
        try:
            await self._wait(semaphore, destination)
            try:
                yield
            finally:
                semaphore.release()
        finally:
            _, users = self._places.pop(destination)
            if users > 1:
                self._places[destination] = semaphore, users - 1

    async def _wait(self, semaphore: asyncio.Semaphore, destination: str) -> None:
        try:
            async with asyncio.timeout(self._within_s):
                await semaphore.acquire()
        except TimeoutError:
            text = f"Other messages take up all connections to {destination}"
            raise Fault(Outcome(enhanced="4.4.5", text=text)) from None


class Silent:
    """Addresses at which nothing has answered, not even to refuse: none is waited for again for a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Fault]] = OrderedDict()

    def find(self, address: str) -> Fault | None:
        """What came of the last try, if that was not long ago."""
        until, fault = self._known.get(address, (0.0, None))
        return fault if self._clock() < until else None

    def note(self, address: str, fault: Fault) -> None:
        """Nothing has answered."""
        self._known.pop(address, None)
        self._known[address] = self._clock() + SILENT_S, Fault(fault.outcome, is_silent=True)  # without its traceback
        if len(self._known) > MAX_SILENT:
            self._known.popitem(last=False)


class Pool:
    """Connections that nobody uses, by what they lead to.  They leave by themselves after `IDLE_S`."""

    def __init__(self) -> None:
        self._idle: OrderedDict[Client, asyncio.TimerHandle] = OrderedDict()

    def take(self, target: Target) -> Client | None:
        """A connection that leads there, by a way as good."""
        for client in reversed(self._idle):
            if client.target == target:
                self._idle.pop(client).cancel()
                if client.is_fresh:
                    return client
                client.leave()
                return self.take(target)
        return None

    def put(self, client: Client) -> None:
        """Keep it for the next, if it is of use."""
        if not client.is_fresh or client.sent >= MAX_SENT:
            client.leave()
            return
        self._idle[client] = asyncio.get_running_loop().call_later(IDLE_S, self._expire, client)
        if len(self._idle) > MAX_IDLE:
            oldest, timer = self._idle.popitem(last=False)
            timer.cancel()
            oldest.leave()

    def close(self) -> None:
        """Let all of them go."""
        while self._idle:
            client, timer = self._idle.popitem()
            timer.cancel()
            client.leave()

    def _expire(self, client: Client) -> None:
        if self._idle.pop(client, None) is not None:
            client.leave()

    def __len__(self) -> int:
        return len(self._idle)
