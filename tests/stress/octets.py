"""A socket as whole IMAP responses."""

from __future__ import annotations

import asyncio
import re
from typing import Final

LITERAL: Final = re.compile(rb"\{([0-9]+)\}\Z")


class Dropped(AssertionError):
    """The server closed the connection, or does not answer."""


class Octets(asyncio.Protocol):
    """What came and was not read yet."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.transport: asyncio.Transport
        self._ended = False
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._news.set()

    def write(self, octets: bytes) -> None:
        self.transport.write(octets)

    async def more(self) -> None:
        """Wait for further octets.  Raises: Dropped."""
        self._news.clear()
        if self._ended:
            raise Dropped(f"the server closed the connection; unread: {bytes(self.buffer[:200])!r}")
        await self._news.wait()

    async def response(self) -> bytes:
        """The next whole response, with its literals.  Raises: Dropped."""
        start = 0
        while True:
            end = self.buffer.find(b"\r\n", start)
            if end < 0:
                await self.more()
                continue
            found = LITERAL.search(self.buffer, max(start, end - 24), end)
            if not found:
                break
            start = end + 2 + int(found.group(1))
        raw = bytes(self.buffer[: end + 2])
        del self.buffer[: end + 2]
        return raw
