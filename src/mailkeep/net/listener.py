"""Accepting connections of one protocol, and letting go of them when the server stops."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Final

from mailkeep import telemetry
from mailkeep.net.connection import Connection, Session, Step, Traffic
from mailkeep.net.limits import AddressLimit

HANDSHAKE_S: Final = 15.0  # connections are counted only afterwards, so nobody may dally here
SHUTDOWN_S: Final = 2.0  # for the peer to say goodbye too, once we have; many clients never do

log = telemetry.logger()


class Listener:
    """Listening sockets of one protocol and the connections that came from them.

    `open_session` makes the protocol's session on a new connection.
    With `tls` the connections speak TLS from the first octet.
    Attributes: `accepted` and `refused` (connections so far), `traffic`.
    """

    def __init__(
        self,
        name: str,
        open_session: Callable[[Connection], Session],
        *,
        limit: AddressLimit,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.name = name
        self._open_session = open_session
        self._limit = limit
        self._tls = tls
        self.accepted = 0
        self.refused = 0
        self.traffic = Traffic()
        self._servers: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Accept on `sockets`, which become the listener's."""
        loop = asyncio.get_running_loop()
        for bound in sockets:
            if bound.family == socket.AF_UNIX:
                server = await loop.create_unix_server(self._connection, sock=bound)
            else:
                server = await loop.create_server(
                    self._connection,
                    sock=bound,
                    ssl=self._tls,
                    ssl_handshake_timeout=HANDSHAKE_S if self._tls else None,
                    ssl_shutdown_timeout=SHUTDOWN_S if self._tls else None,
                )
            self._servers.append(server)

    def count(self) -> tuple[int, int]:
        """Connections that are open now: in the clear, and with TLS."""
        secured = sum(connection.tls for connection in self._connections)
        return len(self._connections) - secured, secured

    def drain(self) -> None:
        """Accept no more, and have every session say goodbye as soon as what it is doing is done."""
        for server in self._servers:
            server.close()
        for connection in tuple(self._connections):
            connection.session.drain()

    async def closed(self) -> None:
        """Until the last connection has gone."""
        await self._empty.wait()

    def abort(self) -> None:
        """Cut the connections that are left."""
        for connection in tuple(self._connections):
            connection.abort()

    def _connection(self) -> Connection:
        return Connection(self._open, on_close=self._close, traffic=self.traffic)

    def _open(self, connection: Connection) -> Session:
        if not self._limit.enter(connection.peer):
            self.refused += 1
            log.warning("net.too_many_connections", listener=self.name, peer=connection.peer)
            connection.abort()
            return TurnedAway()
        try:
            session = self._open_session(connection)
        except BaseException:
            self._limit.leave(connection.peer)
            raise
        self.accepted += 1
        self._connections.add(connection)
        self._empty.clear()
        return session

    def _close(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._limit.leave(connection.peer)
            if not self._connections:
                self._empty.set()


class TurnedAway:
    """The session of a connection that was closed at once: its address holds as many as it may."""

    def feed(self, data: bytes) -> None:
        """Nothing is read."""

    def next(self) -> Step | None:
        """Nothing is run."""
        return None

    def buffered(self) -> int:
        """Nothing is held."""
        return 0

    def timed_out(self) -> None:
        """It has no deadline."""

    def drain(self) -> None:
        """It is closing already."""

    def bug(self) -> None:
        """It says nothing."""

    def lost(self) -> None:
        """It holds nothing."""
