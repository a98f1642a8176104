"""What the parent and a worker say to each other, over a pair of sockets that the worker inherits.

A frame is four octets of length (network order) and that many octets of msgpack.  The end of the channel is the end of
whoever held its other side.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from mailkeep.figures import Figures

_LENGTH: Final = struct.Struct("!I")


class Begin(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """To a worker: who it is, and what it has inherited.  `config` is TOML; `sockets`: descriptors by listener."""

    config: str
    number: int
    count: int
    shards: int
    ticks: int  # descriptors of memory that all processes share
    ledger: int
    recents: int
    sockets: dict[str, tuple[int, ...]]
    certificate: str
    key: str


class Opened(msgspec.Struct, frozen=True, tag=True):
    """From a worker: its shards are open, and it takes writes for them."""


class Unable(msgspec.Struct, frozen=True, tag=True):
    """From a worker: it cannot begin, and ends."""

    text: str


class Accept(msgspec.Struct, frozen=True, tag=True):
    """To a worker: all shards are open; let clients in."""


class Accepting(msgspec.Struct, frozen=True, tag=True):
    """From a worker: it does."""


class Reload(msgspec.Struct, frozen=True, tag=True):
    """To a worker: take over these options and this certificate."""

    config: str
    certificate: str
    key: str


class Drain(msgspec.Struct, frozen=True, tag=True):
    """To a worker: let nobody in, say goodbye to all; go on writing for others."""


class Drained(msgspec.Struct, frozen=True, tag=True):
    """From a worker: all have gone."""


class Stop(msgspec.Struct, frozen=True, tag=True):
    """To a worker: nobody asks for anything any more; end."""


class Measure(msgspec.Struct, frozen=True, tag=True):
    """To a worker: say what you count."""


class Measured(msgspec.Struct, frozen=True, tag=True):
    """From a worker: it is this (see `mailkeep.figures`)."""

    figures: Figures


class Rehash(msgspec.Struct, frozen=True, tag=True):
    """From a worker: keep a password, which is kept as `old`, as `new` (see `mailkeep.service.lessons`)."""

    account: int
    old: str
    new: str
    scram: str | None


class NoteUse(msgspec.Struct, frozen=True, tag=True):
    """From a worker: app passwords have been used, when, by number."""

    at: dict[int, int]


Message = (
    Rehash
    | NoteUse
    | Begin
    | Opened
    | Unable
    | Accept
    | Accepting
    | Reload
    | Drain
    | Drained
    | Measure
    | Measured
    | Stop
)

_decoder: Final = msgspec.msgpack.Decoder(Message)


class Channel:
    """One side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """See `open_channel`."""
        self._reader = reader
        self._writer = writer

    def send(self, message: Message) -> None:
        """Say something; nobody hears it when the other side has ended."""
        octets = msgspec.msgpack.encode(message)
        self._writer.write(_LENGTH.pack(len(octets)) + octets)

    async def receive(self) -> Message | None:
        """What the other side says next; None when it has ended."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            message: Message = _decoder.decode(await self._reader.readexactly(length))
        except (EOFError, OSError):
            return None
        return message

    async def close(self) -> None:
        """Send what has been said, and let go."""
        self._writer.close()
        with suppress(OSError):  # the other side has gone
            await self._writer.wait_closed()


async def open_channel(one: socket.socket) -> Channel:
    """The side of whoever holds `one`."""
    return Channel(*await asyncio.open_unix_connection(sock=one))


def worker_socket(data_dir: Path, number: int) -> Path:
    """Where a worker takes what its peers send."""
    return data_dir / f"worker-{number}.sock"
