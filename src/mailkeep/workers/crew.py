"""The parent of workers: starts them, tells them what to do, and starts one again that has died."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from mailkeep import telemetry
from mailkeep.certificates import CertificateFiles
from mailkeep.config import Config, show
from mailkeep.figures import Figures, add_up, only_counters
from mailkeep.model.errors import Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.offices import Shared
from mailkeep.service.lessons import Learn, Rehashed, Used
from mailkeep.store.sqlite.ticks import Ticks
from mailkeep.workers.channel import (
    Accept,
    Accepting,
    Begin,
    Channel,
    Drain,
    Drained,
    Measure,
    Measured,
    NoteUse,
    Opened,
    Rehash,
    Reload,
    Stop,
    Unable,
    open_channel,
)
from mailkeep.workers.peers import Peers

START_S: Final = 60.0  # for all workers to let clients in
DRAIN_S: Final = 6.5  # a worker gives its sessions 5 s
END_S: Final = 1.5  # for a worker to close its files
MEASURE_S: Final = 2.0  # for a worker to tell what it counts
SOON_S: Final = 5.0  # a worker that lived no longer is started again only after a while
MAX_PAUSE_S: Final = 5.0

log = telemetry.logger()

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Crew:
    """All workers of a server."""

    def __init__(
        self,
        config: Config,
        files: CertificateFiles,
        bound: Mapping[str, list[list[socket.socket]]],
        *,
        shards: int,
        ticks: Ticks,
        shared: Shared,
        peers: Peers,
        learn: Learn,
    ) -> None:
        """`bound`: for each listener the sockets of each worker, which stay the caller's.

        `learn` writes down what workers have learnt at logins.
        """
        self._config = config
        self._files = files
        self._bound = bound
        self._shards = shards
        self._ticks = ticks
        self._shared = shared
        self._peers = peers
        self._learn = learn
        self._restarts = 0
        self._past: Figures = ()  # what workers that died had counted, when they were last asked
        self._gate = asyncio.Event()  # all shards are open
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._workers = [_Place() for _ in range(config.workers)]

    async def start(self, spawn: Spawn) -> None:
        """Returns when every worker lets clients in.  Raises: Unavailable."""
        self._tasks = [spawn(self._keep(number)) for number in range(len(self._workers))]
        try:
            async with asyncio.timeout(START_S):
                await _all(place.opened for place in self._workers)
                self._peers.start(spawn)
                await self._peers.connected()
                self._gate.set()
                await _all(place.accepting for place in self._workers)
        except TimeoutError:
            raise Unavailable("The workers do not start") from None

    async def _keep(self, number: int) -> None:
        """Have a worker of this number, always."""
        pause_s = 0.0
        while True:
            began = time.monotonic()
            status = await self._one_life(number)
            if self._stopping:
                return
            lived_s = time.monotonic() - began
            self._restarts += 1
            log.error("worker.died", worker=number, status=status, lived_s=round(lived_s, 1))
            pause_s = min(MAX_PAUSE_S, pause_s * 2 + 0.1) if lived_s < SOON_S else 0.0
            await asyncio.sleep(pause_s)

    async def _one_life(self, number: int) -> int:
        """Start a worker and attend to it until it has ended; its exit status."""
        ours, theirs = socket.socketpair()
        place = self._workers[number]
        sockets = {name: tuple(one.fileno() for one in each[number]) for name, each in self._bound.items()}
        memory = (self._ticks.descriptor, self._shared.ledger.descriptor, self._shared.recents.descriptor)
        inherited = (theirs.fileno(), *memory, *(fd for fds in sockets.values() for fd in fds))
        with theirs:
            process = subprocess.Popen(  # noqa: S603, ASYNC220  this very program; it takes a few milliseconds
                # -P: what lies in the current directory is not imported
                (sys.executable, "-P", "-m", "mailkeep.workers.worker", str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                pass_fds=inherited,
                process_group=0,  # Ctrl-C is for the parent alone
            )
        try:
            channel = await open_channel(ours)
            place.channel = channel
            place.drained.clear()
            channel.send(
                Begin(
                    config=show(self._config),
                    number=number,
                    count=len(self._workers),
                    shards=self._shards,
                    ticks=self._ticks.descriptor,
                    ledger=self._shared.ledger.descriptor,
                    recents=self._shared.recents.descriptor,
                    sockets=sockets,
                    certificate=str(self._files.certificate),
                    key=str(self._files.key),
                )
            )
            await self._attend(place, channel)
        finally:
            self._past = add_up((*self._past, *only_counters(place.figures)))
            place.ended()
            await _end(process)
            self._shared.ledger.forget_counts(number)
        await channel.close()
        return process.returncode

    async def _attend(self, place: _Place, channel: Channel) -> None:
        while (message := await channel.receive()) is not None:
            match message:
                case Opened():
                    _set(place.opened)
                    await self._gate.wait()
                    channel.send(Accept())
                case Accepting():
                    place.serving = True
                    _set(place.accepting)
                case Drained():
                    place.drained.set()
                case Measured(figures):
                    place.measured(figures)
                case Rehash(account, old, new, scram):
                    self._learn(Rehashed(AccountId(account), old, new, scram))
                case NoteUse(at):
                    self._learn(Used(at))
                case Unable(text):
                    place.fail(text)
                case _:
                    raise AssertionError(message)

    async def measure(self) -> Figures:
        """What all workers count, and have counted.  One that does not answer counts as it last did."""
        async with asyncio.TaskGroup() as group:
            for place in self._workers:
                group.create_task(place.measure())
        figures = (figure for place in self._workers for figure in place.figures)
        return add_up((*self._past, *figures, ("worker_restarts", (), self._restarts)))

    def reload(self, config: Config, files: CertificateFiles) -> None:
        """Have all workers take over options and certificate."""
        self._config, self._files = config, files
        for place in self._workers:
            place.tell(Reload(show(config), str(files.certificate), str(files.key)))

    async def drain(self) -> None:
        """Let nobody in any more; returns when all sessions have ended, but the workers still write."""
        self._stopping = True
        for each in self._bound.values():
            for sockets in each:
                for one in sockets:
                    one.close()
        for place in self._workers:
            if place.channel is None:
                place.drained.set()
            place.tell(Drain())
        self._gate.set()  # whoever still waits for it has been told to drain before
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                for place in self._workers:
                    await place.drained.wait()

    async def stop(self) -> None:
        """After `drain`: end the workers."""
        self._stopping = True
        for place in self._workers:
            place.tell(Stop())
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await asyncio.wait(self._tasks)
        for task in self._tasks:
            task.cancel()
        self._peers.close()


class _Place:
    """What the parent knows of one worker; the worker in it may change."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.channel: Channel | None = None
        self.serving = False  # the worker lets clients in, and can be asked
        self.opened: asyncio.Future[None] = loop.create_future()  # for the first time
        self.accepting: asyncio.Future[None] = loop.create_future()
        self.drained = asyncio.Event()
        self.figures: Figures = ()  # as the worker last told
        self._asked: asyncio.Future[None] | None = None

    async def measure(self) -> None:
        """Have the worker tell its figures; whoever asks meanwhile gets the same answer."""
        if self.channel is None or not self.serving:
            return
        if self._asked is None or self._asked.done():
            self._asked = asyncio.get_running_loop().create_future()
            self.channel.send(Measure())
        with suppress(TimeoutError):
            async with asyncio.timeout(MEASURE_S):
                await asyncio.shield(self._asked)

    def measured(self, figures: Figures) -> None:
        self.figures = figures
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(None)

    def tell(self, message: Reload | Drain | Stop) -> None:
        if self.channel is not None:
            self.channel.send(message)

    def ended(self) -> None:
        self.channel = None
        self.serving = False
        self.drained.set()
        self.measured(())
        self.fail("A worker ended before it had begun")

    def fail(self, text: str) -> None:
        for future in (self.opened, self.accepting):
            if not future.done():
                future.set_exception(Unavailable(text))
                future.exception()  # retrieved: only the first start waits for it


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _all(futures: Iterable[asyncio.Future[None]]) -> None:
    """All of them; the first failure at once.  Raises: Unavailable."""
    await asyncio.gather(*futures)


async def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that has closed its channel, or is to be ended."""
    with suppress(subprocess.TimeoutExpired):
        await asyncio.to_thread(process.wait, END_S)
    if process.poll() is None:
        process.kill()
        await asyncio.to_thread(process.wait)
