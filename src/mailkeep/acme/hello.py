"""The first message of a TLS client, as far as a challenge needs it: whom it wants, and by which protocol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

CLIENT_HELLO: Final = 1
_SERVER_NAME: Final = 0  # RFC 6066 §3
_ALPN: Final = 16  # RFC 7301 §3.1


@dataclass(frozen=True, slots=True)
class Hello:
    """`name`: the host asked for, "" for none; `protocols`: those offered for the application, best first."""

    name: str
    protocols: tuple[bytes, ...]


def parse_hello(octets: bytes) -> Hello:
    """A handshake message (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2).  Raises: ValueError (it is no ClientHello)."""
    message = _Reader(octets)
    if message.number(1) != CLIENT_HELLO:
        raise ValueError("another message")
    hello = message.part(3)
    hello.take(2 + 32)  # version and random
    hello.part(1)  # session
    hello.part(2)  # cipher suites
    hello.part(1)  # compression
    name, protocols = "", tuple[bytes, ...]()
    for kind, content in _extensions(hello):
        if kind == _SERVER_NAME:
            name = _host_name(content.part(2))
        elif kind == _ALPN:
            protocols = tuple(_strings(content.part(2)))
    return Hello(name, protocols)


class _Reader:
    """Octets from front to back.  Each method raises ValueError where there are too few."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def more(self) -> bool:
        return self._at < len(self._octets)

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._octets):
            raise ValueError("cut off")
        taken, self._at = self._octets[self._at : end], end
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def string(self, size: int) -> bytes:
        """The octets that a length of `size` octets announces."""
        return self.take(self.number(size))

    def part(self, size: int) -> _Reader:
        """The same, to be read further."""
        return _Reader(self.string(size))


def _extensions(hello: _Reader) -> Iterator[tuple[int, _Reader]]:
    if hello.more():
        extensions = hello.part(2)
        while extensions.more():
            yield extensions.number(2), extensions.part(2)


def _host_name(names: _Reader) -> str:
    while names.more():
        kind, name = names.number(1), names.string(2)
        if kind == 0:
            return name.decode("ascii").lower()  # UnicodeDecodeError is a ValueError
    return ""


def _strings(strings: _Reader) -> Iterator[bytes]:
    while strings.more():
        yield strings.string(1)
