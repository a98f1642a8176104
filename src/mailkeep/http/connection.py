"""HTTP/1.1 on a connection: h11 reads requests, an ASGI application answers them.  RFC 9110, RFC 9112."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import h11
from starlette.types import ASGIApp, Scope

from mailkeep import telemetry
from mailkeep.http.exchange import Exchange
from mailkeep.http.forwarded import unproxied
from mailkeep.http.request import BadRequest, has_body, scope_of
from mailkeep.net.connection import Connection, Step
from mailkeep.net.lane import Lane
from mailkeep.net.limits import Network
from mailkeep.service.tally import Tally

PIECE: Final = 8 * 1024  # octets that are parsed in one go
PROGRESS: Final = 32 * 1024  # octets of a body that must come before each deadline
DISCARDED: Final = 4 << 20  # octets of a body that nobody wants, read so that the peer sees our answer

log = telemetry.logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How long peers are waited for, and how much of them is read.  Times are seconds."""

    head_octets: int = 32 * 1024
    head_s: float = 15.0  # for a head to come, from its first octet (or from the connection's beginning)
    idle_s: float = 60.0  # between requests
    body_s: float = 20.0  # for PROGRESS octets of a body
    send_s: float = 60.0  # for the peer to read 256 kB
    discard_s: float = 5.0  # for the rest of a body that nobody wants
    proxies: Sequence[Network] = ()  # who is believed about whose requests it passes on


class HttpConnection:
    """A session as the connection engine sees it."""

    def __init__(self, connection: Connection, app: ASGIApp, lane: Lane, options: Options, tally: Tally) -> None:
        """`app` is asked for each request anew, in a task of `lane`."""
        self._connection = connection
        self._app = app
        self._lane = lane
        self._options = options
        self._tally = tally
        self._pending = bytearray()  # arrived, and not yet given to h11
        self._wire: h11.Connection | None = None  # there is one from a request's first octet to its answer's last
        self._exchange: Exchange | None = None
        self._arrived: asyncio.Future[None] | None = None  # an exchange waits for octets
        self._taken = 0  # octets of a body since the deadline was set
        self.draining = False
        self._closing = False
        connection.set_deadline(options.head_s)

    # --- what the engine asks

    def feed(self, data: bytes) -> None:
        """Octets arrived."""
        if self._wire is None and not self._pending:
            self._connection.set_deadline(self._options.head_s)
        self._pending += data
        if self._arrived is not None:
            self._taken += len(data)
            if self._taken >= PROGRESS:
                self._await_body()
            if not self._arrived.done():
                self._arrived.set_result(None)

    def buffered(self) -> int:
        """Octets not yet consumed."""
        return len(self._pending)

    def next(self) -> Step | None:
        """The next request."""
        if self.draining:
            self._close()
        if self._closing:
            return None
        if self._wire is None:
            if self._pending.startswith(b"\r\n"):  # RFC 9112 §2.2 has an empty line ignored
                del self._pending[:2]
            if not self._pending or self._pending == b"\r":
                return None
            self._wire = h11.Connection(h11.SERVER, max_incomplete_event_size=self._options.head_octets)
        try:
            event = self.next_event()
            if not isinstance(event, h11.Request):
                return None
            scope = scope_of(event, peer=self._connection.peer, secure=self._connection.tls)
        except h11.RemoteProtocolError as error:
            # What follows is the octets themselves, as Python writes them.
            self._refuse(error.error_status_hint, str(error).partition(": bytearray(")[0])
            return None
        except BadRequest as error:
            self._refuse(400, str(error))
            return None
        return self._serve(unproxied(scope, self._options.proxies))

    def timed_out(self) -> None:
        """Nothing came for too long; unless it is the peer who waits for us."""
        if self._arrived is None and self._connection.busy and not self._connection.stalled:
            self._connection.set_deadline(self._options.send_s)
        elif self._wire is None or (self._exchange is not None and self._exchange.complete):
            self._close()
        elif self._exchange is None or not self._exchange.status:
            self._refuse(408, "The request took too long to come")
        else:
            self._connection.abort()

    def drain(self) -> None:
        """The server stops.  A request under way is answered; `next` closes then."""
        self.draining = True
        if not self._connection.busy:
            self._close()

    def bug(self) -> None:
        """Last words, if it has not begun to speak."""
        if self._exchange is None or not self._exchange.status:
            self._refuse(500, "Internal error")

    def lost(self) -> None:
        """The connection is gone; what runs for it is cancelled."""
        self._closing = True

    def _close(self) -> None:
        self._closing = True
        self._connection.close()

    def _refuse(self, status: int, reason: str) -> None:
        """Answer without asking the application, and close."""
        self._tally.refused["?", str(status)] += 1
        body = f"{reason}\n".encode()
        phrase = HTTPStatus(status).phrase
        head = (
            f"HTTP/1.1 {status} {phrase}",
            "Content-Type: text/plain; charset=utf-8",
            "X-Content-Type-Options: nosniff",
            f"Content-Length: {len(body)}",
            "Connection: close",
        )
        self._connection.write("\r\n".join((*head, "", "")).encode("ascii") + body)
        self._close()

    # --- one request

    async def _serve(self, scope: Scope) -> None:
        began = time.perf_counter()
        exchange = self._exchange = Exchange(self, scope)
        self._taken = 0
        if not has_body(scope):
            exchange.skip_body()
        try:
            await self._lane.run(self._ask(scope, exchange))
        except BadRequest as error:
            if exchange.status:
                raise ConnectionResetError from error
            self._refuse(400, str(error))
            return
        finally:
            self._count(scope, exchange, time.perf_counter() - began)
        if not exchange.complete:
            raise RuntimeError("the application has not answered")
        await self._finish(exchange)

    async def _ask(self, scope: Scope, exchange: Exchange) -> None:
        await self._app(scope, exchange.receive, exchange.send)

    def _count(self, scope: Scope, exchange: Exchange, seconds: float) -> None:
        module = getattr(scope.get("endpoint"), "__module__", "?")  # not the path, of which there are any number
        name = module.removeprefix("mailkeep.http.").partition(".")[0]
        self._tally.commands[name] += 1
        if exchange.status >= 400 or not exchange.status:
            self._tally.refused[name, str(exchange.status)] += 1
        log.debug(
            "http.request",
            method=scope["method"],
            path=scope["path"],
            peer=scope["client"][0],
            status=exchange.status,
            seconds=round(seconds, 4),
        )

    async def _finish(self, exchange: Exchange) -> None:
        """Be ready for the next request, or close."""
        wire = self.wire
        if wire.their_state is h11.SEND_BODY and not exchange.unasked:
            await self._discard()
        if wire.our_state is h11.DONE and wire.their_state is h11.DONE:
            self._pending[:0] = wire.trailing_data[0]
            self._wire = self._exchange = None
            self._connection.set_deadline(self._options.head_s if self._pending else self._options.idle_s)
        else:
            self._close()

    async def _discard(self) -> None:
        """Read on for a while: a connection that is closed over unread octets is reset, and our answer lost with it."""
        self._connection.set_deadline(self._options.discard_s)
        size = 0
        try:
            while size < DISCARDED:
                event = self.next_event()
                if isinstance(event, h11.Data):
                    size += len(event.data)
                elif event is h11.NEED_DATA:
                    self._taken = -DISCARDED  # no more time than that
                    await self.arrival()
                else:
                    return
        except h11.RemoteProtocolError:
            pass

    # --- what an exchange asks

    @property
    def wire(self) -> h11.Connection:
        """The parser of the request that is under way."""
        assert self._wire is not None
        return self._wire

    def next_event(self) -> object:
        """See `Line`."""
        wire = self.wire
        while (event := wire.next_event()) is h11.NEED_DATA and self._pending:
            wire.receive_data(bytes(self._pending[:PIECE]))
            del self._pending[:PIECE]
            self._connection.consumed()
        return event

    def _await_body(self) -> None:
        self._taken = 0
        self._connection.set_deadline(self._options.body_s)

    async def arrival(self) -> None:
        """See `Line`."""
        if not self._pending:
            self._arrived = asyncio.get_running_loop().create_future()
            if self._taken == 0:
                self._await_body()
            try:
                await self._arrived
            finally:
                self._arrived = None

    def write(self, octets: bytes) -> None:
        """See `Line`."""
        self._connection.write(octets)

    async def sent(self) -> None:
        """See `Line`."""
        self._connection.set_deadline(self._options.send_s)
        await self._connection.drain()
