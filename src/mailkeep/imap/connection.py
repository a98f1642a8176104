"""Joins net, wire and session: runs each command that the framer finds, and completes it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import structlog

from mailkeep.imap.capabilities import capability_code
from mailkeep.imap.commands import BY_NUMBER, COMMANDS
from mailkeep.imap.commands.table import Command, State
from mailkeep.imap.done import COMPLETED, Bad, Done, Refused
from mailkeep.imap.errors import RESPONSE_CODE
from mailkeep.imap.selected import NoSuchMessage
from mailkeep.imap.session import (
    LOGGED_IN_IDLE_S,
    LOGGED_OUT_IDLE_S,
    Options,
    Selected,
    Services,
    Session,
)
from mailkeep.imap.wire import command as wire_command
from mailkeep.imap.wire import framing, response
from mailkeep.imap.wire.lexer import ParseError, Refusal
from mailkeep.model.errors import Forbidden, MailError
from mailkeep.model.metadata import MAX_VALUE
from mailkeep.net.connection import Connection, Step
from mailkeep.service.spool import IN_MEMORY, Spool

PAUSE_S: Final = 0.1  # between two times that something is told without a command
MISTAKES: Final = 20  # in a row; then the client is no IMAP client

log = structlog.get_logger()


class ImapConnection(Session):
    """A session as the connection engine sees it."""

    def __init__(
        self,
        connection: Connection,
        services: Services,
        options: Options,
        tls_context: Callable[[], ssl.SSLContext] | None,
        spool_directory: Path,
    ) -> None:
        super().__init__(connection, services, options, tls_context)
        self._spool_directory = spool_directory
        self._mistakes = 0
        self._commands = services.tally.commands
        self._farewell = ""  # what to say as soon as the running command is done, and then to close
        self._alerted = False  # there is something to tell although no command runs
        self._alarm: asyncio.TimerHandle | None = None  # … or will be
        self._told_at = 0.0
        self._spools: list[Spool] = []  # of the command that is coming in
        connection.set_deadline(LOGGED_OUT_IDLE_S)
        # The words are neutral: MailKit looks for other servers' names in the greeting.
        self.untagged(b"OK [%b] mailkeep ready" % capability_code(self))

    # --- what the engine asks

    def feed(self, data: bytes) -> None:
        """Octets arrived."""
        self.framer.feed(data)
        self.wake()

    def buffered(self) -> int:
        """Octets not yet consumed."""
        return self.framer.buffered

    def next(self) -> Step | None:
        """The next whole command; announcements of literals are answered on the way."""
        if self._farewell:
            self._say_goodbye(self._farewell)
            return None
        while not self.closing and (event := self.framer.next()) is not None:
            match event:
                case framing.Raw():
                    return self._run(event)
                case framing.NeedContinuation():
                    self._continue(event)
                case framing.LiteralData():
                    self._take(event)
                case framing.Refused(tag, "SETMETADATA"):  # RFC 5464 §4.3 has a code of its own for it
                    self._answer_refused(tag, b"NO [%b] Value is too large" % response.metadata_maxsize(MAX_VALUE))
                case framing.Refused(tag):
                    self._answer_refused(tag, b"NO [TOOBIG] Literal is larger than allowed")
                case framing.TooLong(tag):
                    self._answer_refused(tag, b"BAD [TOOBIG] Command is longer than allowed")
        return self._tell_news() if self._alerted and not self.closing else None

    def alert(self) -> None:
        """See `Session.alert`: at once, but not again and again: what has happened meanwhile is told together."""
        if self._alarm is None:
            loop = self.connection.loop
            self._alarm = loop.call_at(max(loop.time(), self._told_at + PAUSE_S), self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._told_at = self.connection.loop.time()
        if self.idling:
            self.wake()
        else:
            self._alerted = True
            self.connection.run_soon()

    async def _tell_news(self) -> None:
        self._alerted = False
        if self.authenticated is not None:
            try:
                await self.authenticated.tell_news()
            except (MailError, Refused) as error:
                log.info("imap.not_told", reason=str(error))  # a command will tell the client what is wrong

    def timed_out(self) -> None:
        """Nothing came for too long; in IDLE, time to show that the server is there."""
        if self.idling and not self.connection.stalled:
            self.untagged(b"OK Idling on")
            self.connection.set_deadline(self.options.keep_alive_s)
            return
        self._say_goodbye("Autologout: idle for too long")

    def drain(self) -> None:
        """The server stops."""
        self.dismiss("Server is going down, reconnect soon")

    def dismiss(self, text: str) -> None:
        """Say goodbye as soon as the running command is done."""
        self._farewell = text
        if not self.connection.busy or self.idling:  # else `_complete` looks at `_farewell`
            self._say_goodbye(text)

    def bug(self) -> None:
        """Last words."""
        self.untagged(b"BYE [SERVERBUG] Internal error, it has been logged")

    def lost(self) -> None:
        """The connection is gone."""
        if self._alarm is not None:
            self._alarm.cancel()
        self.release()
        self._discard_spools()

    def _say_goodbye(self, text: str) -> None:
        if not self.closing:
            self.closing = True
            self.write(response.status_line(response.UNTAGGED, response.BYE, text))
            self.connection.close()

    # --- literals

    def _continue(self, event: framing.NeedContinuation) -> None:
        """Let the literal come, whose size has been checked; not for a command that there is not."""
        row = COMMANDS.get(event.name)
        if event.name == "UID" or (row is not None and row.capability not in self.options.off):
            self.framer.accept()
            self.write(response.continuation(b"Ready for literal data"))
        else:
            self.framer.refuse()
            self._answer_refused(event.tag, b"BAD Unknown command")

    def _take(self, event: framing.LiteralData) -> None:
        literal = event.literal
        if literal.sink is None:
            literal.sink = self.open_spool()
        assert isinstance(literal.sink, Spool)
        literal.sink.write(event.chunk)

    def open_spool(self) -> Spool:
        """See `Session.open_spool`."""
        room = max(0, IN_MEMORY - sum(spool.held for spool in self._spools))
        spool = Spool(self._spool_directory, self.options.max_message, room)
        self._spools.append(spool)
        return spool

    def _answer_refused(self, tag: bytes, answer: bytes) -> None:
        self._discard_spools()
        self.write(b"%b %b\r\n" % (tag, answer))
        self._mistake()

    def _discard_spools(self) -> None:
        """Forget messages that nobody took; those that were taken are the store's already."""
        for spool in self._spools:
            spool.discard()
        self._spools.clear()

    # --- commands

    async def _run(self, raw: framing.Raw) -> None:
        """Parse, check, carry out and complete one command."""
        self.connection.set_deadline(LOGGED_IN_IDLE_S if self.authenticated else LOGGED_OUT_IDLE_S)
        tag, row, opened = b"*", None, self.selected
        try:
            command = wire_command.parse(raw, utf8=self.enabled.utf8_names, off=self.options.off)
            tag = self.tag = command.tag
            row = COMMANDS.get(command.name)
            if row is None or row.capability in self.options.off:
                row = None
                raise Bad(f"Unknown command {command.name}")
            self._commands[row.name] += 1
            if self.selected is not None and self.selected.guest is not None and not await self.selected.heed_rights():
                raise Forbidden("The mailbox is no longer accessible")
            if self.enabled.uidonly and row.name in BY_NUMBER:
                raise Refused(f"Only UID {row.name} is understood", b"UIDREQUIRED", response.BAD)  # RFC 9586
            state = self._state(row)
            if row.writes and self.authenticated is not None and self.authenticated.login.read_only:
                raise Forbidden("This login is for reading only")
            done = await row.handler(state, row.parse(command.args)) or COMPLETED
        except wire_command.InvalidCommand as error:
            tag, done = error.tag, Done(error.text, word=response.BAD)
        except Refusal as error:
            done = Done(error.text, error.code.encode("ascii"), response.NO)
        except ParseError as error:
            done = Done(f"{error.text} (at octet {error.position})", word=response.BAD)
        except (Bad, NoSuchMessage) as error:
            done = Done(str(error), word=response.BAD)
        except Refused as error:
            done = Done(str(error), error.code, error.word)
        except MailError as error:
            done = Done(error.text, RESPONSE_CODE[type(error)], response.NO)
        finally:
            if self._spools:
                self._discard_spools()
        await self._complete(tag, row, done, opened)

    def _state(self, row: Command) -> Any:
        """What the handler is given: the session in the state that the command needs.  Raises: Bad."""
        match row.state:
            case State.ANY:
                return self
            case State.NOT_AUTHENTICATED:
                if self.authenticated is not None:
                    raise Bad("Already logged in")
                return self
            case State.AUTHENTICATED:
                if self.authenticated is None:
                    raise Bad("Log in first")
                return self.authenticated
            case State.SELECTED:
                if self.selected is None:
                    raise Bad("Log in first" if self.authenticated is None else "Select a mailbox first")
                return self.selected

    async def _complete(self, tag: bytes, row: Command | None, done: Done, opened: Selected | None) -> None:
        """Tell what has happened meanwhile, then the tagged answer (RFC 9051 §5.2, §7.1).

        The answer to SELECT is one state of the mailbox: what happens while it is given is told with the next command.
        `opened`: what was selected before the command.
        """
        if self.selected is not None and self.selected is opened and row is not None and not self.selected.is_told:
            with_uid = row.name.startswith("UID ")
            await self.selected.sync(may_expunge=row.may_expunge, with_uid=with_uid, removes=row.removes)
        if self.authenticated is not None and self.authenticated.watch is not None:
            await self.authenticated.watch.tell()
        if self.authenticated is not None and self.authenticated.metadata is not None:
            await self.authenticated.tell_metadata()
        if done is COMPLETED and row is not None:
            self.write(b"%b OK %b completed\r\n" % (tag, row.name.encode("ascii")))
        else:
            if done.word is not response.OK:
                self.services.tally.refused[row.name if row else "?", done.word.decode("ascii")] += 1
            text = done.text or (f"{row.name} completed" if row else "Completed")
            self.write(response.status_line(tag, done.word, text, done.code))
        if done.word is response.BAD:
            self._mistake()
        else:
            self._mistakes = 0
        if done.then is not None:
            await done.then()
        if self._farewell:
            self._say_goodbye(self._farewell)
        elif self.closing:
            self.connection.close()

    def _mistake(self) -> None:
        self._mistakes += 1
        if self._mistakes >= MISTAKES:
            self._say_goodbye("Too many mistakes in a row")
