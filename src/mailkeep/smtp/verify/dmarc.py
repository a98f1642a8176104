"""DMARC (RFC 9989): what the owner of a domain wants done with mail that says it is from there and is not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from mailkeep.net.resolver import DnsFault, Resolver

MAX_RECORD: Final = 4096  # octets that are looked at
MAX_LABELS: Final = 8  # RFC 9989 §4.10: at most so many questions in one walk
_VERSION: Final = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-+\--~]+\Z")


class Policy(IntEnum):
    """What is to be done with a message that fails; stricter ones are greater."""

    NONE = 0
    QUARANTINE = 1
    REJECT = 2


POLICIES: Final = {"none": Policy.NONE, "quarantine": Policy.QUARANTINE, "reject": Policy.REJECT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A DMARC Policy Record (RFC 9989 §4.7).  `policy` is None where the record is no reason to do anything."""

    policy: Policy | None
    subdomains: Policy | None = None
    nonexistent: Policy | None = None
    strict_dkim: bool = False
    strict_spf: bool = False
    public_suffix: str = "u"  # y, n, or u: unknown
    testing: bool = False


def parse_record(text: bytes) -> Record | None:
    """The record in a TXT record; None for anything else (RFC 9989 §4.7, §4.8, §4.10.1).  Never fails."""
    written = text[:MAX_RECORD].decode("ascii", "replace")
    version = _VERSION.match(written)
    if version is None:
        return None
    tags: dict[str, str] = {}
    for spec in written[version.end() :].split(";"):
        name, equals, value = spec.partition("=")
        if equals and value.isprintable():
            tags.setdefault(name.strip(" \t").lower(), value.strip(" \t"))
    wanted = {name: tags[name].lower() for name in ("p", "sp", "np") if name in tags}
    policy = POLICIES.get(wanted.get("p", ""))
    if policy is None or not all(word in POLICIES for word in wanted.values()):
        asks_for_reports = any(_URI.match(uri.strip(" \t")) for uri in tags.get("rua", "").split(","))
        return Record(policy=Policy.NONE if asks_for_reports else None, public_suffix=_suffix(tags))
    return Record(
        policy=policy,
        subdomains=POLICIES[wanted["sp"]] if "sp" in wanted else None,
        nonexistent=POLICIES[wanted["np"]] if "np" in wanted else None,
        strict_dkim=tags.get("adkim", "").lower() == "s",
        strict_spf=tags.get("aspf", "").lower() == "s",
        public_suffix=_suffix(tags),
        testing=tags.get("t", "").lower() == "y",
    )


def _suffix(tags: dict[str, str]) -> str:
    word = tags.get("psd", "u").lower()
    return word if word in {"y", "n"} else "u"


@dataclass(frozen=True, slots=True)
class Found:
    """A record, and the domain that has it."""

    domain: str
    record: Record


async def find_record(resolver: Resolver, domain: str) -> Record | None:
    """The record of this very domain; several are as none (RFC 9989 §4.10, step 2).  Raises: DnsFault."""
    answer = await resolver.look_up(f"_dmarc.{domain}", "TXT")
    records = [record for text in answer.records if (record := parse_record(b"".join(text.strings))) is not None]
    return records[0] if len(records) == 1 else None


async def walk(resolver: Resolver, domain: str) -> tuple[Found, ...]:
    """All records from `domain` up to the top, the longest name first (RFC 9989 §4.10).  Raises: DnsFault."""
    labels = domain.split(".")
    names = [domain, *(".".join(labels[-count:]) for count in range(min(len(labels), MAX_LABELS) - 1, 0, -1))]
    found: list[Found] = []
    for name in names:
        record = await find_record(resolver, name)
        if record is not None:
            found.append(Found(name, record))
            if record.public_suffix != "u":
                break
    return tuple(found)


def organizational_domain(domain: str, found: Iterable[Found]) -> str:
    """The Organizational Domain of `domain` by what a walk from there has found (RFC 9989 §4.10.2)."""
    shortest = domain
    for one in found:
        if one.record.public_suffix == "n":
            return one.domain
        if one.record.public_suffix == "y" and one.domain != domain:
            below = len(one.domain.split(".")) + 1
            return ".".join(domain.split(".")[-below:])
        shortest = one.domain
    return shortest


@dataclass(frozen=True, slots=True)
class Applied:
    """The record that applies to an Author Domain: whose it is, and the policy that it has for that domain.

    `organizational`: the Author Domain's Organizational Domain.
    """

    domain: str
    record: Record
    policy: Policy
    organizational: str


async def discover(resolver: Resolver, author: str) -> Applied | None:
    """What applies to mail from `author`, if anything does (RFC 9989 §4.10.1).  Raises: DnsFault."""
    found = await walk(resolver, author)
    organizational = organizational_domain(author, found)
    for candidate in (author, organizational, organizational.partition(".")[2]):
        record = next((one.record for one in found if one.domain == candidate), None)
        if record is None or (candidate not in {author, organizational} and record.public_suffix != "y"):
            continue
        if record.policy is None:
            return None
        policy = await _policy(resolver, author, record) if candidate != author else record.policy
        if record.testing and policy:
            policy = Policy(policy - 1)
        return Applied(candidate, record, policy, organizational)
    return None


async def _policy(resolver: Resolver, author: str, record: Record) -> Policy:
    """What a record of a domain above says of `author` (RFC 9989 §4.7: `sp`, `np`)."""
    assert record.policy is not None
    otherwise = record.subdomains if record.subdomains is not None else record.policy
    if record.nonexistent is None or record.nonexistent == otherwise:
        return otherwise
    exists = (await resolver.look_up(author, "A")).exists
    return otherwise if exists else record.nonexistent


async def is_aligned(resolver: Resolver, author: str, applied: Applied, identifier: str, *, strict: bool) -> bool:
    """Whether an authenticated domain stands for `author` (RFC 9989 §4.4, §4.10.2).  Raises: DnsFault."""
    if identifier == author:
        return True
    if strict or not (identifier == applied.organizational or identifier.endswith(f".{applied.organizational}")):
        return False  # its Organizational Domain is itself or above it: never beside it
    return organizational_domain(identifier, await walk(resolver, identifier)) == applied.organizational


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifiers:
    """Domains that have been authenticated, and those of which a fault of DNS left it open."""

    spf: tuple[str, ...] = ()
    dkim: tuple[str, ...] = ()
    open_spf: tuple[str, ...] = ()
    open_dkim: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`result`: a word of RFC 9989 §9.2, of a message from `author`.

    `policy`: what the owner wants done with it if it fails, None where that is not known.
    """

    author: str
    result: str
    policy: Policy | None = None
    reason: str = ""


async def evaluate(resolver: Resolver, author: str, identifiers: Identifiers) -> Verdict:
    """Whether a message is from the domain that it says it is from (RFC 9989 §5.3)."""
    if author.startswith("["):
        return Verdict(author=author, result="none", reason="an address literal has no policy")
    try:
        applied = await discover(resolver, author)
    except DnsFault:
        return Verdict(author=author, result="temperror", reason="a name server does not answer")
    if applied is None:
        return Verdict(author=author, result="none")
    strict_spf, strict_dkim = applied.record.strict_spf, applied.record.strict_dkim
    sure = [(name, strict_spf) for name in identifiers.spf] + [(name, strict_dkim) for name in identifiers.dkim]
    unsure = [(n, strict_spf) for n in identifiers.open_spf] + [(n, strict_dkim) for n in identifiers.open_dkim]
    passed = await _any_aligned(resolver, author, applied, sure)
    if passed:
        return Verdict(author=author, result="pass", policy=applied.policy)
    if passed is None or await _any_aligned(resolver, author, applied, unsure) is not False:
        return Verdict(author=author, result="temperror", policy=applied.policy, reason="a name server does not answer")
    return Verdict(author=author, result="fail", policy=applied.policy)


async def _any_aligned(
    resolver: Resolver, author: str, applied: Applied, candidates: Iterable[tuple[str, bool]]
) -> bool | None:
    """Whether any of them stands for `author`; None where a fault of DNS leaves it open."""
    answer: bool | None = False
    for domain, strict in dict.fromkeys(candidates):
        try:
            if await is_aligned(resolver, author, applied, domain, strict=strict):
                return True
        except DnsFault:
            answer = None
    return answer
