"""Accepting connections of one protocol, and letting go of them when the server stops."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from mailkeep import telemetry
from mailkeep.net.connection import Connection, Session, Step, Traffic, map_tls_buffer
from mailkeep.net.lane import Spawn
from mailkeep.net.limits import AddressLimit
from mailkeep.net.proxy_protocol import BadHeader, read_header

READ: Final = 64 * 1024  # octets at once
HANDSHAKE_S: Final = 15.0  # connections are counted only afterwards, so nobody may dally here
SHUTDOWN_S: Final = 2.0  # for the peer to say goodbye too, once we have; many clients never do
HEADER_S: Final = 5.0  # for a proxy to say whose connection it passes on; its document asks for at least 3
BACKLOG: Final = 1024  # connections that wait to be accepted; the loop, unless told, makes it 100 again
NO_SOCKETS_S: Final = 1.0  # before we accept again when there were no descriptors left

log = telemetry.logger()


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Proxies:
    """Who may tell whose connection it passes on, and must (see `proxy_protocol`); `spawn` starts a task."""

    networks: Sequence[Network]
    spawn: Spawn

    def __contains__(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self.networks)


class Listener:
    """Listening sockets of one protocol and the connections that came from them.

    `open_session` makes the protocol's session on a new connection.
    With `tls` the connections speak TLS from the first octet; with `proxies`, after what the proxy says.
    Attributes: `accepted` and `refused` (connections so far), `traffic`.
    """

    def __init__(
        self,
        name: str,
        open_session: Callable[[Connection], Session],
        *,
        limit: AddressLimit,
        tls: ssl.SSLContext | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self.name = name
        self._proxies = proxies
        self._tasks: set[asyncio.Task[None]] = set()  # of connections that come through proxies
        self._open_session = open_session
        self._limit = limit
        self._tls = tls
        self.accepted = 0
        self.refused = 0
        self.traffic = Traffic()
        self._servers: list[asyncio.Server] = []
        self._buffer = memoryview(bytearray(READ))
        self._connections: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._draining = False

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Accept on `sockets`, which become the listener's."""
        loop = asyncio.get_running_loop()
        for bound in sockets:
            if bound.family == socket.AF_UNIX:
                server = await loop.create_unix_server(self._connection, sock=bound, backlog=BACKLOG)
            elif self._proxies is not None:
                self._keep(self._accept(bound, self._proxies), self._proxies.spawn)
                continue
            else:
                server = await loop.create_server(
                    self._connection,
                    sock=bound,
                    backlog=BACKLOG,
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
        self._draining = True
        for server in self._servers:
            server.close()
        for task in tuple(self._tasks):
            task.cancel()
        for connection in tuple(self._connections):
            connection.session.drain()

    async def closed(self) -> None:
        """Until the last connection has gone."""
        await self._empty.wait()

    def abort(self) -> None:
        """Cut the connections that are left."""
        for connection in tuple(self._connections):
            connection.abort()

    def _connection(self, peer: str | None = None) -> Connection:
        if self._tls is not None:
            map_tls_buffer(asyncio.get_running_loop())
        return Connection(self._open, on_close=self._close, traffic=self.traffic, buffer=self._buffer, peer=peer)

    # --- behind proxies

    def _keep(self, work: Coroutine[Any, Any, None], spawn: Spawn) -> None:
        task = spawn(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, bound: socket.socket, proxies: Proxies) -> None:
        """Accept until cancelled: only so are the octets of a connection ours, before TLS has them."""
        loop = asyncio.get_running_loop()
        bound.settimeout(0.0)
        with bound:
            while True:
                try:
                    accepted, address = await loop.sock_accept(bound)
                except OSError as error:
                    log.warning("net.cannot_accept", listener=self.name, reason=error.strerror)
                    await asyncio.sleep(NO_SOCKETS_S)
                else:
                    self._keep(self._introduce(accepted, address[0], proxies), proxies.spawn)

    async def _introduce(self, accepted: socket.socket, address: str, proxies: Proxies) -> None:
        """Hear from a proxy whose connection it is; then the connection is like any other."""
        loop = asyncio.get_running_loop()
        try:
            peer = None
            if address in proxies:
                async with asyncio.timeout(HEADER_S):
                    peer = await read_header(partial(loop.sock_recv, accepted))
            await loop.connect_accepted_socket(
                partial(self._connection, peer),
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_S if self._tls else None,
                ssl_shutdown_timeout=SHUTDOWN_S if self._tls else None,
            )
        except (BadHeader, TimeoutError) as error:
            log.warning("net.bad_proxy_header", listener=self.name, proxy=address, reason=str(error) or "too late")
            accepted.close()
        except OSError:  # also of TLS: as for those who come without a proxy, nobody need know
            accepted.close()
        except BaseException:
            accepted.close()
            raise

    def _open(self, connection: Connection) -> Session:
        if self._draining:  # it was accepted before, and has agreed on TLS meanwhile
            connection.abort()
            return TurnedAway()
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
    """The session of a connection that was closed at once: its address holds as many as it may, or all is over."""

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
