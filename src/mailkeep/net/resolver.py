"""Questions to DNS, as values: what is there, what is not, and whether the answer was validated."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from mailkeep.net.dns_question import DnsFault, Question, Reply

__all__ = ["Answer", "CachingResolver", "DnsFault", "Resolver", "system_nameservers"]

RESOLV_CONF: Final = Path("/etc/resolv.conf")
DNS_PORT: Final = 53
AT_ONCE: Final = 200  # questions on the wire; further ones wait for their turn
CACHE_ANSWERS: Final = 10_000
CACHE_OCTETS: Final = 4 * 1024 * 1024  # of answers as they came; as objects they take some ten times that
MAX_TTL: Final = 86400.0
MAX_NEGATIVE_TTL: Final = 3600.0  # RFC 2308 §5 suggests one to three hours
TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """`records` are dnspython's rdata objects of the kind asked for, aliases followed; none = NXDOMAIN or NODATA.

    `exists`: the name has records of some kind.  `authentic`: validated by DNSSEC, as told by a resolver that we
    trust (the AD bit, from loopback only).  `name`: the canonical name, after aliases.
    """

    records: tuple[Any, ...]
    exists: bool
    authentic: bool
    name: str


class Resolver(Protocol):
    """Asks DNS, and remembers answers for as long as they say."""

    async def look_up(self, name: str, kind: str) -> Answer:
        """Records of one kind (``MX``, ``TXT``, ``A``, …).  Raises: DnsFault."""
        ...


Key = tuple[dns.name.Name, dns.rdatatype.RdataType]


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Answer
    until: float
    size: int


class CachingResolver:
    """Asks recursive name servers, one after the other, and keeps their answers.

    It needs no task and may be asked by handlers that have none.  The same question is on the wire once, however many
    wait for its answer.  `nameservers`: (address, port) each; none given: what the system uses.  `timeout_s`: how long
    a question may take with all repetitions.  `lookups` counts: from memory, answered, failed.
    """

    def __init__(
        self,
        nameservers: Sequence[tuple[str, int]] = (),
        *,
        timeout_s: float = TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lookups = {"kept": 0, "answered": 0, "failed": 0}
        self._clock = clock
        self.configure(nameservers, timeout_s)
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._kept_octets = 0
        self._asked: dict[Key, list[asyncio.Future[Answer]]] = {}
        self._waiting: deque[Key] = deque()
        self._on_wire: dict[Key, Question] = {}

    def configure(self, nameservers: Sequence[tuple[str, int]], timeout_s: float) -> None:
        """Ask these from now on; none given: what the system uses now."""
        self._nameservers = tuple(nameservers) or system_nameservers()
        self._timeout_s = timeout_s

    async def look_up(self, name: str, kind: str) -> Answer:
        """Records of one kind (``MX``, ``TXT``, ``A``, …); a name that cannot be one does not exist.

        Raises: DnsFault.
        """
        parsed = _parse(name)
        if parsed is None:
            return Answer((), exists=False, authentic=False, name=name)
        key = parsed, dns.rdatatype.from_text(kind)
        kept = self._kept.get(key)
        if kept is not None and self._clock() < kept.until:
            self._kept.move_to_end(key)
            self.lookups["kept"] += 1
            return kept.answer
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if (waiting := self._asked.get(key)) is not None:
            waiting.append(future)
        else:
            self._asked[key] = [future]
            self._waiting.append(key)
            self._ask()
            if key not in self._on_wire and key in self._asked:
                asyncio.get_running_loop().call_later(self._timeout_s, self._tire, key)
        try:
            answer = await future
        except asyncio.CancelledError:
            self._leave(key)
            raise
        except DnsFault:
            self.lookups["failed"] += 1
            raise
        self.lookups["answered"] += 1
        return answer

    def _leave(self, key: Key) -> None:
        """Somebody waits no more; a question that nobody waits for is given up."""
        if all(future.done() for future in self._asked.get(key, ())):
            self._give_up(key)

    def forget(self) -> None:
        """Empty the cache."""
        self._kept.clear()
        self._kept_octets = 0

    def close(self) -> None:
        """Give up what is being asked: whoever waits gets a DnsFault."""
        for key in [*self._asked]:
            self._give_up(key)

    def _tire(self, key: Key) -> None:
        """A question whose turn has not come in time is a fault: others may wait for servers that never answer."""
        if key in self._asked and key not in self._on_wire:
            self._give_up(key)

    def _give_up(self, key: Key) -> None:
        if key in self._on_wire:
            self._on_wire[key].give_up()
        elif key in self._asked:
            self._waiting.remove(key)
            self._tell(key, DnsFault(f"{key[0]}: the question was given up before its turn came"))

    def _ask(self) -> None:
        while self._waiting and len(self._on_wire) < AT_ONCE:
            key = self._waiting.popleft()
            question = Question(*key, self._nameservers, self._timeout_s, partial(self._end, key))
            self._on_wire[key] = question
            question.start()

    def _end(self, key: Key, outcome: Reply | DnsFault) -> None:
        """A question has its answer, or will have none."""
        del self._on_wire[key]
        self._tell(key, self._keep(key, outcome) if isinstance(outcome, Reply) else outcome)
        self._ask()

    def _tell(self, key: Key, answer: Answer | DnsFault) -> None:
        for future in self._asked.pop(key):
            if future.done():  # who waited has gone
                continue
            if isinstance(answer, DnsFault):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _keep(self, key: Key, reply: Reply) -> Answer | DnsFault:
        try:
            chain = reply.message.resolve_chaining()
        except dns.exception.DNSException as error:
            return DnsFault(f"{key[0]}: the answer makes no sense: {error}")
        records = tuple(chain.answer) if chain.answer is not None else ()
        answer = Answer(
            records,
            exists=reply.message.rcode() != dns.rcode.NXDOMAIN,
            authentic=reply.authentic,
            name=chain.canonical_name.to_text(omit_final_dot=True),
        )
        ttl = min(float(chain.minimum_ttl), MAX_TTL if records else MAX_NEGATIVE_TTL)
        if ttl > 0:
            self._kept_octets += reply.size - (self._kept[key].size if key in self._kept else 0)
            self._kept[key] = _Kept(answer, self._clock() + ttl, reply.size)
            self._kept.move_to_end(key)
            while len(self._kept) > CACHE_ANSWERS or self._kept_octets > CACHE_OCTETS:
                self._kept_octets -= self._kept.popitem(last=False)[1].size
        return answer


def system_nameservers(file: Path = RESOLV_CONF) -> tuple[tuple[str, int], ...]:
    """What /etc/resolv.conf says; this machine where it says nothing."""
    try:
        lines = [line.split() for line in file.read_text("utf-8", "replace").splitlines()]
    except OSError:
        lines = []
    addresses = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver" and _is_address(words[1])]
    return tuple((address, DNS_PORT) for address in addresses) or (("127.0.0.1", DNS_PORT),)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _parse(name: str) -> dns.name.Name | None:
    """An absolute name in lower case; None for what cannot be asked."""
    if name in {"", ".", "@"}:
        return None
    try:
        return dns.name.from_text(name, idna_codec=dns.name.IDNA_2008_UTS_46).canonicalize()
    except (dns.exception.DNSException, UnicodeError):
        return None
