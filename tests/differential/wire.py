"""A connection to any IMAP server, read tolerantly: what other servers say need not be right, only understood."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from typing import Any, Final, Self

DEADLINE_S: Final = 30.0
LITERAL: Final = re.compile(rb"\{([0-9]+)\}\r\n\Z")
_TOKEN: Final = re.compile(
    rb" *(?:(?P<open>\()|(?P<close>\))|\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|~?\{(?P<size>[0-9]+)\}\r\n"
    rb"|(?P<atom>(?:[^ ()\"{\[\r\n]|\[[^\]]*\])+))",
    re.DOTALL,
)

Value = Any  # None (NIL), int, bytes of a string, str of an atom, or a list of these


class Ended(Exception):
    """The server closed the connection."""


@dataclass(frozen=True, slots=True)
class Untagged:
    """``* 12 FETCH (…)``: its word, its number if any, what follows."""

    kind: str
    number: int
    values: list[Value]
    raw: bytes


@dataclass(slots=True)
class Answer:
    """OK, NO or BAD, the response code in its brackets, and what came before."""

    kind: str
    code: str
    raw: bytes
    untagged: list[Untagged] = field(default_factory=list)

    def all(self, kind: str) -> list[Untagged]:
        """The untagged responses of one kind."""
        return [each for each in self.untagged if each.kind == kind]


def values(raw: bytes) -> list[Value]:
    """Atoms, strings and lists."""
    stack: list[list[Value]] = [[]]
    at = 0
    while at < len(raw) and raw[at:].strip():
        match = _TOKEN.match(raw, at)
        if match is None:
            raise ValueError(f"at {at}: {raw[at : at + 80]!r}")
        at = match.end()
        if match["open"]:
            stack.append([])
        elif match["close"]:
            done = stack.pop()
            stack[-1].append(done)
        elif match["size"] is not None:
            stack[-1].append(raw[at : at + int(match["size"])])
            at += int(match["size"])
        elif match["quoted"] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", match["quoted"]))
        else:
            stack[-1].append(_atom(match["atom"].decode("latin-1")))
    return stack[0]


def _atom(text: str) -> Value:
    if text.upper() == "NIL":
        return None
    return int(text) if text.isdigit() else text


class Connection:
    """One session."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=DEADLINE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        self._count = 0
        self._response()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def run(self, *commands: bytes) -> list[Answer]:
        """Send all at once, and read an answer to each.  Raises: Ended."""
        tags = [b"d%d" % (self._count + n) for n in range(1, len(commands) + 1)]
        self._count += len(commands)
        try:
            self._socket.sendall(b"".join(b"%b %b\r\n" % each for each in zip(tags, commands, strict=True)))
            return [self._answer(tag) for tag in tags]
        except (OSError, TimeoutError) as error:
            raise Ended(repr(error)) from error

    def _answer(self, tag: bytes) -> Answer:
        untagged = []
        while True:
            raw = self._response()
            if raw.startswith(tag + b" "):
                kind, _, rest = raw[len(tag) + 1 :].partition(b" ")
                return Answer(kind.decode().strip().upper(), code_of(rest), raw, untagged)
            if not raw.startswith(b"* "):
                raise Ended(f"an answer to something else than {tag!r}: {raw!r}")
            if raw.startswith(b"* BYE"):
                raise Ended(repr(raw))
            untagged.append(_untagged(raw))

    def _response(self) -> bytes:
        out = b""
        while True:
            while (end := self._buffer.find(b"\r\n")) < 0:
                self._more()
            out += bytes(self._buffer[: end + 2])
            del self._buffer[: end + 2]
            found = LITERAL.search(out)
            if not found:
                return out
            size = int(found.group(1))
            while len(self._buffer) < size:
                self._more()
            out += bytes(self._buffer[:size])
            del self._buffer[:size]

    def _more(self) -> None:
        octets = self._socket.recv(1 << 16)
        if not octets:
            raise Ended(f"closed; unread: {bytes(self._buffer)!r}")
        self._buffer += octets


def code_of(text: bytes) -> str:
    """What stands in brackets before the text, or nothing."""
    return text[1 : text.index(b"]")].decode("latin-1") if text.startswith(b"[") else ""


def _untagged(raw: bytes) -> Untagged:
    first, _, rest = raw[2:].partition(b" ")
    number = 0
    if first.isdigit():
        number = int(first)
        first, _, rest = rest.partition(b" ")
    kind = first.strip().decode("latin-1").upper()
    if kind in ("OK", "NO", "BAD"):
        return Untagged(kind, number, [code_of(rest)], raw)
    return Untagged(kind, number, values(rest), raw)
