"""One request and its answer, as ASGI has them: `receive` for the body, `send` for the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from email.utils import formatdate
from typing import Final, Protocol

import h11
from starlette.types import Message, Scope

from mailkeep.http.request import BadRequest

MESSAGE: Final = 64 * 1024  # octets of a body that are handed over at once

_BODILESS: Final = frozenset({204, 304})


class Line(Protocol):
    """The connection, as an exchange needs it."""

    draining: bool

    @property
    def wire(self) -> h11.Connection:
        """The parser of this request."""

    def next_event(self) -> object:
        """The next event of h11, fed from what has arrived; `h11.NEED_DATA` where that is not enough."""

    async def arrival(self) -> None:
        """Until more octets have arrived."""

    def write(self, octets: bytes) -> None:
        """Queue octets."""

    async def sent(self) -> None:
        """Send what is queued; waits while the peer does not read.  Raises: ConnectionResetError."""


class Exchange:
    """What the application is given for one request.

    Attributes: `status` (0 until the answer has begun), `unasked` (the client would have sent a body if asked).
    """

    __slots__ = ("_done", "_ended", "_line", "_method", "_over", "_told", "status", "unasked")

    def __init__(self, line: Line, scope: Scope) -> None:
        self._line = line
        self._method: str = scope["method"]
        self._ended = False  # the body has come to its end,
        self._told = False  # and the application knows
        self._over: asyncio.Future[None] | None = None  # somebody waits for the end of the exchange
        self._done = False
        self.status = 0
        self.unasked = False

    def skip_body(self) -> None:
        """The request has none."""
        self._ended = isinstance(self._line.next_event(), h11.EndOfMessage)

    @property
    def complete(self) -> bool:
        """Whether the answer has been sent whole."""
        return self._done

    async def receive(self) -> Message:
        """The next piece of the body; behind its end, and only once the answer is complete, the disconnect.

        Raises: BadRequest (the body is malformed).
        """
        if self._told:
            if not self._done:
                self._over = asyncio.get_running_loop().create_future()
                await self._over  # a connection that is lost cancels the application
            return {"type": "http.disconnect"}
        body = b"" if self._ended else await self._read()
        self._told = self._ended
        return {"type": "http.request", "body": body, "more_body": not self._ended}

    async def _read(self) -> bytes:
        """A piece of the body, empty at its end."""
        pieces: list[bytes] = []
        size = 0
        try:
            while size < MESSAGE:
                event = self._line.next_event()
                if isinstance(event, h11.Data):
                    pieces.append(bytes(event.data))
                    size += len(pieces[-1])
                elif isinstance(event, h11.EndOfMessage):
                    self._ended = True
                    break
                elif pieces:
                    break
                else:
                    await self._continue()
                    await self._line.arrival()
        except h11.RemoteProtocolError as error:
            raise BadRequest(str(error)) from error
        await asyncio.sleep(0)  # many small chunks take their time: others have their turn
        return b"".join(pieces)

    async def _continue(self) -> None:
        """Ask for the body where the client waits for that.  RFC 9110 §10.1.1."""
        if self._line.wire.they_are_waiting_for_100_continue and not self.status:
            self._emit(h11.InformationalResponse(status_code=100, headers=[]))
            await self._line.sent()

    async def send(self, message: Message) -> None:
        """The beginning of the answer, or a piece of its body.  Raises: ConnectionResetError (the peer is gone)."""
        if message["type"] == "http.response.start":
            self._start(message["status"], message.get("headers", ()))
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if body and self._method != "HEAD" and self.status not in _BODILESS:
            self._emit(h11.Data(data=body))
        if not more:
            self._emit(h11.EndOfMessage())
            self._done = True
            if self._over is not None and not self._over.done():
                self._over.set_result(None)
        await self._line.sent()

    def _start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.status = status
        wire = self._line.wire
        self.unasked = wire.they_are_waiting_for_100_continue
        fields = [(bytes(name), bytes(value)) for name, value in headers]
        fields.append((b"date", formatdate(usegmt=True).encode("ascii")))  # RFC 9110 §6.6.1
        if self._line.draining or wire.their_state in (h11.SEND_BODY, h11.ERROR):
            # What is left of the body is not worth reading: nobody can tell where the next request begins.
            fields.append((b"connection", b"close"))
        self._emit(h11.Response(status_code=status, headers=fields))

    def _emit(self, event: h11.Event) -> None:
        octets = self._line.wire.send(event)
        if octets:
            self._line.write(octets)
