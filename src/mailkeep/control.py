"""The door for the command line: administrative verbs over a unix socket, in frames of bounded length.

- A frame is four octets of length (network order) and that many octets of msgpack.
- A request is a `Request`; the answer an `Answer` or a `Refusal`; then the connection closes.
- Who may open the socket may do everything: it has mode 0600.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from mailkeep import telemetry
from mailkeep.model.errors import Invalid, MailError, Unavailable
from mailkeep.sockets import short_path

VERSION: Final = 1  # of the frames and of all verbs: both ends are of one installation
OVERHEAD: Final = 64 << 10  # octets of a frame around a message
REQUEST_S: Final = 60.0  # to send a request, once connected
_LENGTH: Final = struct.Struct("!I")

log = telemetry.logger()


class NotRunning(Exception):
    """No server listens on the control socket; nothing was sent."""


class OutcomeUnknown(Exception):
    """The request was sent, but the answer never came: it may have been carried out, or not."""


class Request(msgspec.Struct, frozen=True):
    """Carry out the verb `name` with `arguments`, a msgpack map of plain values."""

    version: int
    name: str
    arguments: msgspec.Raw


class Answer(msgspec.Struct, frozen=True, tag=True):
    """It is done; `value` is plain."""

    value: msgspec.Raw


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """It was not done.  `kind` names a class of model.errors."""

    kind: str
    text: str


Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]

Handle = Callable[[str, bytes], Awaitable[bytes]]
"""Carries out a verb: its name and msgpack arguments → its msgpack answer.  May raise MailError."""


def call(path: Path, name: str, arguments: bytes, *, timeout_s: float = 600.0) -> bytes:
    """Have the running server carry out the verb `name`; arguments and answer are msgpack.

    Raises: NotRunning, OutcomeUnknown, Unavailable (nobody may ask), or the MailError that the verb raised.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            with short_path(path) as short:
                connection.connect(short)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
            raise NotRunning(f"no server answers on {path}") from error
        except PermissionError as error:
            raise Unavailable(f"{path} belongs to another user: be the one who runs the server") from error
        except OSError as error:
            raise Unavailable(f"The server cannot be reached on {path}: {error.strerror or error}") from error
        frame = msgspec.msgpack.encode(Request(VERSION, name, msgspec.Raw(arguments)))
        try:
            connection.sendall(_LENGTH.pack(len(frame)) + frame)
            answer = _receive(connection)
        except (OSError, EOFError) as error:
            raise OutcomeUnknown(f"the server went away before it answered: {error}") from error
    decoded: Answer | Refusal = msgspec.msgpack.decode(answer, type=Answer | Refusal)
    match decoded:
        case Answer():
            return bytes(decoded.value)
        case Refusal():
            raise _error(decoded.kind, decoded.text)


def _receive(connection: socket.socket) -> bytes:
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    return _exactly(connection, length)


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        chunk = connection.recv(min(size - len(received), 1 << 20))
        if not chunk:
            raise EOFError("connection closed")
        received += chunk
    return bytes(received)


def _error(kind: str, text: str) -> MailError:
    """The error that a `Refusal` names; Unavailable for one that this side does not know."""
    known = {error.__name__: error for error in MailError.__subclasses__()}
    return known.get(kind, Unavailable)(text)


class Door:
    """Answers requests of at most `largest` octets on a unix socket; `spawn` starts a task of the server."""

    def __init__(self, handle: Handle, *, spawn: Spawn, largest: int) -> None:
        self._handle = handle
        self._spawn = spawn
        self._largest = largest
        self._server: asyncio.Server | None = None
        self._asking: set[asyncio.StreamWriter] = set()  # connections that have not sent their request
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Accept on the one socket given."""
        (bound,) = sockets
        self._server = await asyncio.start_unix_server(self._connected, sock=bound)

    def drain(self) -> None:
        """Accept no more; requests that have come are still carried out and answered."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._asking):
            writer.transport.abort()

    async def closed(self) -> None:
        """Until the last request is answered."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def abort(self) -> None:
        """Give up what is still going on; whoever asked will say that the outcome is unknown."""
        for task in tuple(self._tasks):
            task.cancel()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._spawn(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            frame = await self._request(reader, writer)
            answer = msgspec.msgpack.encode(await _carry_out(frame, self._handle))
            async with asyncio.timeout(REQUEST_S):
                writer.write(_LENGTH.pack(len(answer)) + answer)
                await writer.drain()
        except (OSError, EOFError, TimeoutError):
            pass  # whoever asked has gone: it will say that the outcome is unknown
        except Exception as error:  # the one catch-all of a control connection
            log.error("control.bug", exc_info=error)
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        self._asking.add(writer)
        try:
            async with asyncio.timeout(REQUEST_S):
                (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                if length > self._largest:
                    return b""  # no request; `_carry_out` says so
                return await reader.readexactly(length)
        finally:
            self._asking.discard(writer)


async def _carry_out(frame: bytes, handle: Handle) -> Answer | Refusal:
    try:
        request = msgspec.msgpack.decode(frame, type=Request)
        if request.version != VERSION:
            raise Invalid(f"the server speaks version {VERSION} of its control protocol, not {request.version}")
        return Answer(msgspec.Raw(await handle(request.name, bytes(request.arguments))))
    except msgspec.DecodeError as error:
        return Refusal("Invalid", f"not a request this server understands: {error}")
    except MailError as error:
        return Refusal(type(error).__name__, error.text)
