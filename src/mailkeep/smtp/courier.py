"""The courier: gives a message to the hosts of a domain, or to the smarthost, and says what became of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from mailkeep import telemetry
from mailkeep.figures import Figure
from mailkeep.model.envelope import Body, Envelope, Outcome, Recipient
from mailkeep.service.spool import Octets
from mailkeep.smtp.outbound.client import Client, Dialler, Target
from mailkeep.smtp.outbound.fault import NO_TLS, Fault
from mailkeep.smtp.outbound.login import Login
from mailkeep.smtp.outbound.message import Facts, inspect
from mailkeep.smtp.outbound.pool import Places, Pool, Silent
from mailkeep.smtp.outbound.protection import Protections, Wish
from mailkeep.smtp.outbound.routes import Routes
from mailkeep.smtp.outbound.tls import Way

MAX_TRIES: Final = 8  # addresses at one attempt
MAX_DIALOGUES: Final = 2  # hosts that are offered the message, if the first puts recipients off

log = telemetry.logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Smarthost:
    """A host that takes mail for everybody.  `ways`: how much TLS it must have; `login`: who we are to it."""

    name: str
    port: int
    ways: tuple[Way, ...] = (Way.PKIX,)
    implicit_tls: bool = False
    login: Login | None = None


@dataclass(slots=True)
class Sent:
    """What was counted: recipients by the class of their outcome, and connections that were opened or used again."""

    recipients: Counter[str] = field(default_factory=Counter)
    connections: Counter[str] = field(default_factory=Counter)


class Courier:
    """Sends.  One of a process; `concurrency`: connections that one destination gets at once."""

    def __init__(
        self,
        *,
        dialler: Dialler,
        routes: Routes,
        protections: Protections,
        port: int = 25,
        concurrency: int = 10,
        smarthost: Smarthost | None = None,
    ) -> None:
        self.sent = Sent()
        self._dialler = dialler
        self._routes = routes
        self._protections = protections
        self._port = port
        self._smarthost = smarthost
        self._places = Places(concurrency, dialler.patience.place_s)
        self._pool = Pool()
        self._silent = Silent()

    async def send(self, domain: str, envelope: Envelope, octets: Octets) -> Mapping[str, Outcome]:
        """Try once to have the message taken; the outcome of each recipient, by its address.

        `envelope` has only recipients of `domain`.  Whatever other hosts and DNS do is an outcome.
        Raises: Unavailable (the octets cannot be read).
        """
        attempt = _Attempt(envelope, octets, await inspect(octets, is_binary=envelope.body is Body.BINARY))
        try:
            async with asyncio.timeout(self._dialler.patience.whole_s):
                await self._attempt(domain, attempt)
        except Fault as fault:
            attempt.failed(fault)
        except TimeoutError:
            attempt.give_up(Outcome(enhanced="4.4.7", text="The attempt took too long"))
        attempt.end()
        for outcome in attempt.outcomes.values():
            self.sent.recipients[_class(outcome)] += 1
        return attempt.outcomes

    def close(self) -> None:
        """Let go of connections that are kept."""
        self._pool.close()

    def figures(self) -> Iterator[Figure]:
        """For the table of figures."""
        yield from self._dialler.results.figures()
        for name, number in self.sent.recipients.items():
            yield "outbound_recipients", (name,), number
        for name, number in self.sent.connections.items():
            yield "outbound_connections", (name,), number

    # ---- one attempt ---------------------------------------------------------------------------------------------

    async def _attempt(self, domain: str, attempt: _Attempt) -> None:
        """Raises: Fault: nobody whom it left without an outcome can be reached."""
        if self._smarthost is not None:
            await self._by_smarthost(self._smarthost, attempt)
            return
        route = await self._routes.find(domain)
        async with self._places.hold(route.destination):
            policy = await self._protections.policy(route)
            for host in route.hosts:
                try:
                    place = await self._routes.locate(host)
                    found = await self._protections.find(route, policy, host, place, attempt.wish)
                except Fault as fault:
                    attempt.failed(fault)
                    continue
                target = Target(
                    name=host,
                    address="",
                    port=self._port,
                    ways=found.ways,
                    kind=found.kind,
                    tlsa=found.tlsa,
                    names=found.names,
                )
                if await self._try_addresses(target, place.addresses, attempt):
                    return

    async def _by_smarthost(self, smarthost: Smarthost, attempt: _Attempt) -> None:
        attempt.is_configured = True
        target = Target(
            name=smarthost.name,
            address="",
            port=smarthost.port,
            ways=(Way.PKIX,) if attempt.wish is Wish.REQUIRED else smarthost.ways,
            implicit_tls=smarthost.implicit_tls,
            login=smarthost.login,
        )
        async with self._places.hold(smarthost.name):
            place = await self._routes.locate(smarthost.name)
            await self._try_addresses(target, place.addresses, attempt)

    async def _try_addresses(self, target: Target, addresses: tuple[str, ...], attempt: _Attempt) -> bool:
        """Try a host, at each of its addresses; whether the attempt is at its end."""
        for address in addresses:
            if (silent := self._silent.find(address)) is not None:
                attempt.failed(silent)
                continue
            attempt.tries += 1
            await self._try(replace(target, address=address), attempt)
            if attempt.is_over:
                return True
        return False

    async def _try(self, target: Target, attempt: _Attempt) -> None:
        """One dialogue; what it brings goes into `attempt`."""
        client = self._pool.take(target)
        if client is not None:
            self.sent.connections["reused"] += 1
            if await self._talk(client, attempt, is_reused=True):
                return
        try:
            client = await self._dialler.open(target)
        except Fault as fault:
            self.sent.connections["failed"] += 1
            if fault.is_silent:
                self._silent.note(target.address, fault)
            attempt.failed(fault)
            return
        self.sent.connections["opened"] += 1
        await self._talk(client, attempt)

    async def _talk(self, client: Client, attempt: _Attempt, *, is_reused: bool = False) -> bool:
        """Send on an open connection; False if it had been given up by the host before it took anything."""
        found: dict[str, Outcome] = {}
        try:
            refused = _lacks_requiretls(client, attempt)
            if refused is not None:
                attempt.failed(Fault(refused))
                self._pool.put(client)
                return True
            await client.send(attempt.left, attempt.octets, attempt.facts, found)
        except Fault as fault:
            client.abort()
            if is_reused and not found and not fault.is_uncertain:
                return False
            attempt.failed(fault)
            _log(client, found, fault.outcome.text)
            return True
        except BaseException as error:
            client.abort()
            _log(client, found, type(error).__name__)
            raise
        finally:
            attempt.learn(found)
        _log(client, found)
        self._pool.put(client)
        return True


class _Attempt:
    """What is known of the recipients so far.  Temporary refusals are tried at further hosts."""

    def __init__(self, envelope: Envelope, octets: Octets, facts: Facts) -> None:
        self.envelope: Final = envelope
        self.octets: Final = octets
        self.facts: Final = facts
        self.wish: Final = Wish.of(envelope, facts)
        self.outcomes: dict[str, Outcome] = {}
        self.tries = 0
        self.dialogues = 0  # in which hosts were offered the message
        self.is_configured = False  # where it goes is said by our configuration
        self._fault: Outcome | None = None  # of a host that answered for nobody
        self._is_uncertain = False

    @property
    def left(self) -> Envelope:
        """The envelope with those for whom there is no final outcome."""
        left: tuple[Recipient, ...] = tuple(
            recipient
            for recipient in self.envelope.recipients
            if recipient.address not in self.outcomes or not self.outcomes[recipient.address].is_final
        )
        return replace(self.envelope, recipients=left)

    @property
    def is_over(self) -> bool:
        """Everybody has a final outcome, enough was tried, or a further host might have the message twice."""
        enough = self.tries >= MAX_TRIES or self.dialogues >= MAX_DIALOGUES
        return enough or self._is_uncertain or not self.left.recipients

    def learn(self, found: Mapping[str, Outcome]) -> None:
        """What a host has said of recipients."""
        self.outcomes.update(found)
        self.dialogues += bool(found)

    def failed(self, fault: Fault) -> None:
        """A host could not be used.  A passing fault counts more than a lasting one: there is hope in it."""
        outcome = fault.outcome
        if self.is_configured and outcome.enhanced.startswith(("5.3.", "5.4.")):
            # All mail would come back for a typing error of ours, or because a name is not known for an hour.
            outcome = replace(outcome, enhanced=f"4{outcome.enhanced[1:]}")
        if self.wish is Wish.REQUIRED and outcome.enhanced == NO_TLS:
            outcome = replace(outcome, enhanced="5.7.10", text=f"Encryption needed: {outcome.text}")  # RFC 8689 §4.2.1
        if self._fault is None or self._fault.is_final or not outcome.is_final:
            self._fault = outcome
        self._is_uncertain = self._is_uncertain or fault.is_uncertain

    def give_up(self, outcome: Outcome) -> None:
        """There is nothing more to try."""
        for recipient in self.envelope.recipients:
            self.outcomes.setdefault(recipient.address, outcome)

    def end(self) -> None:
        """Give those whom no host has answered for what was wrong with the hosts."""
        self.give_up(self._fault or Outcome(enhanced="4.4.1", text="No host could be asked"))


def _lacks_requiretls(client: Client, attempt: _Attempt) -> Outcome | None:
    """RFC 8689 §4.2.1, step 5."""
    if attempt.wish is not Wish.REQUIRED or "REQUIRETLS" in client.offers:
        return None
    return Outcome(enhanced="5.7.30", text="REQUIRETLS support required", host=client.target.shown)


def _class(outcome: Outcome) -> str:
    if outcome.is_delivered:
        return "taken"
    return "refused" if outcome.is_final else "deferred"


def _log(client: Client, found: Mapping[str, Outcome], why: str = "") -> None:
    """One line for a dialogue in which a message was offered.  `uncertain`: it may have been taken."""
    fields: dict[str, object] = {"host": client.target.shown, "tls": client.way.value}
    fields |= Counter(_class(outcome) for outcome in found.values())
    if why:
        log.info("smtp.broken_off", **fields, why=why, uncertain=client.is_uncertain)
    else:
        log.info("smtp.sent", **fields)
