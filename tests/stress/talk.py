"""A connection that pipelines: commands go out, responses come in, one by one and strictly parsed."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Self

from tests import imap_grammar
from tests.imap_grammar import Response
from tests.stress.octets import Dropped, Octets
from tests.stress.replica import NO_EXPUNGE_DURING, Contradiction, Dialect, Replica

DEADLINE_S: Final = 90.0  # for anything that the server owes; machines may be busy
KEPT: Final = 4000  # lines of the transcript


@dataclass(slots=True, eq=False)
class Command:
    """A command on its way: what it says, and what is to be done as its answers come."""

    name: str  # as in the RFC: "FETCH", "UID FETCH", …
    text: str  # without the tag
    literal: bytes = b""  # one that waits for "+", at the end
    idle: Callable[[], Awaitable[None]] | None = None  # what to do between "+" and DONE
    started: Callable[[], None] | None = None  # the server begins with it, as far as the client can know
    ended: Callable[[], None] | None = None  # it is answered
    tag: str = ""
    reply: Response | None = None  # the tagged answer
    untagged: list[Response] = field(default_factory=list)

    @property
    def may_expunge(self) -> bool:
        """Whether expunges may be told with it, so that message numbers after it are not known before it ends."""
        return self.name not in NO_EXPUNGE_DURING

    @property
    def waits(self) -> bool:
        """Whether the server must say "+" before anything may follow."""
        return bool(self.idle or self.literal)

    @property
    def is_ok(self) -> bool:
        """Whether it was answered with OK."""
        return self.reply is not None and self.reply.kind == "OK"


class Talk:
    """One logged-in connection and the replica that it feeds."""

    def __init__(self, name: str, dialect: Dialect) -> None:
        self.name = name
        self.replica = Replica(dialect)
        self.flying: deque[Command] = deque()
        self.transcript: deque[str] = deque(maxlen=KEPT)
        self.responses = 0
        self.commands = 0
        self.offers: set[str] = set()  # capabilities
        self._utf8 = False
        self._octets: Octets

    async def open_(self, address: tuple[str, int], user: str, password: str) -> Self:
        """Connect, log in, enable what the dialect needs."""
        _, self._octets = await asyncio.get_running_loop().create_connection(Octets, *address)
        greeting = await self._read()
        if greeting.kind != "OK":
            raise Dropped(f"greeted with {greeting.raw!r}")
        await self.ok(Command("LOGIN", f'LOGIN "{user}" "{password}"'))
        asked = await self.ok(Command("CAPABILITY", "CAPABILITY"))
        self.offers = {word for response in asked.untagged if response.kind == "CAPABILITY" for word in response.data}
        if self.replica.dialect.enable:
            await self.ok(Command("ENABLE", f"ENABLE {self.replica.dialect.enable}"))
            self._utf8 = self.replica.dialect.rev2
        return self

    def close(self) -> None:
        """Hang up."""
        self._octets.transport.close()

    async def ok(self, command: Command) -> Command:
        """Run one command that must succeed, after all that fly."""
        self.send(command)
        await self.land()
        if not command.is_ok:
            raise Contradiction(f"{command.text!r} was answered with {command.reply and command.reply.raw!r}")
        return command

    def send(self, command: Command) -> None:
        """Put a command on its way, behind those that fly already."""
        self.commands += 1
        command.tag = f"{self.name}.{self.commands}"
        line = f"{command.tag} {command.text}".encode()
        if command.literal:
            line += b" {%d}" % len(command.literal)
        self._note("C", line)
        self._octets.write(line + b"\r\n")
        self.flying.append(command)
        if len(self.flying) == 1 and command.started:
            command.started()

    async def land(self) -> None:
        """Read until every command on its way is answered."""
        while self.flying:
            await self._take(await self._read())
        if any(word in self._octets.buffer for word in (b"EXPUNGE", b"VANISHED")):
            raise Contradiction(f"while no command runs: {bytes(self._octets.buffer)!r}")

    async def listen(self, seconds: float) -> None:
        """Take what the server says of itself for so long."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                async with asyncio.timeout_at(end):
                    while not self._octets.buffer:
                        await self._octets.more()
            except TimeoutError:
                return
            await self._take(await self._read())

    def _note(self, who: str, octets: bytes) -> None:
        text = octets[:2000].decode("utf-8", "replace").rstrip()
        self.transcript.append(f"{time.monotonic():.4f} {who}: {text}")

    async def _take(self, response: Response) -> None:
        head = self.flying[0]
        match response.tag:
            case "*":
                head.untagged.append(response)
                self.replica.hear(response, head.name)
            case "+":
                await self._continue(head)
            case head.tag:
                self._completed(head, response)
            case _:
                raise Contradiction(f"an answer to {response.tag} while {head.tag} runs")

    def _completed(self, head: Command, response: Response) -> None:
        head.reply = response
        if response.kind == "BAD":
            raise Contradiction(f"{head.text!r} was answered with {response.raw!r}")
        if response.code is not None:
            self.replica.hear_code(response.code.name, response.code.args)
        self.replica.completed(may_expunge=head.may_expunge)
        if head.ended:
            head.ended()
        self.flying.popleft()
        if self.flying and (started := self.flying[0].started):
            started()

    async def _continue(self, head: Command) -> None:
        if head.idle is not None:
            await head.idle()
            self._note("C", b"DONE")
            self._octets.write(b"DONE\r\n")
        elif head.literal:
            self._octets.write(head.literal + b"\r\n")
        else:
            raise Contradiction("a continuation that nobody asked for")

    async def _read(self) -> Response:
        """One whole response, strictly parsed."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                raw = await self._octets.response()
        except TimeoutError:
            raise Dropped(f"no answer within {DEADLINE_S} s") from None
        self.responses += 1
        self._note("S", raw)
        return imap_grammar.parse(raw, utf8=self._utf8)
