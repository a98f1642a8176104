"""A DNS server on loopback for tests: answers from zones given as text or as a dict, as a recursive resolver would.

    with dns_server('''
        example.org.      MX   10 mx.example.org.
        mx.example.org.   A    127.0.0.2
        slow.example.     TXT  "v=spf1 -all"
    ''', faults={"slow.example": "TIMEOUT"}) as (host, port):
        …

- Zones: master file text with absolute names (of as many domains as are wanted), or
  ``{"example.org": {"MX": ["10 mx.example.org."], "TXT": ['"v=spf1 -all"']}}``.  Wildcards and CNAME are followed.
- `faults`: a name, or a name and a kind (``"example.org MX"``) → ``SERVFAIL``, ``REFUSED``, ``FORMERR``, ``TIMEOUT``
  (no answer), ``TRUNCATED`` (over UDP always: the client must come again over TCP), ``TIMEOUT-UDP``, ``GARBAGE``
  (octets that are no answer), ``FORGED`` (an answer with another id, then the right one),
  ``ONCE`` (no answer the first time), ``NO-EDNS`` (FORMERR to questions with EDNS).
- `authentic`: True, or the names whose answers have the AD bit (if the question asks for it by AD or DO).
- `server.zones(…)` and `server.faults` change things later; `server.asked` are the questions so far: (name, kind),
  names in lower case without the last dot.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

Zones = str | Mapping[str, Mapping[str, Sequence[str]]]
MAX_CHAIN = 12
RCODES = {"SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"}
SOA = "ns.invalid. hostmaster.invalid. 1 3600 600 86400 60"


class DnsServer:
    """One server with a thread of its own; unpacks as (host, port)."""

    def __init__(
        self, zones: Zones, faults: Mapping[str, str], authentic: bool | Collection[str], address: tuple[str, int]
    ) -> None:
        self.faults = dict(faults)
        self.authentic = authentic
        self.asked: list[tuple[str, str]] = []
        self.over_tcp = 0
        self.cut: Callable[[bytes], Sequence[bytes]] = lambda octets: [octets]  # what is sent over TCP, in pieces
        self.zones(zones)
        self._udp, self._tcp = _bind(*address)
        self.host, self.port = self._udp.getsockname()
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="dns-server", daemon=True)

    def __iter__(self) -> Iterator[object]:
        return iter((self.host, self.port))

    def zones(self, zones: Zones) -> None:
        """Answer from these from now on."""
        text = zones if isinstance(zones, str) else _text(zones)
        lines = [line.strip() if line.strip() and not line.startswith("$") else line for line in text.splitlines()]
        zone = dns.zone.from_text(
            "$TTL 60\n" + "\n".join(lines) + "\n", origin=dns.name.root, relativize=False, check_origin=False
        )
        self._records = {
            (name, rdataset.rdtype): rdataset for name, node in zone.nodes.items() for rdataset in node.rdatasets
        }
        self._names = {
            ancestor
            for name, _ in self._records
            for ancestor in (name.split(depth)[1] for depth in range(1, len(name) + 1))
        }

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.send(b".")
        self._thread.join(10)
        for sock in (self._stop, self._stopped, self._udp, self._tcp):
            sock.close()

    # --- sockets

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            for sock in (self._stopped, self._udp, self._tcp):
                selector.register(sock, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._stopped:
                        return
                    with contextlib.suppress(OSError, EOFError):
                        if key.fileobj is self._udp:
                            self._serve_udp()
                        else:
                            self._serve_tcp()

    def _serve_udp(self) -> None:
        data, peer = self._udp.recvfrom(65535)
        for answer in self.answer(data, tcp=False):
            self._udp.sendto(answer, peer)

    def _serve_tcp(self) -> None:
        connection, _ = self._tcp.accept()
        with connection:
            connection.settimeout(5)
            data = _exactly(connection, struct.unpack("!H", _exactly(connection, 2))[0])
            self.over_tcp += 1
            for answer in self.answer(data, tcp=True):
                for piece in self.cut(struct.pack("!H", len(answer)) + answer):
                    connection.sendall(piece)

    # --- answers

    def answer(self, data: bytes, *, tcp: bool) -> list[bytes]:
        """What is sent back for a question: mostly one packet."""
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.canonicalize(), question.rdtype
        shown = name.to_text(omit_final_dot=True)
        self.asked.append((shown, dns.rdatatype.to_text(kind)))
        fault = self.faults.get(f"{shown} {dns.rdatatype.to_text(kind)}") or self.faults.get(shown, "")
        response = dns.message.make_response(query, recursion_available=True)
        if fault == "ONCE":
            self.faults = {key: value for key, value in self.faults.items() if value != "ONCE"}
            return []
        if fault == "TIMEOUT" or (fault == "TIMEOUT-UDP" and not tcp):
            return []
        if fault == "GARBAGE":
            return [b"\xff" * 40]
        if fault == "NO-EDNS" and query.edns >= 0:
            fault = "FORMERR"
        if fault in RCODES:
            response.set_rcode(dns.rcode.from_text(fault))
            return [response.to_wire()]
        self._fill(response, name, kind)
        if self._is_authentic(query, shown):
            response.flags |= dns.flags.AD
        if fault == "TRUNCATED" and not tcp:
            response.answer.clear()
            response.flags |= dns.flags.TC
        wire = _wire(response, 65535 if tcp else max(512, query.payload))
        if fault == "FORGED":
            return [bytes([wire[0] ^ 255]) + wire[1:], wire]
        return [wire]

    def _is_authentic(self, query: dns.message.Message, name: str) -> bool:
        asked = bool(query.flags & dns.flags.AD) or bool(query.ednsflags & dns.flags.DO)
        return asked and (self.authentic is True or (self.authentic is not False and name in self.authentic))

    def _fill(self, response: dns.message.Message, name: dns.name.Name, kind: int) -> None:
        for _ in range(MAX_CHAIN):
            owner = self._owner(name)
            if owner is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
                break
            if records := self._records.get((owner, kind)):
                response.answer.append(dns.rrset.from_rdata_list(name, records.ttl, list(records)))
                return
            alias = self._records.get((owner, dns.rdatatype.CNAME))
            if alias is None:
                break
            response.answer.append(dns.rrset.from_rdata_list(name, alias.ttl, list(alias)))
            name = alias[0].target.canonicalize()
        response.authority.append(dns.rrset.from_text(".", 60, dns.rdataclass.IN, dns.rdatatype.SOA, SOA))

    def _owner(self, name: dns.name.Name) -> dns.name.Name | None:
        """Who answers for `name`: itself, or the wildcard that covers it."""
        if name in self._names:
            return name
        while name != dns.name.root:
            name = name.parent()
            wild = dns.name.Name((b"*", *name.labels))
            if wild in self._names:
                return wild
            if name in self._names:
                return None
        return None


@contextlib.contextmanager
def dns_server(
    zones: Zones = "",
    *,
    faults: Mapping[str, str] | None = None,
    authentic: bool | Collection[str] = False,
    address: tuple[str, int] = ("127.0.0.1", 0),
) -> Iterator[DnsServer]:
    """A running server; see the module's docstring."""
    server = DnsServer(zones, faults or {}, authentic, address)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _bind(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """UDP and TCP on the same port, whichever is free for both."""
    for _ in range(100):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            udp.bind((host, port))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind(udp.getsockname())
            tcp.listen(64)
        except OSError:
            udp.close()
            tcp.close()
            if port:
                raise
            continue
        return udp, tcp
    raise AssertionError("no port is free for UDP and TCP")


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def _wire(response: dns.message.Message, limit: int) -> bytes:
    try:
        return response.to_wire(max_size=limit)
    except dns.exception.TooBig:
        response.answer.clear()
        response.flags |= dns.flags.TC
        return response.to_wire(max_size=limit)


def _text(zones: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    return "\n".join(
        f"{name.rstrip('.')}. {kind} {value}"
        for name, kinds in zones.items()
        for kind, values in kinds.items()
        for value in ([values] if isinstance(values, str) else values)
    )
