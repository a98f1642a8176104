"""What DNS says of a domain, held against what it should say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from typing import Any, Final

from mailkeep.formats.dkim import public_record
from mailkeep.model.domain import SigningKey
from mailkeep.net.resolver import Answer, DnsFault, Resolver
from mailkeep.service.wellknown import Site
from mailkeep.service.zone import Record, list_records
from mailkeep.smtp.verify.spf import check_mail_from

MAX_SHOWN: Final = 1200  # characters of what DNS says
MAX_ADDRESSES: Final = 16  # of the server, that are looked up backwards


class Verdict(Enum):
    """How serious a finding is; MISSING and WRONG are what mail suffers from."""

    GOOD = "good"
    ADVICE = "advice"  # mail works without, or there is a choice
    MISSING = "missing"
    WRONG = "wrong"
    UNKNOWN = "unknown"  # DNS did not answer


@dataclass(frozen=True, slots=True)
class Finding:
    """`text`: what is there, or what is to be done."""

    verdict: Verdict
    name: str
    kind: str
    text: str


async def check_domain(
    domain: str, site: Site, keys: Sequence[SigningKey], resolver: Resolver, authority: str
) -> tuple[Finding, ...]:
    """All findings: the server itself, keys, then in the order of `list_records`.

    The questions are asked at the same time.  For `authority` see there.
    """
    check = _Check(domain, site, resolver)
    steps = [
        check.of_host(),
        check_keys(keys, resolver),
        *(check.of_record(record) for record in list_records(domain, site, (), authority)),
    ]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(step) for step in steps]
    return tuple(finding for task in tasks for finding in task.result())


async def check_keys(keys: Sequence[SigningKey], resolver: Resolver) -> tuple[Finding, ...]:
    """Whether public keys are published.  RFC 6376 §3.6.1."""
    findings = []
    for key in keys:
        name = f"{key.selector}._domainkey.{key.domain}"
        judging = _judge_key(resolver, name, public_record(key.algorithm, key.private))
        findings.append(await _find(name, "TXT", judging))
    return tuple(findings)


Judgement = tuple[Verdict, str]


class _Check:
    """One check of one domain."""

    def __init__(self, domain: str, site: Site, resolver: Resolver) -> None:
        self._domain = domain
        self._site = site
        self._resolver = resolver

    async def of_record(self, record: Record) -> tuple[Finding, ...]:
        """Whether a record is there as it should be, or in another good form."""
        judge = {"MX": self._mx, "SRV": self._srv, "CNAME": self._web_host, "CAA": self._caa, "TXT": self._text}
        return (await _find(record.name, record.kind, judge[record.kind](record)),)

    async def of_host(self) -> tuple[Finding, ...]:
        """Whether the server has addresses, and these the server's name."""
        host = self._site.hostname
        findings: list[Finding] = []
        found: list[str] = []
        for kind in ("A", "AAAA"):
            try:
                records = await self._host_records(kind)
            except DnsFault as fault:
                findings.append(Finding(Verdict.UNKNOWN, host, kind, f"DNS does not tell: {fault}"))
                continue
            addresses = [record.address for record in records]
            found += addresses
            if addresses:
                findings.append(Finding(Verdict.GOOD, host, kind, _shown(", ".join(addresses))))
        if not findings:
            findings.append(Finding(Verdict.MISSING, host, "A", "the server has no address in DNS"))
        for address in found[:MAX_ADDRESSES]:
            name = ip_address(address).reverse_pointer
            findings.append(await _find(name, "PTR", self._reverse(name, address)))
        return tuple(findings)

    async def _mx(self, record: Record) -> Judgement:
        records = (await self._resolver.look_up(record.name, "MX")).records
        hosts = sorted((mx.preference, _name(mx.exchange)) for mx in records)
        shown = ", ".join(f"{preference} {host or '.'}" for preference, host in hosts)
        if not hosts:
            return Verdict.MISSING, f"no mail comes here without it: {record.value}"
        if self._site.hostname not in (host for _, host in hosts):
            return Verdict.WRONG, f"is {shown}: mail goes elsewhere; here it would be {record.value}"
        if any(preference <= hosts[0][0] and host != self._site.hostname for preference, host in hosts):
            return Verdict.ADVICE, f"is {shown}: mail goes to another host first, or as well"
        return Verdict.GOOD, shown

    async def _text(self, record: Record) -> Judgement:
        """SPF, DMARC, TLS-RPT, MTA-STS: one record that begins with the version counts."""
        version = record.value.partition(";")[0].split()[0]
        found = [text for text in _texts(await self._resolver.look_up(record.name, "TXT")) if _begins(text, version)]
        needed = version in ("v=spf1", "v=DMARC1") and record.name in (self._domain, f"_dmarc.{self._domain}")
        if not found:
            return (Verdict.MISSING if needed else Verdict.ADVICE), f"is not there: {record.value}"
        if version == "v=UAAC1":
            return _digest(found, record)
        if len(found) > 1:
            return Verdict.WRONG, f"is there {len(found)} times, so none of them counts: {' | '.join(found)}"
        if _squeezed(found[0]) == _squeezed(record.value):
            return Verdict.GOOD, found[0]
        if version == "v=spf1":
            return await self._spf(found[0], record)
        return _other_text(version, found[0], record)

    async def _spf(self, found: str, record: Record) -> Judgement:
        """What counts is whether the server's addresses may send (RFC 7208 §4)."""
        if any(term in ("all", "+all") for term in found.lower().split()):
            return Verdict.WRONG, f"is {found}: anybody may send"
        addresses = [each.address for kind in ("A", "AAAA") for each in await self._host_records(kind)]
        if self._site.relay or not addresses:
            return Verdict.ADVICE, f"is {found}: see that it allows what sends; suggested is {record.value}"
        for address in addresses[:MAX_ADDRESSES]:
            host, sender = self._site.hostname, f"postmaster@{record.name}"
            outcome = await check_mail_from(self._resolver, address, host, sender, host)
            if outcome.result == "temperror":
                raise DnsFault(outcome.problem or "no answer while SPF was evaluated")
            if outcome.result != "pass":
                return Verdict.WRONG, f"is {found}: for {address} it says {outcome.result}; it would be {record.value}"
        return Verdict.GOOD, found

    async def _host_records(self, kind: str) -> tuple[Any, ...]:
        return (await self._resolver.look_up(self._site.hostname, kind)).records

    async def _srv(self, record: Record) -> Judgement:
        records = (await self._resolver.look_up(record.name, "SRV")).records
        have = {(srv.port, _name(srv.target)) for srv in records}
        _, _, port, target = record.value.split()
        shown = ", ".join(f"port {p} of {host}" if host else "no such service" for p, host in sorted(have))
        if have == {(int(port), target.removesuffix("."))}:
            return Verdict.GOOD, shown
        if not have:
            return Verdict.ADVICE, f"is not there: {record.value}"
        if target == ".":
            return Verdict.ADVICE, f"is {shown}; this server has no such service: {record.value}"
        return Verdict.WRONG, f"is {shown}; it would be {record.value}"

    async def _web_host(self, record: Record) -> Judgement:
        """Whichever host answers there over HTTPS: it only has to be there."""
        for kind in ("A", "AAAA"):
            answer = await self._resolver.look_up(record.name, kind)
            if answer.records:
                return Verdict.GOOD, answer.name
        return Verdict.ADVICE, f"is not there: {record.value}"

    async def _caa(self, record: Record) -> Judgement:
        """The nearest records upwards count.  RFC 8659 §3."""
        wanted = record.value.split('"')[1]
        for name in _upwards(record.name):
            records = (await self._resolver.look_up(name, "CAA")).records
            if not records:
                continue
            issuers = [caa.value.decode("ascii", "replace") for caa in records if caa.tag == b"issue"]
            allowed = [issuer.partition(";")[0].strip().lower() for issuer in issuers]
            if not allowed or wanted in allowed:
                return Verdict.GOOD, f"{name}: {', '.join(issuers) or 'no limit'}"
            return Verdict.ADVICE, f"{name} lets only {', '.join(issuers)} make certificates, not {wanted}"
        return Verdict.ADVICE, f"is not there: any authority may make certificates; {record.value}"

    async def _reverse(self, name: str, address: str) -> Judgement:
        names = [_name(ptr.target) for ptr in (await self._resolver.look_up(name, "PTR")).records]
        if self._site.hostname in names:
            return Verdict.GOOD, self._site.hostname
        have = f"leads to {', '.join(names)}" if names else "leads nowhere"
        return Verdict.ADVICE, f"{address} {have}, not to {self._site.hostname}: many hosts distrust mail from there"


async def _find(name: str, kind: str, judging: Awaitable[Judgement]) -> Finding:
    try:
        verdict, text = await judging
    except DnsFault as fault:
        verdict, text = Verdict.UNKNOWN, f"DNS does not tell: {fault}"
    return Finding(verdict, name, kind, _shown(text))


async def _judge_key(resolver: Resolver, name: str, wanted: str) -> Judgement:
    found = _texts(await resolver.look_up(name, "TXT"))
    if not found:
        return Verdict.MISSING, f"signatures cannot be checked without it: {wanted}"
    if len(found) > 1:
        return Verdict.WRONG, "is there more than once: which one counts is chance (RFC 6376 §3.6.2.2)"
    have, want = _tags(found[0]), _tags(wanted)
    if "".join(have.get("p", "").split()) != want["p"] or have.get("k", "rsa") != want["k"]:
        return Verdict.WRONG, f"is another key than the one that signs: {found[0]}; it would be {wanted}"
    if "y" in have.get("t", "").split(":"):
        return Verdict.ADVICE, "t=y says that signatures are a test, and count for nothing"
    return Verdict.GOOD, found[0]


def _other_text(version: str, found: str, record: Record) -> Judgement:
    """A record that is not ours letter by letter: is it one at all?"""
    match version:
        case "v=DMARC1":
            policy = _tags(found).get("p", "none").lower()
            if policy in ("quarantine", "reject"):
                return Verdict.GOOD, found
            return Verdict.ADVICE, f"is {found}: whoever pretends to be this domain is believed; {record.value}"
        case "v=TLSRPTv1":
            good = _tags(found).get("rua", "").startswith(("mailto:", "https:"))
            return (Verdict.GOOD, found) if good else (Verdict.WRONG, f"names no address: {found}")
        case _:  # MTA-STS: whoever wrote another policy has another id
            good = _tags(found).get("id", "").isalnum()
            return (Verdict.GOOD, found) if good else (Verdict.WRONG, f"has no id of letters and digits: {found}")


def _digest(found: Sequence[str], record: Record) -> Judgement:
    """Of PACC: several may stand side by side while the file changes, so one that fits is enough."""
    wanted = _tags(record.value)["d"]
    if any(_tags(text).get("d") == wanted for text in found):
        return Verdict.GOOD, record.value
    return Verdict.WRONG, f"is {' | '.join(found)}: not the digest of the file; it would be {record.value}"


def _texts(answer: Answer) -> list[str]:
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer.records]


def _begins(text: str, version: str) -> bool:
    """Whether a record is of this version: the word ends there, or `v=spf10` would count."""
    rest = text.lower().removeprefix(version.lower())
    return rest != text.lower() and not rest[:1].isalnum()


def _tags(text: str) -> Mapping[str, str]:
    """``name=value`` pairs between semicolons."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _squeezed(text: str) -> str:
    return "".join(text.split()).rstrip(";").lower()


def _name(name: Any) -> str:
    """A name of dnspython's as ours are: lower case, without the last dot; "" for the root."""
    return str(name.to_text(omit_final_dot=True)).lower().removesuffix(".")


def _upwards(name: str) -> Iterator[str]:
    labels = name.split(".")
    for depth in range(len(labels)):
        yield ".".join(labels[depth:])


def _shown(text: str) -> str:
    """For a terminal: what comes from DNS may be long, and hold anything."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in text[:MAX_SHOWN])
    return clean if len(text) <= MAX_SHOWN else f"{clean}…"
