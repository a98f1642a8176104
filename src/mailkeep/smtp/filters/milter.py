"""Milters (mail filters of Sendmail and Postfix), asked once a message is whole.

A milter hears the dialogue as it was: connection, HELO, sender, recipients, header, body.  Its answer to any of them
counts for the whole message, as there is one answer to give.  It may add, change and remove header fields, put another
body in place, and have the message held, which is Junk here; the envelope stays as it is.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mailkeep.model.errors import MailError
from mailkeep.service.spool import Octets, Spool, behind
from mailkeep.smtp.filters.fault import FilterFault, Terms, Within
from mailkeep.smtp.judging import Action, Arriving, Opinion
from mailkeep.smtp.wire import milter as wire
from mailkeep.smtp.wire.milter import Wish
from mailkeep.smtp.wire.reply import Reply

MAX_HEADER: Final = 1 << 20  # octets, before and after a milter's changes
MAX_LINES: Final = 10_000  # of a header
TURN: Final = 100  # frames between which others have their turn
MAX_CHANGES: Final = 1000  # of one message, the pieces of a new body not counted
MAX_PROGRESS: Final = 10_000  # signs of life for one answer

Where = tuple[str, int] | Path

_REFUSED: Final = Reply(550, "5.7.1", "Message refused")
_LATER: Final = Reply(451, "4.7.1", "Try again later")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Where a changed message goes: octets beyond memory are spooled in `directory`, and `max_message` is the most."""

    directory: Path
    max_message: int
    hostname: str


class Milter:
    """A judge that asks the milter at `where`: (host, port), or the path of a unix socket."""

    def __init__(self, where: Where, terms: Terms, room: Room) -> None:
        self._where = where
        self._room = room
        self._within = Within("milter", terms)

    async def judge(self, arriving: Arriving) -> Opinion:
        """See `Judge`."""
        return await self._within.ask(self._ask, arriving)

    async def _ask(self, arriving: Arriving) -> Opinion:
        try:
            head = arriving.octets.head(MAX_HEADER)
            changes = Changes(arriving, self._room, *_take_to_pieces(head))
            reader, writer = await self._connect()
            try:
                return await Dialogue(reader, writer, arriving, changes, self._room.hostname).run()
            finally:
                changes.discard()
                writer.transport.abort()
        except wire.BadFrame as error:
            raise FilterFault(str(error)) from error
        except MailError as error:
            raise FilterFault(error.text) from error
        except (OSError, EOFError) as error:
            raise FilterFault(f"no connection: {type(error).__name__}") from error

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._where, Path):
            return await asyncio.open_unix_connection(self._where)
        return await asyncio.open_connection(*self._where)


def _take_to_pieces(head: bytes) -> tuple[list[bytes], int]:
    """The fields of the header with which `head` begins, and where it ends.  Raises: FilterFault (it is too long)."""
    if head.startswith(b"\r\n"):
        return [], 0
    end = head.find(b"\r\n\r\n")
    if end < 0 and len(head) == MAX_HEADER:
        raise FilterFault("the header is too long")
    header = head if end < 0 else head[: end + 2]
    body_at = len(header)
    if header and not header.endswith(b"\r\n"):  # the last chunk of BDAT ended within a line
        header += b"\r\n"
    if header.count(b"\n") > MAX_LINES:
        raise FilterFault("the header has too many lines")
    return wire.split_header(header), body_at


class Changes:
    """What a milter has changed so far.

    Fields that other judges have put in front of the message are shown to it, and stay as they are.
    """

    def __init__(self, arriving: Arriving, room: Room, fields: list[bytes], body_at: int) -> None:
        """`body_at`: where the empty line is, behind which the body begins."""
        self._octets = arriving.octets
        self._room = room
        self._front = wire.split_header(arriving.fields)
        self._fields = fields
        self._body_at = body_at
        self._added: list[bytes] = []  # in front of all
        self._body: Spool | None = None
        self._is_changed = False
        self._count = 0
        self.junk = False
        self.leading_space = False

    def told(self) -> Iterator[bytes]:
        """The fields of the header as a milter sees it."""
        yield from self._front
        yield from self._fields

    def body(self) -> Iterator[bytes]:
        """What is behind the empty line, in pieces of what a frame takes.  Raises: Unavailable."""
        skip = self._body_at + 2
        for piece in self._octets.pieces():
            rest, skip = piece[skip:], max(0, skip - len(piece))
            for at in range(0, len(rest), wire.CHUNK):
                yield rest[at : at + wire.CHUNK]

    def take(self, answer: wire.Answer) -> None:
        """One more change.  Raises: BadFrame."""
        match answer:
            case wire.ReplaceBody(octets):
                self._replace_body(octets)
                return
            case wire.Quarantine():
                self.junk = True
            case wire.AddField(name, value, index):
                self._add(self._render(name, value), index)
            case wire.ChangeField(name, value, index):
                self._change(name, value, index)
            case wire.Options() | wire.Verdict():
                raise wire.BadFrame("an answer out of turn")
        self._count += 1
        if self._count > MAX_CHANGES:
            raise wire.BadFrame("too many changes")

    def _render(self, name: bytes, value: bytes) -> bytes:
        return wire.render(name, value, leading_space=self.leading_space)

    def _add(self, whole: bytes, index: int | None) -> None:
        if index is not None:
            index = max(
                index - 1, 0
            )  # the server's own Received line, which milters do not see, is counted as the first
            if index <= len(self._front):
                self._added.insert(min(index, len(self._added)), whole)
                return
        at = len(self._fields) if index is None else index - len(self._front)
        self._fields.insert(at, whole)
        self._is_changed = True

    def _change(self, name: bytes, value: bytes, index: int) -> None:
        wanted = name.lower()
        index -= sum(1 for whole in self._front if _name_of(whole) == wanted)
        if index < 1:
            return
        places = [at for at, whole in enumerate(self._fields) if _name_of(whole) == wanted]
        if index <= len(places):
            self._fields[places[index - 1] : places[index - 1] + 1] = [self._render(name, value)] if value else []
            self._is_changed = True
        elif value:
            self._add(self._render(name, value), None)

    def _replace_body(self, octets: bytes) -> None:
        if self._body is None:
            self._body = Spool(self._room.directory, self._room.max_message)
        self._body.write(octets)

    async def opinion(self) -> Opinion:
        """Accepted, as changed.  Raises: TooLarge, Unavailable, BadFrame."""
        action = Action.JUNK if self.junk else Action.ACCEPT
        return Opinion(action, fields=b"".join(self._added), octets=await self._changed())

    async def _changed(self) -> Octets | None:
        if self._body is None and not self._is_changed:
            return None
        header = b"".join(self._fields) + b"\r\n"
        if len(header) > MAX_HEADER:
            raise wire.BadFrame("the header has become too long")
        if self._body is None:
            return await behind(header, self._octets, self._body_at + 2)
        return await behind(header, self._body.finish())

    def discard(self) -> None:
        """Forget what came of a new body, of which `opinion` has made a copy."""
        if self._body is not None:
            self._body.discard()


def _name_of(whole: bytes) -> bytes:
    return whole.partition(b":")[0].rstrip(b" \t").lower()


@dataclass(slots=True)
class Dialogue:
    """One message, told to one milter."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    arriving: Arriving
    changes: Changes
    hostname: str
    wishes: Wish = field(default=Wish(0))

    async def run(self) -> Opinion:
        """Its opinion.  Raises: OSError, EOFError, BadFrame, MailError."""
        self.writer.write(wire.negotiate())
        options = await self._answer()
        if not isinstance(options, wire.Options):
            raise wire.BadFrame("no options")
        self.wishes = options.wishes
        self.changes.leading_space = bool(self.wishes & Wish.LEADING_SPACE)
        for unwanted, silent, frames in self._steps():
            if self.wishes & unwanted:
                continue
            for number, frame in enumerate(frames):
                self.writer.write(frame)
                await self.writer.drain()
                if number % TURN == TURN - 1:
                    await asyncio.sleep(0)
                if self.wishes & silent or frame[4:5] == b"D":
                    continue
                verdict = await self._verdict()
                if verdict.letter == wire.SKIP and unwanted is Wish.NO_BODY:
                    break
                if verdict.letter != wire.CONTINUE:
                    return _opinion(verdict)
        return await self._end()

    def _steps(self) -> Iterator[tuple[Wish, Wish, Iterator[bytes]]]:
        """What is told: which wish spares it, which wish spares its answer, and the frames."""
        yield Wish.NO_CONNECT, Wish.SILENT_CONNECT, self._connect()
        yield Wish.NO_HELO, Wish.SILENT_HELO, iter((wire.frame(b"H", wire.text(self.arriving.helo)),))
        yield Wish.NO_MAIL, Wish.SILENT_MAIL, self._mail()
        yield Wish.NO_RCPT, Wish.SILENT_RCPT, self._rcpt()
        yield Wish.NO_DATA, Wish.SILENT_DATA, iter((wire.frame(b"T"),))
        yield Wish.NO_FIELDS, Wish.SILENT_FIELD, self._header()
        yield Wish.NO_END_OF_HEADER, Wish.SILENT_END_OF_HEADER, iter((wire.frame(b"N"),))
        yield Wish.NO_BODY, Wish.SILENT_BODY, (wire.frame(b"B", piece) for piece in self.changes.body())

    def _connect(self) -> Iterator[bytes]:
        arriving = self.arriving
        macros = {"j": self.hostname, "{daemon_name}": "mailkeep", "{client_addr}": arriving.peer}
        yield wire.macros(b"C", macros)
        yield wire.connect(arriving.peer_name, arriving.peer)

    def _mail(self) -> Iterator[bytes]:
        arriving = self.arriving
        macros = {"i": secrets.token_hex(8), "{mail_addr}": arriving.reverse_path}
        if arriving.user:
            macros["{auth_authen}"] = arriving.user
        yield wire.macros(b"M", macros)
        yield wire.frame(b"M", wire.text(f"<{arriving.reverse_path}>"))

    def _rcpt(self) -> Iterator[bytes]:
        for recipient in self.arriving.recipients:
            yield wire.macros(b"R", {"{rcpt_addr}": recipient})
            yield wire.frame(b"R", wire.text(f"<{recipient}>"))

    def _header(self) -> Iterator[bytes]:
        for whole in self.changes.told():
            told = wire.tell(whole, leading_space=self.changes.leading_space)
            if told is not None:
                yield told

    async def _end(self) -> Opinion:
        self.writer.write(wire.frame(b"E"))
        while True:
            answer = await self._answer()
            if not isinstance(answer, wire.Verdict):
                self.changes.take(answer)
                await asyncio.sleep(0)
            elif answer.letter in (wire.CONTINUE, wire.ACCEPT):
                self.writer.write(wire.frame(b"Q"))
                return await self.changes.opinion()
            else:
                return _opinion(answer)

    async def _verdict(self) -> wire.Verdict:
        answer = await self._answer()
        if not isinstance(answer, wire.Verdict):
            raise wire.BadFrame("a change before the end of the message")
        return answer

    async def _answer(self) -> wire.Answer:
        """The next answer that is more than a sign of life."""
        for _ in range(MAX_PROGRESS):
            size = wire.length(await self.reader.readexactly(4))
            answer = wire.parse(await self.reader.readexactly(size))
            if answer != wire.Verdict(wire.PROGRESS):
                return answer
        raise wire.BadFrame("signs of life without end")


def _opinion(verdict: wire.Verdict) -> Opinion:
    """What an answer means that ends the dialogue.  Raises: BadFrame."""
    match verdict.letter:
        case wire.ACCEPT:
            return Opinion()
        case wire.DISCARD:
            return Opinion(Action.DISCARD)
        case wire.REJECT:
            return Opinion(Action.REJECT, _REFUSED)
        case wire.TEMPFAIL:
            return Opinion(Action.DEFER, _LATER)
        case wire.REPLY:
            code = 451 if verdict.code == 421 else verdict.code  # the connection stays open
            reply = Reply(code, verdict.enhanced, verdict.words or _REFUSED.text)
            return Opinion(Action.DEFER if code < 500 else Action.REJECT, reply)
        case _:
            raise wire.BadFrame("an answer out of turn")
