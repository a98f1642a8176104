"""A raw IMAP client for tests: sends exactly what it is told, and believes only what it is told.

It keeps the shadow of the selected mailbox that every caching client keeps (how many messages, which UIDs) and fails
when the server contradicts it: an EXPUNGE while FETCH, STORE or SEARCH runs, a message number that does not exist, a
count that shrinks without EXPUNGE.
"""

from __future__ import annotations

import socket
import ssl
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from tests import imap_grammar
from tests.imap_grammar import Code, Response

DEADLINE_S = 15.0
NO_EXPUNGE_DURING = (
    "FETCH",
    "STORE",
    "SEARCH",
    "SORT",
    "THREAD",
)  # RFC 9051 §7.5.1, RFC 5256 §3; the UID forms are other commands


class ConnectionEndedError(AssertionError):
    """The server closed the connection."""


@dataclass(frozen=True, slots=True)
class Literal:
    """An argument sent as a literal: synchronizing unless `plus`; `binary` makes it a literal8."""

    octets: bytes
    plus: bool = False
    binary: bool = False

    def announced(self) -> bytes:
        return b"%s{%d%s}" % (b"~" if self.binary else b"", len(self.octets), b"+" if self.plus else b"")


@dataclass(slots=True)
class Reply:
    """All that came from a command up to its tagged answer."""

    kind: str
    code: Code | None
    text: str
    untagged: list[Response] = field(default_factory=list)
    raw: bytes = b""

    def all(self, kind: str) -> list[Response]:
        """The untagged responses of one kind, in order."""
        return [response for response in self.untagged if response.kind == kind]

    def one(self, kind: str) -> Any:
        """The data (or else the number) of the only untagged response of this kind."""
        found = self.all(kind)
        assert len(found) == 1, f"expected one {kind}: {self.untagged}"
        return found[0].number if found[0].data is None else found[0].data

    def codes(self) -> dict[str, Any]:
        """Response codes of untagged OK responses: name → arguments."""
        return {r.code.name: r.code.args for r in self.untagged if r.kind == "OK" and r.code}

    @property
    def fetched(self) -> dict[int, dict[str, Any]]:
        """FETCH data by message number, several responses for one message joined."""
        out: dict[int, dict[str, Any]] = {}
        for response in self.all("FETCH"):
            assert response.number is not None
            out.setdefault(response.number, {}).update(response.data)
        return out

    @property
    def by_uid(self) -> dict[int, dict[str, Any]]:
        """FETCH data by UID."""
        return {items["UID"]: items for items in self.fetched.values() if "UID" in items}

    @property
    def found(self) -> list[int]:
        """What SEARCH or ESEARCH ALL found."""
        searches = self.all("SEARCH")
        if searches:
            assert len(searches) == 1, "two SEARCH responses"
            numbers: list[int] = searches[0].data["numbers"]
            return numbers
        data = self.one("ESEARCH")
        listed: list[int] = data.get("ALL", [])
        return listed

    @property
    def expunged(self) -> list[int]:
        return [r.number for r in self.all("EXPUNGE") if r.number is not None]

    def listed(self, kind: str = "LIST") -> dict[str, imap_grammar.ListRow]:
        """LIST rows by name; a name must not come twice."""
        rows = [r.data for r in self.all(kind)]
        assert len({row.name for row in rows}) == len(rows), f"a name twice: {rows}"
        return {row.name: row for row in rows}


class Deflate:
    """A client's end of COMPRESS."""

    def __init__(self, window_bits: int = 15, flush: int = zlib.Z_SYNC_FLUSH) -> None:
        self.compressor = zlib.compressobj(6, zlib.DEFLATED, -window_bits)
        self.inflater = zlib.decompressobj(-15)
        self.flush = flush

    def pack(self, octets: bytes) -> bytes:
        return self.compressor.compress(octets) + self.compressor.flush(self.flush)


class ImapClient:
    """One connection."""

    def __init__(self, address: tuple[str, int], *, tls: ssl.SSLContext | None = None, name: str = "localhost") -> None:
        self.socket = socket.create_connection(address, timeout=DEADLINE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=name)
        self.buffer = b""
        self.deflate: Deflate | None = None  # after COMPRESS
        self.count = 0
        self.utf8 = False  # after ENABLE IMAP4rev2 or UTF8=ACCEPT the server may write UTF-8 in strings
        self.exists: int | None = None
        self.uids: list[int | None] = []
        self.flags: list[frozenset[str] | None] = []  # by message number, as last told; \Recent left out
        self.running = ""
        self.greeting = self.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def start_tls(self, context: ssl.SSLContext, name: str = "localhost") -> None:
        """Take the connection into TLS, after the OK of STARTTLS."""
        assert not self.buffer
        self.socket = context.wrap_socket(self.socket, server_hostname=name)

    def compress(self, *, window_bits: int = 15, flush: int = zlib.Z_SYNC_FLUSH) -> None:
        """COMPRESS DEFLATE, and all that follows under it."""
        self.ok("COMPRESS DEFLATE")
        assert not self.buffer
        self.deflate = Deflate(window_bits, flush)

    # ---- octets

    def send(self, octets: bytes) -> None:
        """Send octets as they are."""
        self.socket.sendall(self.deflate.pack(octets) if self.deflate else octets)

    def _more(self) -> None:
        octets = self.socket.recv(1 << 16)
        if not octets:
            raise ConnectionEndedError(f"closed by the server; unread: {self.buffer!r}")
        self.buffer += self.deflate.inflater.decompress(octets) if self.deflate else octets

    def read_raw(self) -> bytes:
        """One whole response, with its literals."""
        out = b""
        while True:
            while b"\r\n" not in self.buffer:
                self._more()
            line, _, self.buffer = self.buffer.partition(b"\r\n")
            out += line + b"\r\n"
            if not line.endswith(b"}"):
                return out
            size = line[line.rfind(b"{") + 1 : -1]
            if not size.isdigit():
                return out
            while len(self.buffer) < int(size):
                self._more()
            out += self.buffer[: int(size)]
            self.buffer = self.buffer[int(size) :]

    def read(self) -> Response:
        """One response, parsed strictly and entered into the shadow."""
        response = imap_grammar.parse(self.read_raw(), utf8=self.utf8)
        if response.tag == "*":
            self._remember(response)
        return response

    def ended(self) -> bool:
        """Whether the server closes the connection, reading what it still says."""
        try:
            while True:
                self.read_raw()
        except (ConnectionEndedError, ConnectionResetError, ssl.SSLError):
            return True
        except TimeoutError:
            return False

    def quiet(self, seconds: float = 0.2) -> bool:
        """Whether nothing comes for a while: for what must not be said."""
        self.socket.settimeout(seconds)
        try:
            self._more()
        except TimeoutError:
            return not self.buffer
        finally:
            self.socket.settimeout(DEADLINE_S)
        return False

    # ---- the shadow

    def _remember(self, response: Response) -> None:
        match response.kind:
            case "EXISTS":
                assert response.number is not None
                if self.exists is not None:
                    assert response.number >= self.exists, f"EXISTS shrank from {self.exists} to {response.number}"
                self.exists = response.number
                self.uids.extend([None] * (self.exists - len(self.uids)))
                self.flags.extend([None] * (self.exists - len(self.flags)))
            case "EXPUNGE":
                assert response.number is not None
                assert self.running not in NO_EXPUNGE_DURING, f"EXPUNGE during {self.running}"
                assert self.exists is not None
                assert response.number <= self.exists, f"EXPUNGE {response.number} of {self.exists}"
                del self.uids[response.number - 1]
                del self.flags[response.number - 1]
                self.exists -= 1
            case "VANISHED" if not response.data[0]:
                assert self.running not in NO_EXPUNGE_DURING, f"VANISHED during {self.running}"
                assert self.exists is not None
                gone = set(response.data[1])
                self.exists -= len(gone)
                if gone <= set(self.uids):
                    self.flags = [f for uid, f in zip(self.uids, self.flags, strict=True) if uid not in gone]
                    self.uids = [uid for uid in self.uids if uid not in gone]
                else:  # messages whose UID was never told: which numbers they had is unknown
                    self.uids = [None] * self.exists
                    self.flags = [None] * self.exists
            case "FETCH":
                assert self.exists is not None, "FETCH without a mailbox"
                assert response.number is not None
                assert response.number <= self.exists, f"FETCH {response.number} of {self.exists}"
                if "FLAGS" in response.data:
                    told_flags = frozenset(str(flag) for flag in response.data["FLAGS"] if flag != "\\Recent")
                    self.flags[response.number - 1] = told_flags
                if "UID" in response.data:
                    known = self.uids[response.number - 1]
                    assert known in (None, response.data["UID"]), f"UID of {response.number} was {known}"
                    self.uids[response.number - 1] = response.data["UID"]
                    told = [uid for uid in self.uids if uid is not None]
                    assert told == sorted(set(told)), "UIDs do not ascend"
            case "OK" if response.code and response.code.name == "CLOSED":
                self.forget()

    def forget(self) -> None:
        """No mailbox is selected."""
        self.exists, self.uids, self.flags = None, [], []

    # ---- commands

    def tag(self) -> str:
        """A fresh tag."""
        self.count += 1
        return f"t{self.count}"

    def start(self, *parts: str | bytes | Literal, tag: str | None = None) -> str:
        """Send a command, its parts joined by spaces; synchronizing literals wait for "+".  Gives the tag."""
        tag = tag or self.tag()
        out = tag.encode()
        for part in parts:
            if isinstance(part, Literal):
                out += b" " + part.announced() + b"\r\n"
                if not part.plus:
                    self.send(out)
                    out = b""
                    self.wait_for_continuation()
                out += part.octets
            else:
                out += b" " + (part.encode() if isinstance(part, str) else part)
        self.send(out + b"\r\n")
        return tag

    def wait_for_continuation(self) -> Response:
        """Read up to "+"; untagged data before it is remembered.  An answer instead is an error."""
        while True:
            response = self.read()
            if response.tag == "+":
                return response
            assert response.tag == "*", f"instead of a continuation: {response.raw!r}"

    def finish(self, tag: str) -> Reply:
        """Read up to the tagged answer."""
        untagged = []
        raw = b""
        while True:
            response = self.read()
            raw += response.raw
            if response.tag == "*":
                untagged.append(response)
                continue
            assert response.tag == tag, f"expected the answer to {tag}: {response.raw!r}"
            return Reply(response.kind, response.code, response.text, untagged, raw)

    def command(self, *parts: str | bytes | Literal) -> Reply:
        """Run one command, whatever its outcome."""
        first = parts[0] if isinstance(parts[0], str) else ""
        word = first.split(" ")[0].upper()
        if word in ("SELECT", "EXAMINE"):
            self.forget()
        self.running = word
        try:
            reply = self.finish(self.start(*parts))
        finally:
            self.running = ""
        if word in ("CLOSE", "UNSELECT") and reply.kind == "OK":
            self.forget()
        if word == "ENABLE" and any(
            w.upper() in ("IMAP4REV2", "UTF8=ACCEPT") for r in reply.all("ENABLED") for w in r.data
        ):
            self.utf8 = True
        if word == "UID" and first.upper().startswith("UID FETCH"):
            for response in reply.all("FETCH"):
                assert "UID" in response.data, f"UID FETCH without UID: {response.raw!r}"
        return reply

    def ok(self, *parts: str | bytes | Literal) -> Reply:
        """Run a command that must succeed."""
        reply = self.command(*parts)
        assert reply.kind == "OK", f"{parts!r}: {reply.kind} {reply.code} {reply.text}"
        return reply

    def no(self, *parts: str | bytes | Literal, code: str | None = None) -> Reply:
        """Run a command that must fail with NO (and this response code)."""
        reply = self.command(*parts)
        assert reply.kind == "NO", f"{parts!r}: {reply.kind} {reply.code} {reply.text}"
        if code:
            assert reply.code, f"{parts!r}: no code, {reply.text}"
            assert reply.code.name == code, f"{parts!r}: {reply.code} {reply.text}"
        return reply

    def bad(self, *parts: str | bytes | Literal) -> Reply:
        """Run a command that must be refused with BAD."""
        reply = self.command(*parts)
        assert reply.kind == "BAD", f"{parts!r}: {reply.kind} {reply.code} {reply.text}"
        return reply

    def login(self, user: str, password: str) -> Self:
        """LOGIN, in quoted strings."""
        self.ok(f'LOGIN "{user}" "{password}"')
        return self

    def append(self, mailbox: str, message: bytes, *options: str, plus: bool = True) -> int:
        """APPEND; gives the UID."""
        reply = self.ok(f'APPEND "{mailbox}"', *options, Literal(message, plus=plus))
        assert reply.code
        assert reply.code.name == "APPENDUID"
        [uid] = reply.code.args[1]
        return int(uid)

    def idle(self) -> str:
        """Enter IDLE; gives the tag for `done`."""
        tag = self.start("IDLE")
        self.wait_for_continuation()
        return tag

    def done(self, tag: str) -> Reply:
        """Leave IDLE."""
        self.send(b"DONE\r\n")
        return self.finish(tag)

    def until(self, wanted: Callable[[Response], bool]) -> list[Response]:
        """Read untagged responses up to the first that is wanted (within the connection's deadline)."""
        out = []
        for response in self.responses():
            out.append(response)
            if wanted(response):
                break
        return out

    def responses(self) -> Iterator[Response]:
        """Untagged responses as they come."""
        while True:
            response = self.read()
            assert response.tag == "*", f"unexpected: {response.raw!r}"
            yield response
