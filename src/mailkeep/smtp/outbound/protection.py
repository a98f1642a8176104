"""How much TLS a host must have: what DNS and policies ask for, and what the message does (RFC 7672, 8461, 8689)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, Protocol

from mailkeep.formats.mta_sts import Mode, Policy, find_id
from mailkeep.model.envelope import Envelope, Outcome
from mailkeep.net.resolver import DnsFault, Resolver
from mailkeep.smtp.outbound import dane
from mailkeep.smtp.outbound.fault import NO_TLS, Fault
from mailkeep.smtp.outbound.message import Facts
from mailkeep.smtp.outbound.routes import Place, Route
from mailkeep.smtp.outbound.tls import Kind, TlsResult, TlsResults, Way


class FindsPolicies(Protocol):
    """Knows the MTA-STS policies of domains."""

    async def find(self, domain: str) -> Policy | None:
        """The policy that holds now."""
        ...


class Wish(Enum):
    """What the sender of a message wants (RFC 8689)."""

    NOTHING = auto()
    REQUIRED = auto()  # REQUIRETLS: rather not delivered than by a host that has not proven its name
    OPTIONAL = auto()  # TLS-Required: No: rather in the clear than not delivered

    @classmethod
    def of(cls, envelope: Envelope, facts: Facts) -> Wish:
        """A report (null reverse-path) is not lost for want of TLS (RFC 8689 §5)."""
        if envelope.require_tls:
            return cls.REQUIRED if envelope.reverse_path else cls.NOTHING
        return cls.OPTIONAL if facts.tls_optional else cls.NOTHING


@dataclass(frozen=True, slots=True)
class Protection:
    """The ways that may be gone, in order; for DANE the records, and the names of which the host must have one."""

    ways: tuple[Way, ...]
    kind: Kind = Kind.NONE
    tlsa: tuple[dane.Tlsa, ...] = ()
    names: tuple[str, ...] = ()


ANY: Final = (Way.ENCRYPTED, Way.CLEAR)  # opportunistic (RFC 7435)


@dataclass(frozen=True, slots=True)
class Protections:
    """Finds out.  `port` is where mail is taken: DANE's records are for one port."""

    resolver: Resolver
    policies: FindsPolicies
    results: TlsResults
    port: int = 25

    async def policy(self, route: Route) -> Policy | None:
        """The MTA-STS policy for all hosts of a route; there is none for addresses (RFC 8461 §3.4)."""
        if route.is_literal:
            return None
        policy = await self.policies.find(route.domain)
        return None if policy is None or policy.mode is Mode.NONE else policy

    async def find(self, route: Route, policy: Policy | None, host: str, place: Place, wish: Wish) -> Protection:
        """What holds for one host.  Raises: Fault: it must not be used."""
        found = await self._by_dane(route, host, place)
        if found is None:
            found = self._by_policy(policy, host)
        match wish:
            case Wish.NOTHING:
                return found
            case Wish.REQUIRED:
                if policy is None and route.has_mx and not route.is_proven:
                    await self._require_told(route, host)
                return _required(found, route, policy, host)
            case Wish.OPTIONAL:
                # §4.2.2: "follow any policy published by the recipient domain, but do not fail"
                return replace(found, ways=tuple(dict.fromkeys((*found.ways, *ANY))))

    async def _by_dane(self, route: Route, host: str, place: Place) -> Protection | None:
        """RFC 7672 §2.2: only if everything up to the host's address was validated; None if DANE says nothing."""
        if not (route.is_proven and place.is_proven):
            return None
        for base in dict.fromkeys((place.canonical, host)):  # §2.2.2: the name after aliases first
            try:
                answer = await self.resolver.look_up(f"_{self.port}._tcp.{base}", "TLSA")
            except DnsFault as error:
                # §2.2: somebody may be hiding the records.
                self.results.count(Kind.TLSA, TlsResult.DNSSEC_INVALID)
                raise _fault("4.4.3", f"DNS does not say whether {host} has TLSA records: {error}", host) from error
            if not answer.records or not answer.authentic:
                continue
            tlsa = dane.usable(answer.records)
            if not tlsa:  # §2.2: records are there, so there is TLS, but who it is with cannot be told
                return Protection((Way.ENCRYPTED,), Kind.TLSA)
            names = (base, host, route.domain)  # §3.2.2
            return Protection((Way.DANE,), Kind.TLSA, tlsa, tuple(dict.fromkeys(names)))
        return None

    async def _require_told(self, route: Route, host: str) -> None:
        """That a policy cannot be had now returns no message: it may be there later.  Raises: Fault."""
        try:
            answer = await self.resolver.look_up(f"_mta-sts.{route.domain}", "TXT")
        except DnsFault as error:
            text = f"DNS does not say whether {route.domain} has an MTA-STS policy: {error}"
            raise _fault("4.4.3", text, host) from error
        is_there = find_id(b"".join(record.strings).decode("latin-1") for record in answer.records) is not None
        if is_there and await self.policies.find(route.domain) is None:
            raise _fault("4.7.0", f"The MTA-STS policy of {route.domain} cannot be fetched now", host)

    def _by_policy(self, policy: Policy | None, host: str) -> Protection:
        """RFC 8461 §5."""
        if policy is None:
            return Protection(ANY)
        if not policy.allows(host):
            self.results.count(Kind.STS, TlsResult.VALIDATION)
            if policy.mode is Mode.ENFORCE:
                raise _fault(NO_TLS, f"{host} is none of the hosts that the domain's MTA-STS policy names", host)
            return Protection(ANY, Kind.STS)
        if policy.mode is Mode.ENFORCE:
            return Protection((Way.PKIX,), Kind.STS)
        return Protection((Way.PKIX, *ANY), Kind.STS)


def _required(found: Protection, route: Route, policy: Policy | None, host: str) -> Protection:
    """RFC 8689 §4.2.1: that it is this host must be proven, by DNSSEC or MTA-STS, and the host must prove its name."""
    if Way.DANE in found.ways:
        return found
    is_right = route.is_proven or not route.has_mx or (policy is not None and policy.allows(host))
    if route.is_literal or not is_right:
        raise _fault("5.7.10", f"REQUIRETLS: nothing proves that {host} takes mail for {route.domain}", host)
    return replace(found, ways=(Way.PKIX,))


def _fault(enhanced: str, text: str, host: str) -> Fault:
    return Fault(Outcome(enhanced=enhanced, text=text, host=host))
