"""Ports: does the server answer at each, or could it have it, and do its own names lead there?"""

from __future__ import annotations

import errno
import ipaddress
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from mailkeep.config import Address
from mailkeep.doctor.finding import Area, Finding, Level
from mailkeep.doctor.holder import find_holder
from mailkeep.sockets import BindError, tcp_sockets

ANSWER_S: Final = 5.0  # to connect, and then to greet
AT_ONCE: Final = 32
MAX_ADDRESSES: Final = 8  # that are tried of those which the server's name leads to
PROXY_LINE: Final = b"PROXY UNKNOWN\r\n"  # "no client": PROXY protocol version 1, section 2.1


@dataclass(frozen=True, slots=True)
class Kind:
    """What a listener is like: its standard port (0: it has none), what it greets with, TLS from the first octet."""

    port: int
    greeting: bytes = b""
    tls: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    "imap": Kind(143, b"* OK"),
    "imaps": Kind(993, b"* OK", tls=True),
    "pop3": Kind(110, b"+OK"),
    "pop3s": Kind(995, b"+OK", tls=True),
    "smtp": Kind(25, b"220"),
    "submission": Kind(587, b"220"),
    "submissions": Kind(465, b"220", tls=True),
    "lmtp": Kind(0, b"220"),
    "http": Kind(80),
    "https": Kind(443, tls=True),
}
UNKNOWN_KIND: Final = Kind(0)


@dataclass(frozen=True, slots=True)
class Place:
    """A listener: its name as the option says it; `proxied`: whoever connects from this machine speaks as a proxy."""

    name: str
    address: Address
    proxied: bool = False

    @property
    def kind(self) -> Kind:
        """What to expect there."""
        return KINDS.get(self.name, UNKNOWN_KIND)

    @property
    def subject(self) -> str:
        """As findings name it."""
        return f"{self.name} {self.address}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of connecting; `fault` "" is all well.  `certificate`: what TLS from the first octet showed (DER)."""

    fault: str
    certificate: bytes = b""


def ask_all(places: Sequence[Place]) -> list[Answer]:
    """Connect to each place from this machine, all at the same time."""
    with ThreadPoolExecutor(AT_ONCE) as executor:
        return list(executor.map(_ask_here, places))


def _ask_here(place: Place) -> Answer:
    host = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(  # noqa: S104  an address to connect to
        place.address.host, place.address.host
    )
    return ask(place, host)


def ask(place: Place, host: str) -> Answer:
    """Connect to the port of `place` at `host`, and hear whether the right protocol greets."""
    try:
        with socket.create_connection((host, place.address.port), ANSWER_S) as connection:
            connection.settimeout(ANSWER_S)
            if place.proxied:
                connection.sendall(PROXY_LINE)
            if not place.kind.tls:
                return Answer(_greeting_fault(connection, place.kind))
            with _anybody().wrap_socket(connection) as secured:
                return Answer(_greeting_fault(secured, place.kind), secured.getpeercert(binary_form=True) or b"")
    except TimeoutError:
        return Answer(f"no answer within {ANSWER_S:.0f} s")
    except OSError as error:
        return Answer(error.strerror or str(error))


def _anybody() -> ssl.SSLContext:
    """Whoever it is: the certificate is looked at elsewhere."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _greeting_fault(connection: socket.socket, kind: Kind) -> str:
    received = b""
    while len(received) < len(kind.greeting):
        chunk = connection.recv(100)
        if not chunk:
            break
        received += chunk
    if received.startswith(kind.greeting):
        return ""
    said = received.partition(b"\r")[0].decode("ascii", "replace")
    return f'it greets with "{said}"' if said else "the connection is closed without a greeting"


def check_running(places: Sequence[Place], answers: Sequence[Answer], reload: str) -> Iterator[Finding]:
    """The server runs: does it answer?  `answers` are those of `ask_all`; `reload`: what gives it its configuration."""
    for place, answer in zip(places, answers, strict=True):
        if not answer.fault:
            yield Finding(Area.PORTS, Level.GOOD, place.subject, "answers")
            continue
        todo = f"the server has perhaps been started with another configuration: restart it ({reload})"
        yield Finding(Area.PORTS, Level.FAULT, place.subject, answer.fault, todo)


def check_free(places: Sequence[Place]) -> Iterator[Finding]:
    """No server runs: could one have these ports?"""
    for place in places:
        try:
            sockets = tcp_sockets(place.address, f"listen.{place.name}")
        except BindError as error:
            yield _taken(place, error)
            continue
        for [*bound] in sockets:
            for one in bound:
                one.close()
        yield Finding(Area.PORTS, Level.GOOD, place.subject, "is free")


def _taken(place: Place, error: BindError) -> Finding:
    cause = error.__cause__
    number = cause.errno if isinstance(cause, OSError) else None
    option = f"listen.{place.name}"
    match number:
        case errno.EADDRINUSE:
            holder = find_holder(place.address.port)
            who = str(holder) if holder else "another program"
            todo = f"stop it ({holder.farewell}), or" if holder and holder.pid else "stop it, or"
            return Finding(
                Area.PORTS, Level.FAULT, place.subject, f"{who} listens there", f"{todo} set {option} to another port"
            )
        case errno.EACCES | errno.EPERM:
            text = "ports below 1024 need a right that this user lacks; a service manager may grant it"
            todo = "start it by the unit that `mailkeep config unit` prints, or set listen.* to higher ports"
            return Finding(Area.PORTS, Level.ADVICE, place.subject, text, todo)
        case errno.EADDRNOTAVAIL:
            text = f"{place.address.host} is no address of this machine"
            return Finding(Area.PORTS, Level.FAULT, place.subject, text, f'set {option} to "*:{place.address.port}"')
        case _:
            return Finding(Area.PORTS, Level.FAULT, place.subject, str(error), f"set {option} to another address")


def check_standard(places: Sequence[Place]) -> Iterator[Finding]:
    """Where others look: at the standard ports, and not on loopback."""
    known = [place for place in places if place.kind.port]
    moved = [place for place in known if place.address.port != place.kind.port]
    for subject, why, some in (
        ("mail servers", "know port 25 alone, not that of", [place for place in moved if place.name == "smtp"]),
        ("clients", "look at standard ports, not at those of", [place for place in moved if place.name != "smtp"]),
        (
            "loopback",
            "nobody but this machine reaches",
            [place for place in known if place not in moved and is_loopback(place.address.host)],
        ),
    ):
        if some:
            names = ", ".join(place.name for place in some)
            wanted = ", ".join(f'listen.{place.name} = "*:{place.kind.port}"' for place in some)
            todo = f"{wanted}; or have something in front pass connections on"
            yield Finding(Area.PORTS, Level.ADVICE, subject, f"{why} {names}", todo)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine, for this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_reach(hostname: str, addresses: Sequence[str], places: Sequence[Place]) -> Iterator[Finding]:
    """The server runs: can it be reached by the addresses that DNS has for its name?"""
    outward = [place for place in places if place.kind.port and not place.proxied]
    outward = [place for place in outward if not is_loopback(place.address.host)]
    pairs = [(address, place) for address in addresses[:MAX_ADDRESSES] for place in outward]
    with ThreadPoolExecutor(AT_ONCE) as executor:
        answers = list(executor.map(lambda pair: ask(pair[1], pair[0]), pairs))
    for address in addresses[:MAX_ADDRESSES]:
        failed = [
            f"{place.name} {answer.fault}"
            for (at, place), answer in zip(pairs, answers, strict=True)
            if at == address and answer.fault
        ]
        if outward:
            yield _reached(f"{hostname} {address}", failed, own=_is_own(address))


def _reached(subject: str, failed: Sequence[str], *, own: bool) -> Finding:
    where = "" if own else "; it is no address of this machine, so from here this proves little"
    if not failed:
        return Finding(Area.PORTS, Level.GOOD, subject, "all ports answer there")
    text = f"not reached: {', '.join(failed)}{where}"
    todo = "look whether a firewall is in the way" if own else "forward these ports here, and try from outside"
    return Finding(Area.PORTS, Level.FAULT if own else Level.UNKNOWN, subject, text, todo)


def _is_own(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return True
    return False
