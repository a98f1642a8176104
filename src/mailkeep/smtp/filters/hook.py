"""The hook of the administrator: Python in processes of its own (see `mailkeep.hook`)."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec

from mailkeep.hook.frames import LENGTH, MAX_SAID, Ask, Said, encode
from mailkeep.smtp.filters.fault import FilterFault, Terms, Within
from mailkeep.smtp.filters.lines import header_field
from mailkeep.smtp.judging import Action, Arriving, Opinion
from mailkeep.smtp.wire.reply import Reply

PROCESSES: Final = 4  # at once; further messages wait
MAX_HEADERS: Final = 100


class Hook:
    """A judge that asks `on_delivery` of a Python file.

    A process that fails to answer in time is killed; the next message gets another one.
    """

    def __init__(self, path: Path, terms: Terms) -> None:
        self._path = path
        self._patience_s = terms.patience_s
        self._within = Within("hook", terms, at_once=PROCESSES)
        self._idle: list[_Process] = []
        self._closed = False

    async def judge(self, arriving: Arriving) -> Opinion:
        """See `Judge`."""
        return await self._within.ask(self._ask, arriving)

    async def _ask(self, arriving: Arriving) -> Opinion:
        process = self._take() or await _Process.start(self._path, self._patience_s)
        try:
            opinion = read_answer(await process.ask(_question(arriving)))
        except (OSError, EOFError) as error:
            process.end()
            raise FilterFault("its process ended") from error
        except BaseException:
            process.end()
            raise
        if self._closed:
            process.end()
        else:
            self._idle.append(process)
        return opinion

    def _take(self) -> _Process | None:
        """One that waits for work; those that have died meanwhile are seen off."""
        while self._idle:
            process = self._idle.pop()
            if process.process.poll() is None:
                return process
            process.end()
        return None

    def close(self) -> None:
        """End the processes, those at work when they are done."""
        self._closed = True
        while self._idle:
            self._idle.pop().end()


@dataclass(frozen=True, slots=True)
class _Process:
    process: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def start(cls, path: Path, patience_s: float) -> Self:
        ours, theirs = socket.socketpair()
        with theirs:
            # -P: what lies in the current directory is not imported
            command = (sys.executable, "-P", "-m", "mailkeep.hook.process")
            process = subprocess.Popen(  # noqa: S603, ASYNC220  this very program; it takes a few milliseconds
                (*command, str(path), str(round(patience_s)), str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                process_group=0,  # Ctrl-C is for the server
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, reader, writer)

    async def ask(self, ask: Ask) -> bytes:
        """The answer.  Raises: OSError, EOFError, FilterFault."""
        self.writer.write(encode(ask))
        await self.writer.drain()
        (size,) = LENGTH.unpack(await self.reader.readexactly(LENGTH.size))
        if size > MAX_SAID:
            raise FilterFault("its answer is too long")
        return await self.reader.readexactly(size)

    def end(self) -> None:
        """Kill it, and see it off in a thread: that may take a moment."""
        self.writer.transport.abort()
        self.process.kill()
        asyncio.get_running_loop().run_in_executor(None, self.process.wait)


def _question(arriving: Arriving) -> Ask:
    octets = arriving.octets
    return Ask(
        peer=arriving.peer,
        peer_name=arriving.peer_name,
        helo=arriving.helo,
        tls=arriving.tls,
        sender=arriving.reverse_path,
        recipients=arriving.recipients,
        size=octets.size,
        fields=arriving.fields,
        data=octets.data,
        path=None if octets.path is None else str(octets.path),
    )


def read_answer(frame: bytes) -> Opinion:
    """What the process said, whatever the hook has made it say.  Raises: FilterFault."""
    try:
        said = _DECODER.decode(frame)
        action = Action(said.action)
    except (msgspec.DecodeError, ValueError) as error:
        raise FilterFault("its answer is none") from error
    if said.fault:
        raise FilterFault(said.fault[:200])
    fields = b"".join(_fields(said))
    words = " ".join(said.text.split())
    match action:
        case Action.DEFER:
            return Opinion(action, Reply(451, "4.7.1", words or "Try again later"), fields)
        case Action.REJECT:
            return Opinion(action, Reply(550, "5.7.1", words or "Message refused"), fields)
        case Action.ACCEPT | Action.JUNK | Action.DISCARD:
            return Opinion(action, fields=fields)


def _fields(said: Said) -> Iterator[bytes]:
    """Header lines.  Raises: FilterFault (not header fields)."""
    if len(said.headers) > MAX_HEADERS:
        raise FilterFault("its decision has too many headers")
    for name, value in said.headers:
        whole = header_field(name, value)
        if whole is None:
            raise FilterFault("its decision has a header that is none")
        yield whole


_DECODER: Final = msgspec.msgpack.Decoder(Said)
