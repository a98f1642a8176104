"""One question to DNS on the wire: UDP, repeated and at other servers; TCP where the answer was cut (RFC 1035 §4.2).

Made of callbacks of the event loop, without a task: handlers of connections have none.  Each packet leaves from a port
of its own that only its server can answer to, with an id that nobody can guess (RFC 5452 §9).
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

PAYLOAD: Final = 1232  # octets of a UDP answer: what no network cuts into fragments
MAX_ANSWER: Final = 32 * 1024  # over TCP; no mail needs more
QUICK: Final = 2 * 1024  # octets of an answer that is read on the spot; a longer one in a thread
FIRST_WAIT_S: Final = 1.5  # for the first servers; twice as long in each further round
ROUNDS: Final = 3
MAX_STRANGE: Final = 20  # packets that answer something else, until we give up this attempt
_CONNECTING: Final = frozenset({0, errno.EINPROGRESS})
_NO_EDNS: Final = frozenset({dns.rcode.FORMERR, dns.rcode.NOTIMP})
_USABLE: Final = frozenset({dns.rcode.NOERROR, dns.rcode.NXDOMAIN})


class DnsFault(Exception):
    """No usable answer (time-out, SERVFAIL, refused): a passing fault, never a "no"."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A usable answer of `size` octets.  `authentic`: it has the AD bit, and came from this very machine."""

    message: dns.message.QueryMessage
    size: int
    authentic: bool


class Question:
    """Asks until there is a usable answer, the servers have all failed, or the time is over; then calls `done` once."""

    def __init__(
        self,
        name: dns.name.Name,
        kind: dns.rdatatype.RdataType,
        nameservers: Sequence[tuple[str, int]],
        timeout_s: float,
        done: Callable[[Reply | DnsFault], None],
    ) -> None:
        self._query = dns.message.make_query(name, kind, use_edns=0, payload=PAYLOAD)
        # wants to know whether the answer was validated, without its signatures (RFC 6840 §5.7)
        self._query.flags |= dns.flags.AD
        self._attempts = [
            (server, FIRST_WAIT_S * 2**turn)
            for turn in range(ROUNDS)
            for server in (nameservers or [("127.0.0.1", 53)])
        ]
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._why = "no name server answers"
        self._server = ("", 0)
        self._wait_s = 0.0
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._strange = 0
        self._input = bytearray()
        self._end = self._loop.call_later(timeout_s, self._fail, "no name server answers in time")

    def start(self) -> None:
        """Ask the next server."""
        self._close()
        if not self._attempts:
            self._fail(self._why)
            return
        self._server, self._wait_s = self._attempts.pop(0)
        self._timer = self._loop.call_later(self._wait_s, self.start)
        self._strange = 0
        try:
            udp = self._open(socket.SOCK_DGRAM)
            udp.connect(self._server)
            udp.send(self._query.to_wire())
            self._loop.add_reader(udp, self._on_packet)
        except OSError as error:
            self._next(str(error))

    def give_up(self) -> None:
        """End at once, without an answer."""
        self._fail("nobody waits for the answer any more")

    # --- UDP

    def _on_packet(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(65535)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:  # "connection refused": nobody listens there
            self._next(str(error))
            return
        message = self._read(data)
        if message is None:
            self._strange += 1
            if self._strange > MAX_STRANGE:
                self._next("the answers are to something else")
        elif message.flags & dns.flags.TC:
            self._ask_by_tcp()
        else:
            self._take(message, len(data))

    # --- TCP

    def _ask_by_tcp(self) -> None:
        self._close()
        self._timer = self._loop.call_later(self._wait_s, self.start)
        self._input.clear()
        try:
            tcp = self._open(socket.SOCK_STREAM)
            result = tcp.connect_ex(self._server)
            if result not in _CONNECTING:
                raise OSError(result, "cannot connect")
            self._loop.add_writer(tcp, self._on_connected)
        except OSError as error:
            self._next(str(error))

    def _on_connected(self) -> None:
        tcp = self._socket
        assert tcp is not None
        self._loop.remove_writer(tcp)
        wire = self._query.to_wire()
        try:
            tcp.sendall(struct.pack("!H", len(wire)) + wire)  # far less than a new connection's buffer
            self._loop.add_reader(tcp, self._on_stream)
        except OSError as error:
            self._next(str(error))

    def _on_stream(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(65535)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._next(str(error))
            return
        self._input += data
        size = int.from_bytes(self._input[:2], "big")
        if len(self._input) >= 2 and not 0 < size <= MAX_ANSWER:
            self._next(f"the answer is larger than {MAX_ANSWER} octets" if size else "the answer is empty")
        elif len(self._input) >= 2 + size > 2:
            whole = bytes(self._input[2 : 2 + size])
            if size <= QUICK:
                self._take_whole(self._read(whole), size)
            else:
                self._read_apart(whole)
        elif not data:
            self._next("the name server hangs up")

    def _read_apart(self, whole: bytes) -> None:
        """Read a long answer, of perhaps thousands of records, in a thread: it would hold the loop for 50 ms."""
        tcp = self._socket
        assert tcp is not None
        self._loop.remove_reader(tcp)

        def done(read: asyncio.Future[dns.message.QueryMessage | None]) -> None:
            if self._socket is tcp:  # it has neither been given up, nor taken too long
                self._take_whole(read.result(), len(whole))

        self._loop.run_in_executor(None, self._read, whole).add_done_callback(done)

    def _take_whole(self, message: dns.message.QueryMessage | None, size: int) -> None:
        if message is None or message.flags & dns.flags.TC:
            self._next("the answer makes no sense")
        else:
            self._take(message, size)

    # --- both

    def _open(self, kind: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._server[0] else socket.AF_INET
        self._socket = socket.socket(family, kind | socket.SOCK_NONBLOCK)
        return self._socket

    def _read(self, data: bytes) -> dns.message.QueryMessage | None:
        """An answer to this question; None for anything else."""
        try:
            message = dns.message.from_wire(data, raise_on_truncation=False, ignore_trailing=True)
        except (dns.exception.DNSException, ValueError):
            return None
        if not isinstance(message, dns.message.QueryMessage) or not self._query.is_response(message):
            return None
        # a server that understands nothing repeats no question: `is_response` lets that through
        return message if message.question or message.rcode() not in _USABLE else None

    def _take(self, message: dns.message.QueryMessage, size: int) -> None:
        if message.rcode() not in _USABLE:
            if message.rcode() in _NO_EDNS:  # RFC 6891 §7: an old server; we can do without
                self._query.use_edns(edns=False)
            self._next(f"the name server says {dns.rcode.to_text(message.rcode())}")
            return
        authentic = bool(message.flags & dns.flags.AD) and ipaddress.ip_address(self._server[0]).is_loopback
        self._finish(Reply(message, size, authentic))

    def _next(self, why: str) -> None:
        self._why = why
        self.start()

    def _fail(self, why: str) -> None:
        question = self._query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        self._finish(DnsFault(f"{question.name.to_text(omit_final_dot=True)} {kind}: {why}"))

    def _finish(self, outcome: Reply | DnsFault) -> None:
        self._end.cancel()
        self._attempts.clear()
        self._close()
        self._done(outcome)

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
            self._socket = None
