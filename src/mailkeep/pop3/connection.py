"""Joins net, wire and session: reads each command, carries it out, and answers."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, Final

from mailkeep.model.errors import MailError
from mailkeep.net.connection import Connection, Step
from mailkeep.pop3.commands import COMMANDS
from mailkeep.pop3.commands.table import Answer, Command, State
from mailkeep.pop3.errors import BUG, Refused, reply_to
from mailkeep.pop3.maildrop import NoSuchMessage
from mailkeep.pop3.session import Options, Services, Session
from mailkeep.pop3.wire.command import WireError, split
from mailkeep.pop3.wire.reader import Mark
from mailkeep.pop3.wire.reply import Code, Reply, error, ok

MISTAKES: Final = 20  # in a row; then the client does not speak our language
# Whoever lures a browser to our port must not have the lines of a form taken for commands.
_OF_BROWSERS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT"})

_TOO_LONG: Final = error("Line is too long")
_UNKNOWN: Final = error("Unknown command")
_STOPPING: Final = error("Server is going down, try again soon", Code.SYS_TEMP)


class Pop3Connection(Session):
    """A session as the connection engine sees it."""

    def __init__(
        self,
        connection: Connection,
        services: Services,
        options: Options,
        tls_context: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """`tls_context`: for STLS; None where there is none."""
        super().__init__(connection, services, options, tls_context)
        self._tally = services.tally
        self._keyword = "?"  # of the command that runs
        self._mistakes = 0  # in a row
        self._mistaken = False  # the command that runs is none
        self._farewell: Reply | None = None  # what to say as soon as the running command is done, and then to close
        connection.set_deadline(options.idle_s)
        self.reply(ok("mailkeep ready"))

    # --- what the engine asks

    def feed(self, data: bytes) -> None:
        """Octets arrived."""
        self.reader.feed(data)
        self.wake()

    def buffered(self) -> int:
        """Octets not yet consumed."""
        return self.reader.buffered()

    def next(self) -> Step | None:
        """The next command line."""
        if self._farewell is not None:
            self._say_goodbye(self._farewell)
        if self.closing:
            return None
        line = self.reader.next()
        return None if line is None else self._run(line)

    def timed_out(self) -> None:
        """Nothing came for too long, or nothing was read: the connection ends without a word (RFC 1939 §3)."""
        if self.connection.busy and not self.connection.stalled and not self.asking:
            self.connection.set_deadline(self.options.idle_s)  # it is the client that waits for us
        else:
            self._close()

    def drain(self) -> None:
        """The server stops: what is marked as deleted stays."""
        self._dismiss(_STOPPING)

    def dismiss(self, text: str) -> None:
        """See `Session.dismiss`."""
        self._dismiss(error(text))

    def _dismiss(self, farewell: Reply) -> None:
        self._farewell = farewell
        if not self.connection.busy or self.asking:
            self._say_goodbye(farewell)
        # else `next` looks at it when the command is done

    def bug(self) -> None:
        """Last words."""
        self.reply(BUG)

    def lost(self) -> None:
        """The connection is gone."""
        self.release()

    def _say_goodbye(self, farewell: Reply) -> None:
        if not self.closing:
            self.reply(farewell)
            self._close()

    def _close(self) -> None:
        self.release()
        self.connection.close()

    # --- commands

    async def _run(self, line: bytes | Mark) -> None:
        self.connection.set_deadline(self.options.idle_s)
        named, self.user = self.user, ""
        self._mistaken = False
        try:
            answer = self._mistake(_TOO_LONG) if isinstance(line, Mark) else await self._command(line, named)
        except WireError as fault:
            answer = self._mistake(error(str(fault)))
        except NoSuchMessage as fault:
            answer = error(str(fault))
        except Refused as fault:
            answer = fault.reply
        except MailError as fault:
            answer = reply_to(fault)
        if not self._mistaken:
            self._mistakes = 0
        if answer is not None:
            self._answer(answer)
        if self.starting_tls:
            await self._start_tls()
        elif self.closing:
            self._close()

    async def _command(self, line: bytes, named: str) -> Answer:
        """Carry out one command; `named`: whom the command before it has named by USER.

        Raises: WireError, NoSuchMessage, Refused, MailError.
        """
        self._keyword = "?"
        keyword, argument = split(line)
        row = COMMANDS.get(keyword)
        if row is None:
            self.closing = keyword in _OF_BROWSERS
            return self._mistake(_UNKNOWN)
        self._keyword = keyword
        self._tally.commands[keyword] += 1
        if row.needs_user:
            self.user = named
        state = self._state(row)
        answer = row.run(state, row.parse(argument))
        return answer if isinstance(answer, Reply | None) else await answer

    def _state(self, row: Command) -> Any:
        """What the handler is given: the session in the state that the command needs.  Raises: Refused."""
        match row.state:
            case State.ANY:
                return self
            case State.AUTHORIZATION:
                if self.transaction is not None:
                    raise Refused("You have logged in already")
                return self
            case State.TRANSACTION:
                if self.transaction is None:
                    raise Refused("Log in first")
                return self.transaction

    def _answer(self, reply: Reply) -> None:
        self.reply(reply)
        if not reply.ok:
            self._tally.refused[self._keyword, "ERR"] += 1

    def _mistake(self, reply: Reply) -> Reply:
        """The reply to what is no command; after many of those in a row the connection ends."""
        self._mistaken = True
        self._mistakes += 1
        self.closing = self.closing or self._mistakes >= MISTAKES
        return reply

    async def _start_tls(self) -> None:
        """Raises: ConnectionError (hands were not shaken)."""
        assert self.tls_context is not None
        self.starting_tls = False
        self.reader.clear()
        await self.connection.start_tls(self.tls_context())
