"""SPF (RFC 7208): whether a host may send mail for a domain.

pyspf evaluates records; it asks DNS wherever it happens to need something, and would block.  So it is run with the
answers that are known, says which one it lacks, and is run again with that: a dozen times at most for usual records.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import spf  # type: ignore[import-untyped]

from mailkeep.model.address import parse_domain
from mailkeep.model.errors import Invalid
from mailkeep.net.resolver import DnsFault, Resolver

MAX_RECORD: Final = 4096  # octets of a policy; RFC 7208 §3.4 wants it to fit into 512
MAX_RECORDS: Final = 200  # of one name and kind that are looked at
MAX_PASSES: Final = 150  # RFC 7208 §4.6.4 limits what a policy may ask for below this
_FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
POSTMASTER: Final = "postmaster"  # RFC 7208 §2.4

Key = tuple[str, str]
Known = dict[Key, tuple[Any, ...] | DnsFault]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfResult:
    """`result`: a word of RFC 7208 §2.6; `identity`: "mailfrom" or "helo"; `domain`: whose policy was asked.

    `mechanism` is what matched, "" if none did; `problem` says what is wrong where something is.
    """

    result: str
    identity: str
    domain: str
    mechanism: str = ""
    problem: str = ""


async def check_mail_from(resolver: Resolver, peer: str, helo: str, reverse_path: str, receiver: str) -> SpfResult:
    """Whether `peer` may send from `reverse_path`; for the null path, as postmaster of `helo` (RFC 7208 §2.4)."""
    local, _, domain = reverse_path.rpartition("@")
    return await _check(resolver, peer, helo, f"{local or POSTMASTER}@{domain or helo}", receiver, "mailfrom")


async def check_helo(resolver: Resolver, peer: str, helo: str, receiver: str) -> SpfResult:
    """Whether `peer` may call itself `helo` (RFC 7208 §2.3)."""
    return await _check(resolver, peer, helo, f"{POSTMASTER}@{helo}", receiver, "helo")


async def _check(resolver: Resolver, peer: str, helo: str, sender: str, receiver: str, identity: str) -> SpfResult:
    """check_host() of RFC 7208 §4."""
    local, _, domain = sender.rpartition("@")
    try:
        domain = parse_domain(domain)
        address = ipaddress.ip_address(peer.partition("%")[0])
    except (Invalid, ValueError):
        return SpfResult(result="none", identity=identity, domain=domain, problem="not a domain name")
    if "." not in domain or domain.startswith("["):
        return SpfResult(result="none", identity=identity, domain=domain, problem="not a domain name")
    known: Known = {}
    for _ in range(MAX_PASSES):
        query = _Query(known, str(address), f"{local}@{domain}", helo, receiver)
        outcome = await asyncio.to_thread(_evaluate, query)
        if isinstance(outcome, _Missing):
            known[outcome.key] = await _ask(resolver, *outcome.key)
            continue
        result, problem = outcome
        mechanism = query.mechanism or ""
        return SpfResult(result=result, identity=identity, domain=domain, mechanism=mechanism, problem=problem)
    return SpfResult(result="permerror", identity=identity, domain=domain, problem="too many questions to DNS")


class _Missing(Exception):
    """pyspf needs an answer."""

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self.key = key


class _Query(spf.query):  # type: ignore[misc]  # pyspf has no types
    """Asks nobody: uses what is known, or raises _Missing."""

    def __init__(self, known: Known, peer: str, sender: str, helo: str, receiver: str) -> None:
        self._known = known
        self.mechanism: str | None = None
        super().__init__(peer, sender, helo, receiver=receiver, strict=True)

    def dns(self, name: object, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:  # noqa: ARG002, FBT001, FBT002  pyspf's own signature
        """The values of all records of a kind; the resolver has followed aliases."""
        key = str(name).removesuffix(".").lower(), qtype
        if not all(0 < len(label) < 64 for label in key[0].split(".")) or len(key[0]) > 253:
            return []
        if key not in self._known:
            raise _Missing(key)
        found = self._known[key]
        if isinstance(found, DnsFault):
            # RFC 7208 §5.5: a fault while looking for names of the client only means that there are none
            if qtype == "PTR":
                return []
            raise spf.TempError("a name server does not answer", key[0])
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("Too many questions to DNS that have no answer", key[0])
        return list(found)

    def cidrmatch(self, addresses: Iterable[str], length: int) -> bool:
        """Whether the client shares its first `length` bits with any of these; pyspf takes a hundred times as long."""
        client: ipaddress.IPv4Address | ipaddress.IPv6Address = self.ipaddr
        family, shift = _FAMILIES[client.version], client.max_prefixlen - length
        wanted = int(client) >> shift
        try:
            return any(
                int.from_bytes(socket.inet_pton(family, address), "big") >> shift == wanted for address in addresses
            )
        except (OSError, ValueError) as error:
            raise spf.PermError("Not an address") from error

    def validated_ptrs(self) -> list[str]:
        """The names of the client that lead back to its address (RFC 7208 §5.5)."""
        return [name for name in self.dns_ptr(self.i)[: spf.MAX_PTR] if self._leads_back(name)]

    def _leads_back(self, name: str) -> bool:
        try:
            return bool(self.cidrmatch(self.dns_a(name, self.A), self.cidrmax))
        except spf.TempError:
            return False  # "that domain name is skipped and the search continues"

    def dns_spf(self, domain: str) -> str | None:
        """The policy of a domain; one that is much too long is an error."""
        record: str | None = super().dns_spf(domain)
        if record is not None and len(record) > MAX_RECORD:
            raise spf.PermError(f"The record is longer than {MAX_RECORD} octets", domain)
        return record

    def get_explanation(self, spec: str) -> None:
        """Nobody is told what the domain says to those who are not permitted: it is text of strangers."""


def _evaluate(query: _Query) -> tuple[str, str] | _Missing:
    """The result and what is wrong, or what is lacking."""
    try:
        result, _, text = query.check()
    except _Missing as missing:
        return missing
    except (AssertionError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        return "permerror", f"the record cannot be read: {type(error).__name__}"
    return result, str(text) if result in {"temperror", "permerror"} else ""


async def _ask(resolver: Resolver, name: str, kind: str) -> tuple[Any, ...] | DnsFault:
    """Records as pyspf has them."""
    try:
        records = (await resolver.look_up(name, kind)).records[:MAX_RECORDS]
    except DnsFault as fault:
        return fault
    match kind:
        case "MX":
            return tuple((record.preference, record.exchange.to_text(omit_final_dot=True)) for record in records)
        case "PTR":
            return tuple(record.target.to_text(omit_final_dot=True) for record in records)
        case "TXT":
            return tuple(tuple(record.strings) for record in records)
        case _:
            return tuple(record.address for record in records)
