"""LMTP on a connection (RFC 2033)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mailkeep.net.connection import Connection, Step
from mailkeep.service.delivery import Delivery
from mailkeep.service.spool import Spool
from mailkeep.service.tally import Tally
from mailkeep.smtp.commands import LMTP
from mailkeep.smtp.commands.bdat import chunk_read
from mailkeep.smtp.commands.table import When
from mailkeep.smtp.errors import BUG
from mailkeep.smtp.session import Options, Session
from mailkeep.smtp.wire.command import WireError, split
from mailkeep.smtp.wire.reader import Event, Line, Mark, Octets
from mailkeep.smtp.wire.reply import Reply

MISTAKES: Final = 20  # in a row; then the client is no LMTP client
_MISTAKEN: Final = frozenset({500, 501, 502, 503, 504, 555})

_TOO_LONG: Final = Reply(500, "5.5.2", "Line is too long")
_BARE_LF: Final = Reply(500, "5.5.2", "Lines end with CRLF")
_STOPPING: Final = Reply(421, "4.3.2", "Server is going down, try again soon")
_IDLE: Final = Reply(421, "4.4.2", "Idle for too long, closing connection")
_HOPELESS: Final = Reply(421, "4.7.0", "Too many mistakes in a row, closing connection")


class LmtpConnection(Session):
    """A session as the connection engine sees it."""

    def __init__(
        self, connection: Connection, delivery: Delivery, options: Options, spool_directory: Path, tally: Tally
    ) -> None:
        super().__init__(
            connection, delivery, lambda: Spool(spool_directory, options.max_message), options, connection.peer
        )
        self._connection = connection
        self._tally = tally
        self._mistakes = 0
        self._draining = False
        connection.set_deadline(options.idle_s)
        self.reply(Reply(220, "", f"{options.hostname} LMTP mailkeep ready"))

    # --- what the engine asks

    def feed(self, data: bytes) -> None:
        """Octets arrived."""
        self.reader.feed(data)

    def buffered(self) -> int:
        """Octets not yet consumed."""
        return self.reader.buffered()

    def next(self) -> Step | None:
        """The next command line, or piece of the message."""
        if self._draining:
            self._say_goodbye(_STOPPING)
        if self.closing:
            return None
        event = self.reader.next()
        return None if event is None else self._run(event)

    def timed_out(self) -> None:
        """Nothing came for too long; unless it is the client who waits for us, and not we who wait for it to read."""
        if self._connection.busy and not self._connection.stalled:
            self._connection.set_deadline(self.options.idle_s)
        else:
            self._say_goodbye(_IDLE)

    def drain(self) -> None:
        """The server stops.  A delivery under way is completed and answered; `next` says goodbye then."""
        self._draining = True
        if not self._connection.busy:
            self._say_goodbye(_STOPPING)

    def bug(self) -> None:
        """Last words."""
        self.reply(BUG)

    def lost(self) -> None:
        """The connection is gone."""
        self.closing = True
        self.reset()

    def _say_goodbye(self, reply: Reply) -> None:
        if not self.closing:
            self.closing = True
            self.reply(reply)
            self._connection.close()

    # --- events

    async def _run(self, event: Event) -> None:
        self._connection.set_deadline(self.options.idle_s)
        if isinstance(event, Octets):
            self.take(event.octets)
        elif (reply := await self._reply_to(event)) is not None:
            self._answer(reply)

    async def _reply_to(self, event: Line | Mark) -> Reply | None:
        match event:
            case Line(octets):
                return self._command(octets)
            case Mark.END:
                return await self._end()
            case Mark.TOO_LONG:
                return _TOO_LONG
            case Mark.BARE_LF:
                return _BARE_LF

    async def _end(self) -> Reply | None:
        if self.chunk is not None:
            return await chunk_read(self, self.chunk)
        await self.finish()
        return None

    def _command(self, line: bytes) -> Reply | None:
        row = None
        try:
            verb, argument = split(line)
            row = LMTP.get(verb)
            if row is None:
                return Reply(500, "5.5.1", "Unknown command")
            self._tally.commands[verb] += 1
            if not self._allowed(row.when):
                return Reply(503, "5.5.1", row.when.value)
            return row.run(self, row.parse(argument))
        except WireError as error:
            if row is not None and row.mistake_is_fatal:
                self.closing = True
            return error.reply

    def _allowed(self, when: When) -> bool:
        match when:
            case When.ALWAYS:
                return True
            case When.GREETED:
                return self.helo is not None
            case When.IN_TRANSACTION:
                return self.transaction is not None

    def _answer(self, reply: Reply) -> None:
        self.reply(reply)
        if reply.code in _MISTAKEN:
            self._mistakes += 1
            if self._mistakes >= MISTAKES:
                self._say_goodbye(_HOPELESS)
        else:
            self._mistakes = 0
        if self.closing:
            self._connection.close()
