"""Which hosts take mail for a domain, and where they are (RFC 5321 §5, RFC 7505)."""

from __future__ import annotations

import ipaddress
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from mailkeep.model.address import to_ascii
from mailkeep.model.envelope import Outcome
from mailkeep.net.resolver import Answer, DnsFault, Resolver
from mailkeep.smtp.outbound.fault import Fault

MAX_HOSTS: Final = 10  # of a domain that are tried
MAX_ADDRESSES: Final = 4  # of a host

_MAX_NAME: Final = 253
_HOST: Final = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\Z")


@dataclass(frozen=True, slots=True)
class Route:
    """The hosts of a domain, the preferred first.

    `destination` stands for all of them where connections are counted: the same whatever order equals come in.
    `is_proven`: that it is these hosts was validated by DNSSEC, or is said by the address itself (no MX records).
    `is_literal`: the domain is an address, and the one host is that address.
    """

    domain: str  # in A-labels
    hosts: tuple[str, ...]
    destination: str
    is_proven: bool = False
    has_mx: bool = False
    is_literal: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host is.  `canonical` is its name after aliases; `is_proven`: validated by DNSSEC."""

    addresses: tuple[str, ...]
    canonical: str
    is_proven: bool


@dataclass(frozen=True, slots=True)
class Routes:
    """Asks DNS.  `hostname`: this server's own name: mail must not come back to it (RFC 5321 §5.1)."""

    resolver: Resolver
    hostname: str = ""
    random: random.Random = field(default_factory=random.SystemRandom)

    async def find(self, domain: str) -> Route:
        """The hosts for a domain as an address has it.  Raises: Fault (there are none, or DNS does not answer)."""
        if domain.startswith("["):
            address = _literal(domain)
            return Route(domain, (address,), address, is_literal=True)
        name = _ascii(domain)
        answer = await self._ask(name, "MX")
        if not answer.records:
            if not answer.exists:
                raise _fault("5.1.2", f"There is no domain {name}")
            return Route(name, (name,), name, is_proven=answer.authentic)
        offers = self._in_order(answer.records, name)
        hosts = tuple(dict.fromkeys(host for _, _, host in offers))
        destination = min(host for preference, _, host in offers if preference == offers[0][0])
        return Route(name, hosts[:MAX_HOSTS], destination, is_proven=answer.authentic, has_mx=True)

    def _in_order(self, records: Iterable[Any], domain: str) -> list[tuple[int, float, str]]:
        """Preference, a random number and the name of each host.  Raises: Fault (there are none)."""
        offers = [(int(r.preference), self.random.random(), _name(r.exchange)) for r in records]
        if all(not host for _, _, host in offers):
            raise Fault(Outcome(enhanced="5.1.10", code=556, text=f"{domain} does not take mail (null MX, RFC 7505)"))
        offers = sorted(offer for offer in offers if _HOST.match(offer[2]))
        if not offers:
            raise _fault("5.4.4", f"{domain} names no host that there could be")
        if "." in self.hostname:  # else it is a name like "localhost", which says nothing
            mine = min((preference for preference, _, host in offers if host == self.hostname.lower()), default=None)
            # Whoever is preferred less than we are would give it back to us.
            offers = [offer for offer in offers if mine is None or offer[0] < mine]
            if not offers:
                raise _fault("5.4.6", f"Mail for {domain} comes to this server, which has no such domain")
        return offers

    async def locate(self, host: str) -> Place:
        """The addresses of a host, IPv6 first.  Raises: Fault."""
        if _is_address(host):
            return Place((host,), host, is_proven=False)
        if host == "localhost":  # RFC 6761 §6.3: no question for DNS
            return Place(("127.0.0.1", "::1"), host, is_proven=False)
        new, old = await self._both(host)
        addresses = [str(record.address) for record in (*new.records[:MAX_ADDRESSES], *old.records[:MAX_ADDRESSES])]
        # With few places some of each kind: one of the two may not be routed.
        if len(new.records) >= MAX_ADDRESSES and old.records:
            addresses[MAX_ADDRESSES - 1] = str(old.records[0].address)
        addresses = [address for address in addresses if not ipaddress.ip_address(address).is_unspecified]
        if not addresses:
            raise _fault("5.4.4", f"{host} has no address")
        both = [answer for answer in (new, old) if answer.records]
        return Place(tuple(addresses[:MAX_ADDRESSES]), both[0].name.rstrip(".").lower(), all(a.authentic for a in both))

    async def _both(self, host: str) -> tuple[Answer, Answer]:
        """What DNS says of IPv6 and IPv4.  Silence on one does not matter where the other has an address."""
        faults = []
        answers = []
        for kind in ("AAAA", "A"):
            try:
                answers.append(await self._ask(host, kind))
            except Fault as fault:
                faults.append(fault)
                answers.append(Answer((), exists=True, authentic=False, name=host))
        if faults and not any(answer.records for answer in answers):
            raise faults[0]
        return answers[0], answers[1]

    async def _ask(self, name: str, kind: str) -> Answer:
        try:
            return await self.resolver.look_up(name, kind)
        except DnsFault as error:
            raise _fault("4.4.3", f"DNS does not answer for {name} ({kind}): {error}") from error


def _ascii(domain: str) -> str:
    """In A-labels and lower case.  Raises: Fault."""
    try:
        name = to_ascii(domain.removesuffix("."))
    except UnicodeError:
        name = ""
    if not 0 < len(name) <= _MAX_NAME:
        raise _fault("5.1.2", f"{domain[:_MAX_NAME]} is no domain")
    return name


def _literal(domain: str) -> str:
    """The address of ``[192.0.2.1]`` or ``[IPv6:2001:db8::1]`` (RFC 5321 §4.1.3).  Raises: Fault."""
    text = domain.removeprefix("[").removesuffix("]")
    if text[:5].upper() == "IPV6:":
        text = text[5:]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise _fault("5.1.2", f"{domain[:_MAX_NAME]} is no address") from error


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _name(exchange: Any) -> str:
    """Of a dnspython name; "" for the root."""
    return str(exchange).rstrip(".").lower()


def _fault(enhanced: str, text: str) -> Fault:
    return Fault(Outcome(enhanced=enhanced, text=text))
