"""Octets to and from another server: answers in, commands and messages out, with a deadline on each wait."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import Final, cast

from mailkeep.smtp.outbound.fault import Lost
from mailkeep.smtp.wire.answer import Answer, AnswerReader, NoAnswer

MAX_EARLY: Final = 3  # refusals that nobody has asked for yet: of a message that is still being sent, and good-byes


class Link(asyncio.Protocol):
    """One connection.  `answer` and `drain` raise Lost; a link that has raised is of no more use."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = AnswerReader()
        self._answers: deque[Answer] = deque()
        self._due = 1  # answers that were asked for and have not come; the first is the greeting
        self._why = ""  # the connection is over
        self._waiter: asyncio.Future[None] | None = None  # for an answer
        self._room: asyncio.Future[None] | None = None  # for room to write

    # ---- asyncio -------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._why:
            return
        self._reader.feed(data)
        try:
            while (answer := self._reader.next()) is not None:
                self._due -= 1
                # Whoever says yes before the question would be believed to have taken what it has not seen.
                if self._due < (0 if answer.code < 400 else -MAX_EARLY):
                    raise NoAnswer("an answer that nobody has asked for")
                self._answers.append(answer)
        except NoAnswer as error:
            self._end(f"not understood: {error}")
            self.abort()
        _wake(self._waiter)

    def eof_received(self) -> bool:
        """See `asyncio.Protocol`."""
        self._end("closed by the other side")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._end(f"lost: {exc}" if exc else "closed by the other side")

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        _wake(self._room)
        self._room = None

    # ---- what the dialogue uses ----------------------------------------------------------------------------------

    @property
    def is_quiet(self) -> bool:
        """Whether the connection is there, and the other side has said nothing that was not asked for."""
        return not self._why and not self._answers and self._reader.is_empty

    @property
    def has_answer(self) -> bool:
        """Whether an answer has come that nobody has taken."""
        return bool(self._answers)

    @property
    def tls(self) -> ssl.SSLObject | None:
        """What TLS knows of the connection; None in the clear."""
        return self._open.get_extra_info("ssl_object") if self._transport is not None else None

    def write(self, data: bytes, *, answers: int = 1) -> None:
        """Send, without waiting; so many answers are to come of it."""
        self._due += answers
        self._open.write(data)

    async def drain(self, within_s: float) -> None:
        """Wait until the other side has taken enough.  Raises: Lost."""
        if self._room is not None and not self._why:
            await self._wait(self._room, within_s, "does not read")
        if self._why:
            raise Lost(self._why)

    async def answer(self, within_s: float) -> Answer:
        """The next answer.  Raises: Lost."""
        deadline = self._loop.time() + within_s
        while not self._answers:
            if self._why:
                raise Lost(self._why)
            self._waiter = self._loop.create_future()
            await self._wait(self._waiter, deadline - self._loop.time(), "does not answer")
        return self._answers.popleft()

    async def start_tls(self, context: ssl.SSLContext, name: str | None, within_s: float) -> None:
        """Go on inside TLS.  `name`: what the other side is asked to prove (SNI).

        Raises: Lost, ssl.SSLError (it has no TLS that we want, or cannot prove its name).
        """
        if not self.is_quiet:
            # What came in the clear after the answer to STARTTLS must not be taken for something said inside TLS.
            raise Lost("spoke before TLS began")
        try:
            transport = await self._loop.start_tls(
                self._open, self, context, server_hostname=name, ssl_handshake_timeout=within_s
            )
        except ssl.SSLError:
            raise
        except (OSError, TimeoutError) as error:
            raise Lost(f"TLS could not be negotiated: {error}") from error
        if transport is None:
            raise Lost("closed by the other side")
        self._transport = transport

    def abort(self) -> None:
        """Cut the connection."""
        self._end("closed")
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close the connection once what was written is sent."""
        self._end("closed")
        if self._transport is not None:
            self._transport.close()

    @property
    def _open(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    async def _wait(self, future: asyncio.Future[None], within_s: float, otherwise: str) -> None:
        try:
            async with asyncio.timeout(within_s):
                await future
        except TimeoutError:
            self._end(otherwise)
            self.abort()
            raise Lost(otherwise) from None

    def _end(self, why: str) -> None:
        self._why = self._why or why
        _wake(self._waiter)
        _wake(self._room)


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
