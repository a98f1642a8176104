"""One blocking connection, and many of them in one loop with one command outstanding on each.

A script is a generator that yields what to send and how the last line of the answer begins, and is sent the whole
answer; or it yields how many seconds it rests.  So it can time its own steps, and the loop knows nothing of what it
carries.
"""

from __future__ import annotations

import heapq
import select
import socket
import ssl
from collections.abc import Generator, Sequence
from time import perf_counter
from typing import Final

from mailkeep.bench.target import Target

Marks = bytes | tuple[bytes, ...]
Ask = tuple[bytes, Marks]  # octets to send; the beginning of the line that ends the answer
Script = Generator[Ask | float, bytes, None]

CHUNK: Final = 1 << 18
LONGEST_LAST_LINE: Final = 8192
GREETING: Final = b"* "
NEVER: Final[tuple[bytes, ...]] = ()  # no line ends the answer: what comes is kept
CONTINUE: Final = b"+"


class Wrong(Exception):
    """What came back is not what must come back; the workload has no figure."""


class Connection:
    """A connection to the target, greeted, not logged in.  Tags are unique over all connections of this process.

    Raises (all methods): Wrong, OSError (which includes a timeout).
    """

    __slots__ = ("_chunks", "_count", "_prefix", "_socket", "_tail", "_tls", "capabilities")

    _serial = 0

    def __init__(self, target: Target, context: ssl.SSLContext | None) -> None:
        connected = socket.create_connection((target.host, target.port), timeout=target.patience_s)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tls = context.wrap_socket(connected, server_hostname=target.host) if context else None
        self._socket = self._tls or connected
        Connection._serial += 1
        self._prefix = b"zq%dx" % Connection._serial  # no mail has such a word at the beginning of a line
        self._count = 0
        self._chunks: list[bytes] = []
        self._tail = b""
        self.capabilities: frozenset[bytes] = frozenset()

    def fileno(self) -> int:
        """For `select`."""
        return self._socket.fileno()

    def tag(self) -> bytes:
        """A new one."""
        self._count += 1
        return b"%s%d" % (self._prefix, self._count)

    def send(self, octets: bytes) -> None:
        """Send all of it."""
        self._socket.sendall(octets)

    def read(self) -> bytes:
        """Receive once, whatever comes."""
        data = self._socket.recv(CHUNK)
        if not data:
            raise Wrong(f"the server closed the connection after {b''.join(self._chunks)[-200:]!r}")
        if self._tls is not None and self._tls.pending():
            data += self._tls.recv(CHUNK)
        return data

    def take(self, marks: Marks) -> bytes | None:
        """Receive once; the whole answer when it has come, the line that begins with one of `marks` being its last."""
        data = self.read()
        if self._chunks:
            self._chunks.append(data)
            tail = self._tail = data if len(data) > LONGEST_LAST_LINE else (self._tail + data)[-LONGEST_LAST_LINE:]
        else:
            tail = data
        if tail.endswith(b"\r\n") and tail.startswith(marks, tail.rfind(b"\n", 0, -2) + 1):
            if not self._chunks:
                return data
            answer = b"".join(self._chunks)
            self._chunks.clear()
            return answer
        if not self._chunks:
            self._chunks.append(data)
            self._tail = data[-LONGEST_LAST_LINE:]
        return None

    def ask(self, octets: bytes, marks: Marks) -> bytes:
        """Send, and wait for the whole answer."""
        self._socket.sendall(octets)
        return self.wait(marks)

    def wait(self, marks: Marks) -> bytes:
        """The whole answer to what has been sent."""
        while (answer := self.take(marks)) is None:
            pass
        return answer

    def command(self, line: bytes) -> bytes:
        """Run one command to its tagged OK; everything that came, that line included."""
        tag = self.tag()
        return must_be_ok(self.ask(tag + b" " + line + b"\r\n", tag + b" "), tag, line)

    def try_command(self, line: bytes) -> bytes:
        """The same, but NO is an answer too."""
        tag = self.tag()
        return self.ask(tag + b" " + line + b"\r\n", tag + b" ")

    def append(self, mailbox: str, message: bytes, *, flags: str = "", internaldate: str = "") -> bytes:
        """APPEND, with a literal that does not wait where the server has that."""
        tag = self.tag()
        line = b'%s APPEND "%s" ' % (tag, mailbox.encode("ascii"))
        line += b"(%s) " % flags.encode("ascii") if flags else b""
        line += b'"%s" ' % internaldate.encode("ascii") if internaldate else b""
        if b"LITERAL+" in self.capabilities:
            answer = self.ask(b"%s{%d+}\r\n%s\r\n" % (line, len(message), message), tag + b" ")
        else:
            answer = self.ask(b"%s{%d}\r\n" % (line, len(message)), (CONTINUE, tag + b" "))
            if answer.startswith(CONTINUE):
                answer = self.ask(message + b"\r\n", tag + b" ")
        return must_be_ok(answer, tag, line)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def open_connection(target: Target, number: int, context: ssl.SSLContext | None) -> Connection:
    """A connection logged in as user `number`."""
    connection = Connection(target, context)
    try:
        greeting = connection.wait(GREETING)
        if not greeting.startswith(b"* OK"):
            raise Wrong(f"the greeting is {greeting[:200]!r}")
        connection.command(login_line(target, number))
        answer = connection.command(b"CAPABILITY")
        connection.capabilities = frozenset(answer.partition(b"\r\n")[0].upper().split())
    except BaseException:
        connection.close()
        raise
    return connection


def login_line(target: Target, number: int) -> bytes:
    """The LOGIN command of user `number`, without tag and line end."""
    return f'LOGIN "{target.name(number)}" "{target.password}"'.encode("ascii")


def must_be_ok(answer: bytes, tag: bytes, what: bytes) -> bytes:
    """`answer` itself.  Raises: Wrong, unless its last line is the tag's OK."""
    last = answer.rfind(b"\n", 0, -2) + 1
    if not answer.startswith(tag + b" OK", last):
        raise Wrong(f"{what[:80].decode('latin-1')} was answered {answer[last : last + 300]!r}")
    return answer


def drive(pairs: Sequence[tuple[Connection, Script]], patience_s: float) -> None:
    """Run all scripts at once to their ends, each over its connection.

    Raises: Wrong (also when nothing comes for `patience_s`), OSError.
    """
    with select.epoll() as poll:
        loop = _Loop(poll)
        try:
            for connection, script in pairs:
                loop.add(connection, script)
            while loop.running:
                loop.turn(patience_s)
        finally:
            for _, script in pairs:
                script.close()


class _Loop:
    """Scripts under way: `running` by file number, with the marks each waits for; `due` are those that rest."""

    __slots__ = ("due", "poll", "running")

    def __init__(self, poll: select.epoll) -> None:
        self.poll = poll
        self.running: dict[int, tuple[Connection, Script, Marks]] = {}
        self.due: list[tuple[float, int]] = []

    def add(self, connection: Connection, script: Script) -> None:
        number = connection.fileno()
        self.running[number] = (connection, script, NEVER)
        self.poll.register(number, select.EPOLLIN)
        self._ask(number, connection, script, next(script, None))

    def turn(self, patience_s: float) -> None:
        """Wait once, and go on with all whose answer is whole or whose rest is over."""
        rest_s = max(0.0, self.due[0][0] - perf_counter()) if self.due else patience_s
        events = self.poll.poll(min(rest_s, patience_s))
        if not events and not self.due:
            raise Wrong(f"no answer within {patience_s:g} s")
        running = self.running
        for number, _ in events:
            connection, script, marks = running[number]
            answer = connection.take(marks)
            if answer is not None:
                try:
                    asked = script.send(answer)
                except StopIteration:
                    asked = None
                self._ask(number, connection, script, asked)
        while self.due and self.due[0][0] <= perf_counter():
            _, number = heapq.heappop(self.due)
            connection, script, _ = running[number]
            self._ask(number, connection, script, next(script, None))

    def _ask(self, number: int, connection: Connection, script: Script, asked: Ask | float | None) -> None:
        """What a script wants next: an answer, a rest, or nothing any more."""
        if isinstance(asked, tuple):
            self.running[number] = (connection, script, asked[1])
            connection.send(asked[0])
        elif asked is None:
            del self.running[number]
            self.poll.unregister(number)
        else:
            self.running[number] = (connection, script, NEVER)
            heapq.heappush(self.due, (perf_counter() + asked, number))
