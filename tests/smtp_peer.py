"""Another mail server, for tests of what we send: it does what it is told, good or bad, and writes down what it hears.

    async with smtp_peer(offers=("PIPELINING", "8BITMIME")) as peer:
        …                               # peer.host, peer.port
    peer.messages                       # Taken(sender, recipients, octets), as they were taken
    peer.commands                       # every line, over all connections

`answers`: a verb, or the beginning of a line, → what is answered instead: ``"450 4.2.0 busy"``, several lines with
CRLF between them, ``CUT`` (the connection is cut), ``SILENT`` (nothing is said), ``DEAF`` (as usual, and nothing is
read any more), octets as they are, or a list of these, one for each time.  ``GREETING``, ``DATA`` (the answer to the
command) and ``END`` (to the message) are verbs too.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CUT = "CUT"
SILENT = "SILENT"
DEAF = "DEAF"

Said = str | bytes


@dataclass(frozen=True)
class Taken:
    """A message that was taken."""

    sender: str
    recipients: tuple[str, ...]
    octets: bytes


@dataclass
class Peer:
    """What it is, and what it has heard."""

    offers: Sequence[str]
    answers: dict[str, Said | list[Said]]
    tls: ssl.SSLContext | None
    offers_in_tls: Sequence[str] | None
    host: str = ""
    port: int = 0
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    messages: list[Taken] = field(default_factory=list)
    sessions_in_tls: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)
    names_asked: list[str | None] = field(default_factory=list)  # SNI

    def verbs(self) -> list[str]:
        """The first words of all commands."""
        return [command.split(" ")[0].upper() for command in self.commands]

    def said_to(self, command: str) -> Said | None:
        """What the test wants to be answered."""
        for key in sorted(self.answers, key=len, reverse=True):
            if command.upper().startswith(key.upper()):
                said = self.answers[key]
                if isinstance(said, list):
                    return said.pop(0) if said else None
                return said
        return None


class _Over(Exception):
    pass


class _Session:
    def __init__(self, peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, secure: bool) -> None:
        self.peer, self.reader, self.writer, self.secure = peer, reader, writer, secure
        self.sender = ""
        self.begun = False
        self.recipients: list[str] = []

    async def run(self) -> None:
        await self.say("GREETING", "220 peer.test ESMTP")
        while line := await self.reader.readline():
            command = line.decode("utf-8", "replace").rstrip("\r\n")
            self.peer.commands.append(command)
            await self.command(command)

    async def say(self, command: str, usual: str) -> bool:
        """Answer; whether as usual."""
        said = self.peer.said_to(command)
        if said == CUT:
            self.writer.transport.abort()
            raise _Over
        if said == SILENT:
            await self.reader.read()
            raise _Over
        if said == DEAF:
            self.writer.write(f"{usual}\r\n".encode())
            self.reader._transport.pause_reading()  # type: ignore[attr-defined]
            await self.peer.over.wait()
            raise _Over
        octets = said if isinstance(said, bytes) else f"{usual if said is None else said}\r\n".encode()
        self.writer.write(octets)
        await self.writer.drain()
        return octets[:1] in (b"2", b"3")

    async def command(self, command: str) -> None:
        verb = command.split(" ")[0].upper()
        if verb == "EHLO":
            self.reset()
            inside = self.secure and self.peer.offers_in_tls is not None
            offers = list((self.peer.offers_in_tls or ()) if inside else self.peer.offers)
            if self.peer.tls is not None and not self.secure:
                offers.append("STARTTLS")
            lines = ["peer.test", *offers]
            await self.say(
                command, "\r\n".join(f"250{'-' if n < len(lines) - 1 else ' '}{x}" for n, x in enumerate(lines))
            )
        elif verb == "STARTTLS" and self.peer.tls is not None:
            if await self.say(command, "220 2.0.0 go ahead"):
                await self.start_tls(self.peer.tls)
                self.secure = True
                self.peer.sessions_in_tls += 1
        elif verb == "MAIL":
            self.sender = command[10:].split(">")[0].lstrip("<")
            self.begun = await self.say(command, "503 5.5.1 nested MAIL" if self.begun else "250 2.1.0 fine")
        elif verb == "RCPT":
            if await self.say(command, "250 2.1.5 fine" if self.begun else "503 5.5.1 MAIL first"):
                self.recipients.append(command[8:].split(">")[0].lstrip("<"))
        elif verb == "DATA":
            usual = "354 go on" if self.recipients else "554 5.5.1 no valid recipients"
            if await self.say(command, usual):
                await self.take(await self.data())
        elif verb == "BDAT":
            octets = await self.reader.readexactly(int(command.split(" ")[1]))
            await self.take(octets)
        elif verb == "QUIT":
            await self.say(command, "221 2.0.0 bye")
            raise _Over
        else:
            self.reset()  # RSET, HELO
            await self.say(command, "250 2.0.0 fine")

    def reset(self) -> None:
        self.begun = False
        self.recipients = []

    async def start_tls(self, context: ssl.SSLContext) -> None:
        # StreamWriter.start_tls of Python 3.11 loses its transport when the handshake fails.
        protocol = self.writer._protocol  # type: ignore[attr-defined]
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(
            self.writer.transport, protocol, context, server_side=True, ssl_handshake_timeout=5
        )
        if transport is None:
            raise _Over
        self.writer._transport = transport  # type: ignore[attr-defined]
        protocol._replace_writer(self.writer)

    async def data(self) -> bytes:
        lines = []
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise _Over
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    async def take(self, octets: bytes) -> None:
        taken = Taken(self.sender, tuple(self.recipients), octets)
        self.reset()
        if await self.say("END", "250 2.0.0 queued as 1"):
            self.peer.messages.append(taken)


@contextlib.asynccontextmanager
async def smtp_peer(
    *,
    offers: Sequence[str] = ("PIPELINING", "8BITMIME", "SIZE 1000000", "ENHANCEDSTATUSCODES"),
    answers: Mapping[str, Said | list[Said]] | None = None,
    tls: ssl.SSLContext | None = None,
    offers_in_tls: Sequence[str] | None = None,
    implicit_tls: bool = False,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[Peer]:
    """A running peer."""
    said = {key: list(value) if isinstance(value, list) else value for key, value in (answers or {}).items()}
    peer = Peer(offers, said, tls, offers_in_tls)
    if tls is not None:
        tls.sni_callback = lambda _object, name, _context: peer.names_asked.append(name)

    writers: list[asyncio.StreamWriter] = []
    tasks: list[asyncio.Task[None] | None] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer.connections += 1
        writers.append(writer)
        tasks.append(asyncio.current_task())
        with contextlib.suppress(_Over, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await _Session(peer, reader, writer, implicit_tls).run()
        writer.close()

    server = await asyncio.start_server(connected, host, port, ssl=tls if implicit_tls else None, limit=1 << 20)
    peer.host, peer.port = server.sockets[0].getsockname()[:2]
    try:
        yield peer
    finally:
        server.close()
        peer.over.set()
        for writer in writers:
            with contextlib.suppress(AttributeError):  # asyncio's, of a TLS connection that has ended already
                writer.transport.abort()
        for task in tasks:
            assert task is not None
            task.cancel()  # a handler does not always hear of a connection that was cut inside TLS
        await asyncio.gather(*(task for task in tasks if task is not None))
        for _ in range(5):  # `wait_closed` never ends after a handshake that failed
            await asyncio.sleep(0)


@contextlib.contextmanager
def peer_in_thread(**options: Any) -> Iterator[Peer]:
    """A peer with a loop and a thread of its own, beside a server that has one too."""
    ready, stop = threading.Event(), asyncio.Event()
    made: list[tuple[Peer, asyncio.AbstractEventLoop]] = []

    async def serve() -> None:
        async with smtp_peer(**options) as peer:
            made.append((peer, asyncio.get_running_loop()))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    [(peer, loop)] = made
    try:
        yield peer
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
