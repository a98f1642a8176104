"""How the processes of one server talk: writes go to the owner of a shard, hints to everybody.

- Each worker listens on a unix socket of mode 0600 in the data directory; every other process keeps one connection to
  it.  A frame is four octets of length (network order) and that many octets of msgpack.
- A connection that is lost takes with it what waits for an answer: the outcome is unknown.  It is made again as soon as
  somebody listens; the first thing said on it is that hints may have got lost.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, cast

import msgspec

from mailkeep import telemetry
from mailkeep.model.change import Hint
from mailkeep.model.errors import MailError, Unavailable
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.sockets import short_path

LARGEST: Final = 256 << 20  # octets of a frame; a message of 16 kB and up does not travel
RETRY_S: Final = 0.02  # until the next try to reach a worker that is away
PATIENCE_S: Final = 5.0  # for it to come back, before a write is refused
HELD: Final = 1 << 20  # octets that wait for a peer which does not read; beyond, it gets no hints but a doubt
_LENGTH: Final = struct.Struct("!I")

log = telemetry.logger()

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Write(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Carry out an operation on a shard; `number` is that of the answer, 0: none is wanted, and it is not urgent."""

    number: int
    shard: int
    name: str
    version: int
    account: int
    arguments: bytes


class Flush(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Answer when all that came before has been taken."""

    number: int


class News(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """A hint."""

    account: int
    mailboxes: tuple[int, ...]
    modseq: int
    tree: bool
    metadata: bool = False
    queue: int = 0


class Doubt(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Hints may have got lost."""


class Done(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """What a write returned."""

    number: int
    result: bytes


class Failed(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Why it was not carried out; `kind` names a class of model.errors."""

    number: int
    kind: str
    text: str


Message = Write | Flush | News | Doubt | Done | Failed

_decoder: Final = msgspec.msgpack.Decoder(Message)
_encode: Final = msgspec.msgpack.Encoder().encode


class Owner(Protocol):
    """What a worker does for its peers."""

    async def write(self, request: Write) -> bytes:
        """The encoded result, when it is on disk.  Raises: MailError."""
        ...

    def write_later(self, request: Write) -> None:
        """With the next commit.  Raises: MailError."""
        ...

    def hint(self, hint: Hint) -> None:
        """A peer has committed something."""
        ...

    def doubt(self) -> None:
        """Hints of a peer may have got lost."""
        ...


class _Frames(asyncio.Protocol):
    """Octets ↔ messages on one connection."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is not derived from asyncio's

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        self.transport = None

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, start)
            end = start + _LENGTH.size + length
            if length > LARGEST:
                self.abort()
                return
            if end > len(buffer):
                break
            try:
                message: Message = _decoder.decode(memoryview(buffer)[start + _LENGTH.size : end])
            except msgspec.DecodeError as error:
                log.error("peers.not_understood", text=str(error))
                self.abort()
                return
            self.received(message)
            start = end
        del buffer[:start]

    def received(self, message: Message) -> None:
        raise NotImplementedError

    def send(self, message: Message) -> None:
        if self.transport is not None:
            octets = _encode(message)
            self.transport.write(_LENGTH.pack(len(octets)) + octets)

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class _Served(_Frames):
    """A connection that a peer made to this worker."""

    def __init__(self, owner: Owner, spawn: Spawn, connections: set[_Served]) -> None:
        super().__init__()
        self._owner = owner
        self._spawn = spawn
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._connections.discard(self)

    def received(self, message: Message) -> None:
        match message:
            case Write(number=0):
                self._write_later(message)
            case Write():
                self._spawn(self._write(message))
            case Flush(number):
                self.send(Done(number, b""))
            case News():
                self._owner.hint(
                    Hint(
                        AccountId(message.account),
                        frozenset(map(MailboxId, message.mailboxes)),
                        ModSeq(message.modseq),
                        tree=message.tree,
                        metadata=message.metadata,
                        queue=message.queue,
                    )
                )
            case Doubt():
                self._owner.doubt()
            case Done() | Failed():
                self.abort()  # nobody has asked

    async def _write(self, request: Write) -> None:
        answer: Done | Failed
        try:
            answer = Done(request.number, await self._owner.write(request))
        except MailError as error:
            answer = Failed(request.number, type(error).__name__, error.text)
        except Exception as error:  # the one catch-all of a forwarded write
            log.error("peers.bug", operation=request.name, exc_info=error)
            answer = Failed(request.number, Unavailable.__name__, "Server bug")
        self.send(answer)

    def _write_later(self, request: Write) -> None:
        try:
            self._owner.write_later(request)
        except MailError as error:
            log.warning("peers.later_refused", operation=request.name, text=error.text)


class PeerDoor:
    """Where a worker takes what its peers send."""

    def __init__(self, owner: Owner, spawn: Spawn) -> None:
        self._owner = owner
        self._spawn = spawn
        self._connections: set[_Served] = set()
        self._server: asyncio.Server | None = None

    async def start(self, bound: socket.socket) -> None:
        """Accept on `bound`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(
            partial(_Served, self._owner, self._spawn, self._connections), sock=bound
        )

    def close(self) -> None:
        """Take nothing more."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.abort()


class _Asking(_Frames):
    """The connection of this process to one worker."""

    def __init__(self, unheard: Callable[[AccountId], None]) -> None:
        """`unheard` is called with the account of a write that was, or may have been, done for nobody who is there."""
        super().__init__()
        self.lost = asyncio.Event()
        self._unheard = unheard
        self._waiting: dict[int, tuple[asyncio.Future[bytes], AccountId | None]] = {}  # whose account a write is about
        self._numbers = itertools.count(1)
        self._choked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None
        self.transport.set_write_buffer_limits(HELD)
        self.send(Doubt())

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.lost.set()
        waiting, self._waiting = self._waiting, {}
        for future, account in waiting.values():
            if not future.done():
                future.set_exception(Unavailable("The outcome is unknown: look before you try again"))
            if account is not None:
                self._unheard(account)

    def pause_writing(self) -> None:
        self._choked = True

    def resume_writing(self) -> None:
        self._choked = False
        self.send(Doubt())

    def ask(self, make: Callable[[int], Write | Flush]) -> asyncio.Future[bytes]:
        number = next(self._numbers)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if self.transport is None:
            future.set_exception(Unavailable("Part of the server is being restarted"))
            return future
        message = make(number)
        self._waiting[number] = future, AccountId(message.account) if isinstance(message, Write) else None
        self.send(message)
        return future

    def tell(self, news: News) -> None:
        if not self._choked:  # else it hears of it by the doubt that follows
            self.send(news)

    def received(self, message: Message) -> None:
        match message:
            case Done(number, result):
                future, account = self._waiting.pop(number, (None, None))
                if future is not None and not future.done():
                    future.set_result(result)
                elif account is not None:
                    self._unheard(account)
            case Failed(number, kind, text):
                future, _ = self._waiting.pop(number, (None, None))
                if future is not None and not future.done():
                    future.set_exception(_error(kind, text))
            case _:
                self.abort()


class Peers:
    """The connections of this process to the workers of its server, but itself.

    `paths`: the socket of each worker.  Shard s belongs to worker s modulo `count`.
    Attributes: `on_unheard`, see `SqliteStore`.
    """

    def __init__(self, paths: Mapping[int, Path], count: int, version: int) -> None:
        """`version` is that of the operations."""
        self._paths = paths
        self._count = count
        self._version = version
        self._links: dict[int, _Asking] = {}
        self._connected = {number: asyncio.Event() for number in paths}
        self._hoping: dict[int, list[asyncio.Future[None]]] = {number: [] for number in paths}
        self._tasks: list[asyncio.Task[None]] = []
        self.on_unheard: Callable[[AccountId], None] = lambda _: None

    def start(self, spawn: Spawn) -> None:
        """Connect, and connect again whenever a connection is lost."""
        self._tasks = [spawn(self._keep(number, path)) for number, path in self._paths.items()]

    async def connected(self) -> None:
        """Until every worker is reached."""
        for event in self._connected.values():
            await event.wait()

    async def _keep(self, number: int, path: Path) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                with short_path(path) as short:
                    _, link = await loop.create_unix_connection(self._ask, short)
            except OSError:
                pass
            else:
                self._links[number] = link
                self._connected[number].set()
                hoping, self._hoping[number] = self._hoping[number], []
                for back in hoping:
                    if not back.done():
                        back.set_result(None)
                await link.lost.wait()
                self._connected[number].clear()
            await asyncio.sleep(RETRY_S)

    def _ask(self) -> _Asking:
        return _Asking(self.on_unheard)

    async def carry(self, shard: int, name: str, account: int, arguments: bytes) -> bytes:
        """Have the owner carry out an operation.  Raises: what it raises, and Unavailable."""
        number = shard % self._count
        if not self._connected[number].is_set():
            await self._back(number)
        return await self._links[number].ask(
            lambda answer: Write(answer, shard, name, self._version, account, arguments)
        )

    def _back(self, number: int) -> asyncio.Future[None]:
        """When a worker that is away is reached again.  Raises: Unavailable (it takes too long)."""
        # no `asyncio.timeout`: whoever writes need not be in a task yet
        loop = asyncio.get_running_loop()
        back: asyncio.Future[None] = loop.create_future()
        loop.call_later(PATIENCE_S, _give_up, back)
        self._hoping[number].append(back)
        return back

    def carry_lazily(self, shard: int, name: str, account: int, arguments: bytes) -> None:
        """Have the owner do it with its next commit; forgotten where the owner is away."""
        link = self._links.get(shard % self._count)
        if link is not None:
            link.send(Write(0, shard, name, self._version, account, arguments))

    def relay(self, hint: Hint) -> None:
        """Tell every worker."""
        news = News(hint.account, tuple(hint.mailboxes), hint.modseq, hint.tree, hint.metadata, hint.queue)
        for link in self._links.values():
            link.tell(news)

    async def flush(self) -> None:
        """Until every worker that is there has taken all that was sent to it."""
        asked = [link.ask(Flush) for link in self._links.values() if link.transport is not None]
        await asyncio.gather(*asked, return_exceptions=True)

    def close(self) -> None:
        """Let go."""
        for task in self._tasks:
            task.cancel()
        for link in self._links.values():
            link.abort()


def _give_up(back: asyncio.Future[None]) -> None:
    if not back.done():
        back.set_exception(Unavailable("Part of the server is away"))


def _error(kind: str, text: str) -> MailError:
    def known(base: type[MailError]) -> Mapping[str, type[MailError]]:
        return {base.__name__: base} | {k: v for sub in base.__subclasses__() for k, v in known(sub).items()}

    return known(MailError).get(kind, Unavailable)(text)
