"""The processes of a hook, from the server's side: one question at a time each, started as they are needed."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from mailkeep.hook.frames import LENGTH, MAX_SAID, Ask, AskLogin, encode


class Kind(StrEnum):
    """What a hook is asked about; the value is the name of its function."""

    DELIVERY = "on_delivery"
    LOGIN = "on_login"


class HookFault(Exception):
    """There is no answer; the text says why, without anything that the hook was asked."""


class Pool:
    """Asks a Python file.

    `patience_s`: how long whoever asks waits.  A process that has not answered by then, or that fails otherwise, is
    killed; the next question gets another one.
    """

    def __init__(self, path: Path, kind: Kind, patience_s: float) -> None:
        self._path = path
        self._kind = kind
        self._patience_s = patience_s
        self._idle: list[_Process] = []
        self._closed = False

    async def ask(self, ask: Ask | AskLogin) -> bytes:
        """The answer, as it came.  When cancelled, its process is killed.  Raises: HookFault, UnicodeEncodeError."""
        process = self._take() or await _Process.start(self._path, self._kind, self._patience_s)
        try:
            answer = await process.ask(ask)
        except (OSError, EOFError) as error:
            process.end()
            raise HookFault("its process ended") from error
        except BaseException:
            process.end()
            raise
        if self._closed:
            process.end()
        else:
            self._idle.append(process)
        return answer

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
    async def start(cls, path: Path, kind: Kind, patience_s: float) -> Self:
        ours, theirs = socket.socketpair()
        with theirs:
            # -P: what lies in the current directory is not imported
            command = (sys.executable, "-P", "-m", "mailkeep.hook.process")
            process = subprocess.Popen(  # noqa: S603, ASYNC220  this very program; it takes a few milliseconds
                (*command, str(path), str(round(patience_s)), str(theirs.fileno()), kind.value),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                process_group=0,  # Ctrl-C is for the server
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, reader, writer)

    async def ask(self, ask: Ask | AskLogin) -> bytes:
        """The answer.  Raises: OSError, EOFError, HookFault."""
        self.writer.write(encode(ask))
        await self.writer.drain()
        (size,) = LENGTH.unpack(await self.reader.readexactly(LENGTH.size))
        if size > MAX_SAID:
            raise HookFault("its answer is too long")
        return await self.reader.readexactly(size)

    def end(self) -> None:
        """Kill it, and see it off in a thread: that may take a moment."""
        self.writer.transport.abort()
        self.process.kill()
        asyncio.get_running_loop().run_in_executor(None, self.process.wait)
