"""The PROXY protocol, versions 1 and 2: a proxy tells whose connection it passes on.

As HAProxy's document "The PROXY protocol" says it (section 2.1: a line of text; 2.2: a binary header).  A header is
read octet by octet up to its end and no further, so that what follows, perhaps a TLS handshake, is left untouched.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Awaitable, Callable
from typing import Final

MAX_LINE: Final = 107  # octets of a header of version 1, with its CRLF: section 2.1
MAX_REST: Final = 4096  # octets behind the first 16 of version 2; addresses take 216, the rest are TLVs of cloud hosts

_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_PORT: Final = rb"(?:0|[1-9][0-9]{0,4})"
_LINE: Final = re.compile(
    rb"PROXY (TCP4|TCP6) ([0-9A-Fa-f.:]{2,39}) ([0-9A-Fa-f.:]{2,39}) (" + _PORT + rb") (" + _PORT + rb")\r\n"
)
_UNKNOWN: Final = re.compile(rb"PROXY UNKNOWN(?: [^\r\n]*)?\r\n")
_LOCAL: Final = 0x20  # version and command
_PROXY: Final = 0x21
_TCP4: Final = 0x11  # family and transport
_TCP6: Final = 0x21
_SOURCE: Final = {_TCP4: 4, _TCP6: 16}  # octets of an address; there are two, and two ports of two octets


class BadHeader(Exception):
    """What came is no PROXY header."""


async def read_header(receive: Callable[[int], Awaitable[bytes]]) -> str | None:
    """The address of the client, None where the proxy speaks for itself or does not know.

    `receive` gives at most so many octets, none at the end.  Raises: BadHeader, ConnectionError (nothing came, as when
    a proxy only looks whether we are there), and what `receive` does.
    """
    begin = await receive(1)
    if not begin:
        raise ConnectionResetError
    if begin == b"P":
        line = begin
        while not line.endswith(b"\n"):
            if len(line) >= MAX_LINE:
                raise BadHeader("the line is too long")
            line += await _exactly(receive, 1)
        return parse_line(line)
    head = begin + await _exactly(receive, 15)
    return parse_binary(head, await _exactly(receive, rest_length(head)))


async def _exactly(receive: Callable[[int], Awaitable[bytes]], size: int) -> bytes:
    octets = b""
    while len(octets) < size:
        piece = await receive(size - len(octets))
        if not piece:
            raise BadHeader("the connection ended")
        octets += piece
    return octets


def parse_line(line: bytes) -> str | None:
    """The source address of a header of version 1, with its CRLF; None for UNKNOWN.  Raises: BadHeader."""
    if _UNKNOWN.fullmatch(line):
        return None
    found = _LINE.fullmatch(line)
    if found is None or int(found[4]) > 0xFFFF or int(found[5]) > 0xFFFF:
        raise BadHeader("not a line of the PROXY protocol")
    try:
        source, target = (ipaddress.ip_address(found[n].decode("ascii")) for n in (2, 3))
    except ValueError as error:
        raise BadHeader("not an address") from error
    version = int(found[1][3:])
    if source.version != version or target.version != version:
        raise BadHeader("an address of another family")
    return _plain(source)


def rest_length(head: bytes) -> int:
    """How many octets follow the first 16 of version 2.  Raises: BadHeader."""
    if not head.startswith(_SIGNATURE):
        raise BadHeader("no header of the PROXY protocol")
    (length,) = struct.unpack_from("!H", head, 14)
    if length > MAX_REST:
        raise BadHeader("the header is too long")
    return int(length)


def parse_binary(head: bytes, rest: bytes) -> str | None:
    """The source address of a header of version 2; None where it names none.  Raises: BadHeader."""
    command, family = head[12], head[13]
    if command == _LOCAL:
        return None
    if command != _PROXY:
        raise BadHeader("another version or command")
    size = _SOURCE.get(family)
    if size is None:
        return None  # unspecified, datagrams, unix sockets: section 2.2 has the receiver take the connection's own
    if len(rest) < 2 * size + 4:
        raise BadHeader("the addresses are cut short")
    return _plain(ipaddress.ip_address(rest[:size]))


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
