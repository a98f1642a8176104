"""A dialogue on a connection: LMTP, SMTP from strangers, submission by users."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mailkeep.model.errors import MailError
from mailkeep.net.connection import Connection, Step
from mailkeep.service.spool import Spool
from mailkeep.service.tally import Tally
from mailkeep.smtp.commands.bdat import chunk_read
from mailkeep.smtp.commands.table import Answer, Command, When
from mailkeep.smtp.errors import BUG, Refused, reply_to
from mailkeep.smtp.session import Options, Role, Session, Users
from mailkeep.smtp.wire.command import WireError, split
from mailkeep.smtp.wire.reader import Event, Line, Mark, Octets
from mailkeep.smtp.wire.reply import Reply

MISTAKES: Final = 20  # in a row; then the client does not speak our language
IDLE_COMMANDS: Final = 100  # without a message between them, from strangers and users
PROGRESS: Final = 30_000  # octets of a message that must come before each deadline: 100 a second
_ADVANCING: Final = frozenset({"STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BDAT", "BURL", "QUIT"})
# Whoever lures a browser to our port must not have the lines of a form taken for commands.
_OF_BROWSERS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT"})
_MISTAKEN: Final = frozenset({500, 501, 502, 503, 504, 530, 555})

_TOO_LONG: Final = Reply(500, "5.5.2", "Line is too long")
_BARE_LF: Final = Reply(500, "5.5.2", "Lines end with CRLF")
_STOPPING: Final = Reply(421, "4.3.2", "Server is going down, try again soon")
_IDLE: Final = Reply(421, "4.4.2", "Idle for too long, closing connection")
_AIMLESS: Final = Reply(421, "4.7.0", "Too many commands without a message, closing connection")
_ENDLESS: Final = Reply(552, "5.3.4", "Message is much too large, closing connection")
_HOPELESS: Final = Reply(421, "4.7.0", "Too many mistakes in a row, closing connection")


class SmtpConnection(Session):
    """A session as the connection engine sees it."""

    def __init__(
        self,
        connection: Connection,
        role: Role,
        commands: Mapping[str, Command],
        options: Options,
        spool_directory: Path,
        tally: Tally,
        *,
        tls_context: Callable[[], ssl.SSLContext] | None = None,
        users: Users | None = None,
    ) -> None:
        """`tls_context`: for STARTTLS; None where there is none.  `users`: who may log in."""
        super().__init__(
            connection,
            role,
            lambda: Spool(spool_directory, options.max_message),
            options,
            peer=connection.peer,
            tls=connection.tls,
            can_start_tls=tls_context is not None,
            secured=connection.secured,
            users=users,
        )
        self._connection = connection
        self._commands = commands
        self._tally = tally
        self._tls_context = tls_context
        self._verb = "?"  # of the command that runs
        self._mistakes = 0
        self._idle_commands = 0
        self._progress = 0  # octets of a message since the deadline was set,
        self._taken = 0  # and since DATA or BDAT
        self._farewell: Reply | None = None  # what to say as soon as the running command is done, and then to close
        connection.set_deadline(options.idle_s)
        self.reply(Reply(220, "", f"{options.hostname} {role.name} mailkeep ready"))

    def reply(self, reply: Reply) -> None:
        """Queue a reply, and count those that refuse."""
        super().reply(reply)
        if not reply.ok:
            self._tally.refused[self._verb, str(reply.code)] += 1

    async def finish(self) -> None:
        """See `Session.finish`: the client is here for something."""
        self._idle_commands = 0
        await super().finish()

    # --- what the engine asks

    def feed(self, data: bytes) -> None:
        """Octets arrived."""
        self.reader.feed(data)
        self.wake()

    def buffered(self) -> int:
        """Octets not yet consumed."""
        return self.reader.buffered()

    def next(self) -> Step | None:
        """The next command line, or piece of the message."""
        if self._farewell is not None:
            self._say_goodbye(self._farewell)
        if self.closing:
            return None
        event = self.reader.next()
        return None if event is None else self._run(event)

    def timed_out(self) -> None:
        """Nothing came for too long; unless it is the client who waits for us, and not we who wait for it to read."""
        if self._connection.busy and not self._connection.stalled and not self.asking:
            self._connection.set_deadline(self.options.idle_s)
        else:
            self._say_goodbye(_IDLE)

    def drain(self) -> None:
        """The server stops.  A delivery under way is completed and answered; `next` says goodbye then."""
        self._leave(_STOPPING)

    def dismiss(self, text: str) -> None:
        """See `Session.dismiss`.  RFC 5321 §3.8: 421 is for whatever comes next."""
        self._leave(Reply(421, "4.7.0", text))

    def _leave(self, reply: Reply) -> None:
        self._farewell = reply
        if not self._connection.busy or self.asking:
            self._say_goodbye(reply)

    def bug(self) -> None:
        """Last words."""
        self.reply(BUG)

    def lost(self) -> None:
        """The connection is gone."""
        self.release()

    def _say_goodbye(self, reply: Reply) -> None:
        if not self.closing:
            self.closing = True
            self.reply(reply)
            self._connection.close()

    # --- events

    async def _run(self, event: Event) -> None:
        if isinstance(event, Octets):
            self._take(event.octets)
            return
        self._rearm()
        try:
            answer = await self._answer_to(event)
        except (WireError, Refused) as error:
            answer = error.reply
        except MailError as error:
            answer = reply_to(error)
        if answer is not None:
            self._answer(answer)
        if self.starting_tls:
            await self._start_tls()

    def _rearm(self) -> None:
        self._progress = self._taken = 0
        self._connection.set_deadline(self.options.idle_s)

    def _take(self, octets: bytes) -> None:
        """A piece of the message: to send it octet by octet gives nobody more time."""
        self._progress += len(octets)
        self._taken += len(octets)
        if self._taken > 2 * self.options.max_message + PROGRESS:
            self.reset()
            self._say_goodbye(_ENDLESS)
            return
        if self._progress >= PROGRESS:
            self._connection.set_deadline(self.options.idle_s)
            self._progress = 0
        self.take(octets)

    async def _answer_to(self, event: Line | Mark) -> Answer:
        match event:
            case Line(octets):
                return await self._command(octets)
            case Mark.END:
                return await self._end()
            case Mark.TOO_LONG:
                return _TOO_LONG
            case Mark.BARE_LF:
                return _BARE_LF

    async def _end(self) -> Answer:
        if self.chunk is not None:
            return await chunk_read(self, self.chunk)
        await self.finish()
        return None

    async def _command(self, line: bytes) -> Answer:
        """Carry out one command.  Raises: WireError, Refused, MailError."""
        self._verb = "?"
        verb, argument = split(line)
        row = self._commands.get(verb)
        if row is None:
            self.closing = verb in _OF_BROWSERS
            return Reply(500, "5.5.1", "Unknown command")
        self._verb = verb
        self._tally.commands[verb] += 1
        self._count(verb)
        self._require(row.when)
        try:
            value = row.parse(argument)
        except WireError:
            self.closing = self.closing or row.mistake_is_fatal
            raise
        answer = row.run(self, value)
        return answer if isinstance(answer, Reply | None) else await answer

    def _count(self, verb: str) -> None:
        """Raises: Refused (the client only keeps the connection)."""
        self._idle_commands += verb not in _ADVANCING
        if self._idle_commands > IDLE_COMMANDS and self.role.strict:
            self.closing = True
            raise Refused(_AIMLESS)

    def _require(self, when: When) -> None:
        """Raises: Refused (the session is not in that state)."""
        if when is When.AUTHENTICATED and self.helo is not None and self.user is None:
            # RFC 3207 §4, RFC 4954 §6
            raise Refused(Reply(530, "5.7.0", when.value if self.tls else "Begin with STARTTLS"))
        if not self._is(when):
            raise Refused(Reply(503, "5.5.1", when.value))

    def _is(self, when: When) -> bool:
        match when:
            case When.ALWAYS:
                return True
            case When.GREETED:
                return self.helo is not None
            case When.AUTHENTICATED:
                return self.user is not None
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

    async def _start_tls(self) -> None:
        """Raises: ConnectionError (hands were not shaken)."""
        assert self._tls_context is not None
        self.starting_tls = False
        self.reader.clear()
        await self._connection.start_tls(self._tls_context())
        self.tls = True
        self.forget()
