"""The judge who asks whether a message is from whom it says: SPF, DKIM, ARC and DMARC, in this order of work."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Final, TypeVar

from mailkeep import telemetry
from mailkeep.model.errors import Unavailable
from mailkeep.net.lane import Lane
from mailkeep.net.limits import is_loopback
from mailkeep.net.resolver import Answer, DnsFault, Resolver
from mailkeep.service.spool import Octets, behind
from mailkeep.smtp.judging import Action, Arriving, Opinion
from mailkeep.smtp.verify import arc, dkim
from mailkeep.smtp.verify.arc import ArcResult, Chain
from mailkeep.smtp.verify.dkim import DkimResult
from mailkeep.smtp.verify.dmarc import Identifiers, Policy, Verdict, evaluate
from mailkeep.smtp.verify.header import (
    MAX_HEADER,
    Authors,
    Header,
    HeaderTooLarge,
    parse_header,
    read_authors,
    read_head,
)
from mailkeep.smtp.verify.results import (
    authentication_results,
    found_pass,
    no_results,
    received_spf,
    rename_forged,
)
from mailkeep.smtp.verify.signatures import Signature, hash_bodies
from mailkeep.smtp.verify.spf import SpfResult, check_helo, check_mail_from
from mailkeep.smtp.wire.reply import Reply

DEADLINE_S: Final = 30.0  # for all questions about one message; RFC 7208 §4.6.4 wants at least 20
MAX_QUESTIONS: Final = 300  # about one message,
AT_ONCE: Final = 4  # and so many at a time: it may name fifty domains whose servers never answer
THREADS: Final = 2  # messages whose signatures are checked at a time
QUICK: Final = 8 * 1024  # octets of a header that is read on the spot; a longer one in a thread

T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# RFC 5322 §2.2: some readers take it for the end of a line, and see fields that nobody has checked, or a body sooner.
_BARE: Final = Reply(550, "5.6.0", "There is a CR or an LF alone in the header")
# RFC 5322 §2.2.3: it would become a part of the line that we put in front.
_CONTINUES: Final = Reply(550, "5.6.0", "The message begins with a line that continues another")

log = telemetry.logger(part="smtp")


class Mode(Enum):
    """What comes of the checks."""

    ENFORCE = "enforce"  # what the policy of the domain asks for is done
    TELL = "tell"  # only told, in header fields
    OFF = "off"  # nothing is checked; forged results are renamed nevertheless


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the configuration says.

    `hostname`: whose results these are.  `exempt`: networks whose mail is not checked; nor is that of this machine.
    `sealers`: domains whose word about a message is believed (ARC).
    """

    hostname: str
    mode: Mode = Mode.ENFORCE
    exempt: tuple[Network, ...] = ()
    sealers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that was found out about a message.  `spf`: of the reverse path first, and of the name in EHLO."""

    spf: tuple[SpfResult, ...]
    dkim: tuple[DkimResult, ...]
    arc: ArcResult
    dmarc: tuple[Verdict, ...]

    @property
    def results(self) -> list[tuple[str, str]]:
        """Each check with its result; of DKIM and DMARC there may be several."""
        of_many = [("dkim", one.result) for one in self.dkim] + [("dmarc", one.result) for one in self.dmarc]
        return [("spf", self.spf[0].result), ("arc", self.arc.result), *of_many]


class SenderJudge:
    """See `smtp.judging.Judge`.  `counts`: how often each check found what."""

    def __init__(self, resolver: Resolver, rules: Rules, lane: Lane, counts: Counter[tuple[str, str]]) -> None:
        self._counts = counts
        self._resolver = resolver
        self._lane = lane
        self._rules = rules
        self._threads = asyncio.Semaphore(THREADS)

    async def judge(self, arriving: Arriving) -> Opinion:
        """Refuse, put into Junk, or let in, with the findings as header fields."""
        try:
            head = read_head(arriving.octets)
            if not head.count(b"\r") == head.count(b"\n") == head.count(b"\r\n"):  # only BINARYMIME lets it come so far
                return Opinion(Action.REJECT, _BARE)
            if head[:1] in (b" ", b"\t"):
                return Opinion(Action.REJECT, _CONTINUES)
            opinion = await self._judge(arriving, head)
            if opinion.action in {Action.REJECT, Action.DEFER}:
                return opinion
            return replace(opinion, octets=await self._cleaned(arriving.octets, head))
        except HeaderTooLarge:
            return Opinion(Action.REJECT, Reply(552, "5.3.4", f"The header is larger than {MAX_HEADER} octets"))
        except Unavailable as error:
            return Opinion(Action.DEFER, Reply(451, "4.3.0", error.text))

    async def _judge(self, arriving: Arriving, head: bytes) -> Opinion:
        """Raises: Unavailable."""
        if self._rules.mode is Mode.OFF:
            return Opinion()
        if is_loopback(arriving.peer) or _is_in(arriving.peer, self._rules.exempt):
            return Opinion(fields=no_results(self._rules.hostname))
        return await self._lane.run(self._check(arriving, head))

    async def _check(self, arriving: Arriving, head: bytes) -> Opinion:
        """Raises: Unavailable."""
        header, authors = await self._apart(len(head), partial(_read, head))
        found = await self._find(arriving, header, authors)
        self._counts.update(found.results)
        opinion = self._decide(found, authors)
        log.info(
            "smtp.checked",
            peer=arriving.peer,
            size=arriving.octets.size,
            spf=found.spf[0].result,
            dkim=[result.result for result in found.dkim],
            arc=found.arc.result,
            dmarc=[verdict.result for verdict in found.dmarc],
            action=opinion.action.value,
        )
        return replace(opinion, fields=self._tell(arriving, found))

    def _tell(self, arriving: Arriving, found: Findings) -> bytes:
        """What was found, as header fields."""
        host = self._rules.hostname
        results = authentication_results(host, spf=found.spf, dkim=found.dkim, dmarc=found.dmarc, arc=found.arc)
        peer, helo, path = arriving.peer, arriving.helo, arriving.reverse_path
        return results + received_spf(found.spf[0], host=host, peer=peer, helo=helo, reverse_path=path)

    async def _cleaned(self, octets: Octets, head: bytes) -> Octets | None:
        """The message with forged results renamed; None where there are none.  Raises: Unavailable."""
        cleaned = await self._apart(len(head), partial(rename_forged, head, self._rules.hostname))
        return None if cleaned == head else await behind(cleaned, octets, skip=len(head))

    async def _apart(self, size: int, work: Callable[[], T]) -> T:
        """What `work` gives, done where it holds nobody up: a header may have `size` octets of what takes long."""
        if size <= QUICK:
            return work()
        async with self._threads:
            return await asyncio.to_thread(work)

    # --- finding out

    async def _find(self, arriving: Arriving, header: Header, authors: Authors) -> Findings:
        """Raises: Unavailable."""
        asking = _Questions(self._resolver)
        async with asyncio.TaskGroup() as tasks:
            spf = tasks.create_task(self._check_spf(asking, arriving))
            signed = tasks.create_task(self._check_signatures(asking, header, arriving.octets))
        checked = signed.result()
        if isinstance(checked, Unavailable):
            raise checked
        signatures, chain = checked
        identifiers = _identifiers(spf.result()[0], signatures)
        verdicts = [await evaluate(asking, author, identifiers) for author in authors.domains]
        believed = tuple(self._believe(verdict, chain) for verdict in verdicts)
        return Findings(spf=spf.result(), dkim=tuple(signatures), arc=chain, dmarc=believed)

    async def _check_spf(self, asking: Resolver, arriving: Arriving) -> tuple[SpfResult, ...]:
        peer, helo, host = arriving.peer, arriving.helo, self._rules.hostname
        of_path = await check_mail_from(asking, peer, helo, arriving.reverse_path, host)
        if not arriving.reverse_path:
            return (of_path,)
        return of_path, await check_helo(asking, peer, helo, host)

    async def _check_signatures(
        self, asking: Resolver, header: Header, octets: Octets
    ) -> tuple[list[DkimResult], ArcResult] | Unavailable:
        """What is signed and sealed; the error where the message cannot be read: raised, it would come in a group."""
        if not any(name.lower() in {b"dkim-signature", arc.SEAL} for name, _ in header.fields):
            return [], ArcResult("none")
        async with self._threads:
            (signatures, unread), chain = await asyncio.to_thread(_read_signatures, header)
        needed: list[Signature] = [*signatures]
        if isinstance(chain, Chain):
            needed += [chain.message, *chain.seals]
        keys = await _keys(asking, (signature.key_name for signature in needed))
        try:
            async with self._threads:
                verified, arc_result = await asyncio.to_thread(_verify, header, octets, signatures, chain, keys)
        except Unavailable as error:
            return error
        return verified + unread, arc_result

    def _believe(self, verdict: Verdict, chain: ArcResult) -> Verdict:
        """A verdict without its policy, if those who passed the message on are trusted and had found it good."""
        if verdict.result != "fail" or not verdict.policy or chain.result != "pass":
            return verdict
        if not all(_is_sealer(name, self._rules.sealers) for name in chain.sealers):
            return verdict
        if not found_pass(chain.found, verdict.author):
            return verdict
        return replace(verdict, policy=Policy.NONE, reason="it passed before a trusted host passed it on")

    # --- deciding

    def _decide(self, found: Findings, authors: Authors) -> Opinion:
        if self._rules.mode is not Mode.ENFORCE:
            return Opinion()
        failed = [verdict for verdict in found.dmarc if verdict.result == "fail"]
        worst = max(failed, key=lambda verdict: verdict.policy or Policy.NONE, default=None)
        if worst is not None and worst.policy == Policy.REJECT:
            text = f"Refused as the DMARC policy of {worst.author} asks: the message is not shown to be from there"
            return Opinion(Action.REJECT, Reply(550, "5.7.1", text))
        for verdict in found.dmarc:
            if verdict.result == "temperror" and verdict.policy is not Policy.NONE:
                text = f"DNS does not tell now whether the message is from {verdict.author} (DMARC); try again later"
                return Opinion(Action.DEFER, Reply(451, "4.4.3", text))
        if authors.doubtful or (worst is not None and worst.policy == Policy.QUARANTINE):
            return Opinion(Action.JUNK)
        return Opinion()


class _Questions:
    """A Resolver for one message: with a deadline and a number of questions; then every answer is a DnsFault."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._end = asyncio.get_running_loop().time() + DEADLINE_S
        self._left = MAX_QUESTIONS
        self._room = asyncio.Semaphore(AT_ONCE)

    async def look_up(self, name: str, kind: str) -> Answer:
        """Raises: DnsFault."""
        self._left -= 1
        if self._left < 0:
            raise DnsFault("too many questions about one message")
        try:
            async with asyncio.timeout_at(self._end), self._room:
                return await self._resolver.look_up(name, kind)
        except TimeoutError as error:
            raise DnsFault("no answer in time") from error


def _read(head: bytes) -> tuple[Header, Authors]:
    header = parse_header(head)
    return header, read_authors(header)


def _read_signatures(
    header: Header,
) -> tuple[tuple[list[Signature], list[DkimResult]], Chain | ArcResult]:
    return dkim.read_signatures(header), arc.read_chain(header)


def _verify(
    header: Header,
    octets: Octets,
    signatures: Sequence[Signature],
    chain: Chain | ArcResult,
    keys: dict[str, bytes | DnsFault | None],
) -> tuple[list[DkimResult], ArcResult]:
    """Runs in a thread.  Raises: Unavailable."""
    messages = [*signatures, chain.message] if isinstance(chain, Chain) else signatures
    hashes = hash_bodies(octets.pieces(), header.size, {signature.relaxed_body for signature in messages})
    results = dkim.verify(header, signatures, hashes, keys)
    return results, arc.verify(header, chain, hashes, keys) if isinstance(chain, Chain) else chain


async def _keys(asking: Resolver, names: Iterable[str]) -> dict[str, bytes | DnsFault | None]:
    """The texts of keys (RFC 6376 §3.6.2.2)."""
    async with asyncio.TaskGroup() as tasks:
        found = {name: tasks.create_task(_key(asking, name)) for name in dict.fromkeys(names)}
    return {name: task.result() for name, task in found.items()}


async def _key(asking: Resolver, name: str) -> bytes | DnsFault | None:
    try:
        records = (await asking.look_up(name, "TXT")).records
    except DnsFault as fault:
        return fault
    return b"".join(records[0].strings) if records else None


def _identifiers(spf: SpfResult, signatures: Iterable[DkimResult]) -> Identifiers:
    """What DMARC stands on.  A name server that does not answer leaves open what would have been."""
    return Identifiers(
        spf=(spf.domain,) if spf.result == "pass" else (),
        open_spf=(spf.domain,) if spf.result == "temperror" else (),
        dkim=tuple(result.domain for result in signatures if result.result == "pass"),
        open_dkim=tuple(result.domain for result in signatures if result.result == "temperror"),
    )


def _is_sealer(name: str, trusted: frozenset[str]) -> bool:
    """Whether `name` is one of these domains, or below one."""
    return any(name == domain or name.endswith(f".{domain}") for domain in trusted)


def _is_in(peer: str, networks: Iterable[Network]) -> bool:
    """Whether `peer` is in one of these networks."""
    address = ipaddress.ip_address(peer.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)
