"""One connection: feeds octets to a protocol session, steps its handlers, and holds back what the peer cannot take.

Handlers are coroutines that run without a task: most finish at once, and of those that wait, each future wakes its
handler by itself.  That spares the memory and the turns of the event loop that a task costs.  A handler may await
futures, `asyncio.sleep(0)`, threads; what asks for the current task (`asyncio.timeout`, a TaskGroup) refuses to run.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, Protocol, cast

import structlog

from mailkeep.net.deflate import Broken, Deflate
from mailkeep.net.secured import secured_by
from mailkeep.service.authentication import Secured

HIGH_WATER: Final = 256 * 1024  # octets in the transport's buffer beyond which nobody may write
LOW_WATER: Final = 64 * 1024
READ_AHEAD: Final = 256 * 1024  # octets a session may hold unread while a handler waits
HANDSHAKE_S: Final = 15.0  # for TLS after STARTTLS
LINGER_S: Final = 30.0  # for the peer to read the last words after `close`
TURN: Final = 64  # commands run in one go before other connections get their turn,
TURN_S: Final = 0.002  # and no further one after so long

log = structlog.get_logger()

Step = Coroutine[Any, Any, None]


class Session(Protocol):
    """What a protocol puts on a connection.  All methods are called on the event loop, `next` never re-entered."""

    def feed(self, data: bytes) -> None:
        """Octets arrived.  Must not run commands; may wake a handler that waits for octets."""

    def next(self) -> Step | None:
        """The next thing to run, or None until more octets come."""

    def buffered(self) -> int:
        """How many octets wait to be consumed."""

    def timed_out(self) -> None:
        """The deadline set by `Connection.set_deadline` has passed."""

    def drain(self) -> None:
        """The server stops: say goodbye and close as soon as the running command is done."""

    def bug(self) -> None:
        """A handler raised what nobody expected: write the protocol's last words.  The connection closes then."""

    def lost(self) -> None:
        """The connection is gone."""


def map_tls_buffer(loop: asyncio.AbstractEventLoop) -> None:
    """To be called before a TLS connection is made: a loop of our own sees to the memory that it takes."""
    tell = getattr(loop, "map_tls_buffer", None)
    if tell is not None:
        tell()


class Traffic:
    """Octets of many connections, inside TLS."""

    __slots__ = ("received", "sent")

    def __init__(self) -> None:
        self.received = 0
        self.sent = 0


class Connection(asyncio.BufferedProtocol):
    """The engine under one protocol session.

    `session` is made when the connection is, by `open_session`, which may write a greeting or close at once.
    `on_close` is called when the connection is gone and nothing of it runs any more.  `peer` is the client's address
    where a proxy has told it.
    """

    def __init__(
        self,
        open_session: Callable[[Connection], Session],
        *,
        on_close: Callable[[Connection], None],
        traffic: Traffic,
        buffer: memoryview,
        peer: str | None = None,
    ) -> None:
        self._told_peer = peer
        self._open_session = open_session
        self._on_close = on_close
        self._traffic = traffic
        self._buffer = buffer
        self._out: list[bytes] = []
        self._out_size = 0
        self._step: Step | None = None  # a handler that waits,
        self._waiting_for: asyncio.Future[Any] | None = None  # and for what; None: for its next turn
        self._cancelled = False  # the handler is to be told so at its next step
        self._running = False  # a handler is being stepped, or waits
        self._scheduled = False
        self._paused = False  # the peer does not read
        self._reading_paused = False
        self._resumed: asyncio.Future[None] | None = None
        self._closing = False
        self._lost = False
        self._upgrading = False
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport
        self.session: Session
        self.loop: asyncio.AbstractEventLoop
        self.peer = ""  # the address, "" for a unix socket
        self.tls = False
        self._deflate: Deflate | None = None

    def secured(self) -> Secured:
        """What TLS proves: channel bindings, and the client's certificate, for which an authority of ours vouches."""
        return secured_by(self.transport.get_extra_info("ssl_object"))

    # --- callbacks of the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the session; after STARTTLS, only take the new transport."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are no subclasses of asyncio's
        self.transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        self.tls = transport.get_extra_info("ssl_object") is not None
        if self._upgrading:
            return
        self.loop = asyncio.get_running_loop()
        name = transport.get_extra_info("peername")
        self.peer = self._told_peer or (name[0] if isinstance(name, tuple) else "")
        self.session = self._open_session(self)
        self.flush()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  it is as large as it is
        """Where the loop puts what it reads: one buffer for all, as what it holds is taken at once."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So many octets came."""
        self.data_received(bytes(self._buffer[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Feed the session and run what became complete."""
        if self._closing:
            return
        self._traffic.received += len(data)
        if self._deflate is None:
            self.session.feed(data)
        else:
            self._deflate.take(data)
            if not self.session.buffered():
                self.pull()
        if self._running or self._paused or self._scheduled:
            self._throttle()
        else:
            self._pump()

    def eof_received(self) -> bool:
        """Half-closed peers are not served: a client that stopped sending has gone."""
        return False

    def pause_writing(self) -> None:
        """The peer does not read: hold everything."""
        self._paused = True

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._paused = False
        if self._closing:
            self._shut()
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)
        if not self._running:
            self._pump()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the reason does not matter
        """Stop what runs and release what is held; a second call does nothing."""
        if self._lost:
            return
        self._lost = self._closing = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if hasattr(self, "session"):
            try:
                self.session.lost()
            except Exception as error:  # whatever it was: the connection must not be counted for ever
                log.error("connection_bug", peer=self.peer, exc_info=error)
        if self._running:
            self._cancel()  # `_end` goes on when it has let go
        else:
            self._on_close(self)

    def _cancel(self) -> None:
        """Have the handler that runs end at what it waits for, as a cancelled task would."""
        if self._waiting_for is None or not self._waiting_for.cancel():
            self._cancelled = True

    # --- running commands

    def _pump(self) -> None:
        """Run handlers while they finish at once; the first that waits is gone on with by `_wake`."""
        self._scheduled = False
        if self._running or self._closing:
            return
        self._running = True
        late = time.perf_counter() + TURN_S
        for turn in range(TURN):
            if self._paused or self._closing:
                break
            if turn and time.perf_counter() > late:
                self._schedule()
                break
            try:
                step = self.session.next()
                if step is None:
                    if self._deflate is None or not self.pull():
                        break
                    continue
            except Exception as error:  # noqa: BLE001  the one catch-all of a connection
                self._bug(error)
                break
            if not self._advance(step):
                self.flush()
                self._throttle()
                return  # _running stays: the handler goes on
            if self._out_size > HIGH_WATER:
                self.flush()
        else:
            self._schedule()
        self._end()

    def _advance(self, step: Step) -> bool:
        """Run a handler until it waits (False), or to its end."""
        try:
            if self._cancelled:
                self._cancelled = False
                waiting_for = step.throw(asyncio.CancelledError())
            else:
                waiting_for = step.send(None)
        except StopIteration:
            return True
        except (asyncio.CancelledError, ConnectionError):
            self.abort()
            return True
        except Exception as error:  # noqa: BLE001  the one catch-all of a connection
            self._bug(error)
            return True
        self._step = step
        self._waiting_for = waiting_for
        if waiting_for is None:
            self.loop.call_soon(self._wake)
        else:
            waiting_for._asyncio_future_blocking = False  # noqa: SLF001  what a task does: it has seen the future
            waiting_for.add_done_callback(self._wake)
            if self._cancelled and waiting_for.cancel():
                self._cancelled = False
        return False

    def _wake(self, _future: asyncio.Future[Any] | None = None) -> None:
        """What the handler waits for has happened."""
        step, self._step, self._waiting_for = self._step, None, None
        assert step is not None
        if not self._advance(step):
            return
        self._running = False
        if self._closing:
            self._end()
        else:
            self._pump()

    def _end(self) -> None:
        """No handler runs."""
        self._running = False
        self.flush()
        self._throttle()
        if self._lost:
            self._on_close(self)

    def _schedule(self) -> None:
        if not self._scheduled and not self._closing:
            self._scheduled = True
            self.loop.call_soon(self._pump)

    def _bug(self, error: Exception) -> None:
        log.error("connection_bug", peer=self.peer, exc_info=error)
        self.session.bug()
        self.close()

    def _throttle(self) -> None:
        """Read no more than the session is willing to hold."""
        waiting = self.session.buffered()
        if self._deflate is not None:
            waiting += self._deflate.waiting
        full = waiting > READ_AHEAD
        if full != self._reading_paused and not self._closing and not self._upgrading:
            self._reading_paused = full
            if full:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def consumed(self) -> None:
        """The session holds less than it did: a handler that goes on may tell, so that more is read."""
        if self._reading_paused:
            self._throttle()

    def run_soon(self) -> None:
        """Ask the session for work although no octets came."""
        self._schedule()

    @property
    def busy(self) -> bool:
        """Whether a handler is running or waiting."""
        return self._running

    @property
    def acts(self) -> bool:
        """Whether it is this connection's handler that runs at this very moment."""
        return self._running and self._step is None

    @property
    def stalled(self) -> bool:
        """Whether the peer does not read what it is sent."""
        return self._paused

    # --- writing

    def write(self, data: bytes) -> None:
        """Queue octets; they leave together when the handler waits or the burst of commands is done."""
        self._out.append(data)
        self._out_size += len(data)

    def flush(self) -> None:
        """Hand what is queued to the transport in one write."""
        if self._out:
            data = b"".join(self._out)
            self._out.clear()
            self._out_size = 0
            if self._deflate is not None:
                data = self._deflate.pack(data)
            if not self.transport.is_closing():
                self._traffic.sent += len(data)
                self.transport.write(data)

    @property
    def queued(self) -> int:
        """Octets written but not yet handed to the transport."""
        return self._out_size

    async def drain(self) -> None:
        """Flush, and wait until the peer has read enough; after much output, also let others have their turn.

        Raises: ConnectionResetError when the peer is gone.
        """
        much = self._out_size >= LOW_WATER
        self.flush()
        if much and not self._paused:
            await asyncio.sleep(0)
        if self._paused:
            self._resumed = self.loop.create_future()
            await self._resumed
            self._resumed = None
        if self.transport.is_closing():
            raise ConnectionResetError

    def close(self) -> None:
        """Write what is queued, then close.  Nothing more is read or run."""
        self.flush()
        if self._closing:
            return
        self._closing = True
        if not self.transport.get_write_buffer_size():
            self._shut()
            return
        # Under TLS, closing now would give the peer only SHUTDOWN_S to read the rest: `resume_writing` closes when it
        # has.  A peer that does not read must not hold the connection for ever either.
        self.transport.set_write_buffer_limits(0)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(LINGER_S, self.abort)

    def _shut(self) -> None:
        if self._reading_paused:  # a TLS transport whose peer left meanwhile does not close before it has read that
            self._reading_paused = False
            self.transport.resume_reading()
        self.transport.close()

    def abort(self) -> None:
        """Close at once; queued octets are lost."""
        self._closing = True
        # Python 3.11.2 (Debian 12): a TLS transport that was closed twice fails here, and closes by itself.
        with suppress(AttributeError):
            self.transport.abort()

    # --- deadlines

    def set_deadline(self, seconds: float) -> None:
        """Call `Session.timed_out` when `seconds` have passed without another call of this.

        The timer is re-armed only when it fires, so this costs one assignment per command.
        """
        self._deadline = self.loop.time() + seconds
        if self._timer is None:
            self._timer = self.loop.call_at(self._deadline, self._on_timer)
        elif self._timer.when() > self._deadline + 1.0:
            self._timer.cancel()
            self._timer = self.loop.call_at(self._deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._closing:
            return
        if self.loop.time() < self._deadline:
            self._timer = self.loop.call_at(self._deadline, self._on_timer)
        else:
            self.session.timed_out()
            self.flush()

    # --- compression

    @property
    def compressed(self) -> bool:
        """Whether `start_deflate` has been called."""
        return self._deflate is not None

    def start_deflate(self, rest: bytes) -> None:
        """Compress all that is written from now on, and expect the same of the peer, beginning with `rest`.

        `rest` is what the session had been fed already and has not used.
        """
        self.flush()
        self._deflate = Deflate()
        self._deflate.take(rest)

    def stop_deflate(self) -> None:
        """Compress no more from now on; what the peer sent behind its last compressed words is as it is."""
        self.flush()
        assert self._deflate is not None
        rest, self._deflate = self._deflate.rest(), None
        self.session.feed(rest)

    def pull(self) -> bool:
        """Feed the session a piece of what waits to be inflated; False when nothing came of it."""
        if self._deflate is None:
            return False
        try:
            piece = self._deflate.unpack()
        except Broken as error:
            log.info("net.broken_compression", peer=self.peer, reason=str(error))
            self.abort()
            return False
        if piece:
            self.session.feed(piece)
        return bool(piece)

    # --- TLS

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Upgrade after STARTTLS.  The caller has written its answer and dropped all octets read before.

        Raises: ConnectionError when the handshake fails.
        """
        self.flush()
        self._upgrading = True
        map_tls_buffer(self.loop)
        try:
            transport = await self.loop.start_tls(
                self.transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=2.0,
            )
        except (OSError, ssl.SSLError) as error:
            # The event loop tells nobody of a connection that is lost while hands are shaken.
            self.loop.call_soon(self.connection_lost, error)
            raise ConnectionResetError from error
        finally:
            self._upgrading = False
        if transport is None:
            self.loop.call_soon(self.connection_lost, None)
            raise ConnectionResetError
        self.transport = transport
        transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        self._reading_paused = False
        self.tls = True
