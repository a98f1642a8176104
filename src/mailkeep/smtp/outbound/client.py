"""The dialogue with another server, from its greeting to QUIT (RFC 5321, client side)."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn

from mailkeep.model.envelope import Envelope, Outcome
from mailkeep.service.spool import Octets
from mailkeep.smtp.outbound import dane, login, message
from mailkeep.smtp.outbound.fault import NO_TLS, Fault, Lost, Patience
from mailkeep.smtp.outbound.link import Link
from mailkeep.smtp.outbound.message import Facts, Unfit
from mailkeep.smtp.outbound.tls import Contexts, Kind, TlsFailed, TlsResult, TlsResults, Way, failed
from mailkeep.smtp.outbound.transaction import Line, Transaction, outcome_of
from mailkeep.smtp.wire.answer import Answer, Offers, parse_offers

MAX_BATCH: Final = 100  # recipients of one transaction: what every server takes (RFC 5321 §4.5.3.1.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A host at an address, and how much TLS it must have: connections to equal targets are worth the same.

    `ways` are tried in this order; `tlsa` and `names` are for DANE.  `implicit_tls`: from the first octet.
    """

    name: str
    address: str
    port: int
    ways: tuple[Way, ...] = (Way.ENCRYPTED, Way.CLEAR)
    kind: Kind = Kind.NONE
    tlsa: tuple[dane.Tlsa, ...] = ()
    names: tuple[str, ...] = ()
    implicit_tls: bool = False
    login: login.Login | None = None

    @property
    def shown(self) -> str:
        """For reports and log lines."""
        return self.name if self.name == self.address else f"{self.name}[{self.address}]"

    @property
    def sni(self) -> str | None:
        """The name that it must prove; None for an address literal, which has none."""
        try:
            ipaddress.ip_address(self.name)
        except ValueError:
            return self.name
        return self.name if Way.PKIX in self.ways else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialler:
    """Opens dialogues.  `hello`: the name by which this server calls itself."""

    hello: str
    contexts: Contexts
    results: TlsResults
    patience: Patience = field(default_factory=Patience)

    async def open(self, target: Target) -> Client:
        """A dialogue that has come to where MAIL may be said, by the first way that can be gone.  Raises: Fault."""
        ways = target.ways
        while True:
            link = Link()
            client = Client(target, link, self)
            try:
                await client.begin(ways)
            except TlsFailed as error:
                if ways == target.ways:  # a session counts once, as what its best way has come to (RFC 8460 §4.3)
                    self.results.count(target.kind, error.result)
                link.abort()
                ways = ways[1:]
                if not ways:
                    raise _fault(NO_TLS, f"{target.shown}: {error}", target) from error
            except Lost as error:
                link.abort()
                raise _fault("4.4.2", f"{target.shown}: {error}", target) from error
            except BaseException:
                link.abort()
                raise
            else:
                if ways == target.ways and client.result is not None:
                    self.results.count(target.kind, client.result)
                return client


class Client:
    """One dialogue.  After `send` has raised it must be closed, after it has returned it can take another message."""

    def __init__(self, target: Target, link: Link, dialler: Dialler) -> None:
        self.target: Final = target
        self.way = Way.CLEAR  # that was gone
        self.result: TlsResult | None = None  # what came of TLS; None if nobody wanted it
        self.offers = Offers()
        self.sent = 0  # messages
        self.is_uncertain = False  # the last one was sent whole, and nothing is answered
        self._link = link
        self._dialler = dialler
        self._patience = dialler.patience

    # ---- to where MAIL may be said -------------------------------------------------------------------------------

    async def begin(self, ways: Sequence[Way]) -> None:
        """Connect, greet, and go the first of `ways`.  Raises: Fault, Lost, TlsFailed."""
        way = ways[0]
        await self._connect(way)
        self._greeted(await self._link.answer(self._patience.greeting_s))
        await self._hello()
        if not self.target.implicit_tls and way is not Way.CLEAR:
            await self._start_tls(way, may_go_on=Way.CLEAR in ways)
        if self.target.login is not None:
            await login.log_in(self._command, self.offers.mechanisms, self.target.login, self._fail)

    async def _connect(self, way: Way) -> None:
        target = self.target
        loop = asyncio.get_running_loop()
        context = self._dialler.contexts.of(way) if target.implicit_tls else None
        try:
            async with asyncio.timeout(self._patience.connect_s):
                await loop.create_connection(
                    lambda: self._link,
                    target.address,
                    target.port,
                    ssl=context,
                    server_hostname=target.sni if context is not None else None,
                )
        except ssl.SSLError as error:
            raise failed(error) from error
        except TimeoutError as error:
            text = f"{target.shown}: no connection within {self._patience.connect_s:g} s"
            raise Fault(_fault("4.4.1", text, target).outcome, is_silent=True) from error
        except OSError as error:
            raise _fault("4.4.1", f"{target.shown}: {error.strerror or error}", target) from error
        if target.implicit_tls:
            self.way, self.result = way, TlsResult.SUCCESSFUL

    def _greeted(self, answer: Answer) -> None:
        if answer.code == 220:
            return
        # RFC 7504: 521 says that the host never takes mail; another 5yz may be about us, or of the moment.
        if answer.code == 521:
            raise Fault(outcome_of(answer, self.target.shown, "5.3.2"))
        self._fail("4.3.2", answer)

    async def _hello(self) -> None:
        answer = await self._command(f"EHLO {self._dialler.hello}")
        if answer.ok:
            self.offers = parse_offers(answer)
            return
        if answer.code >= 500:  # RFC 5321 §3.2: it knows no extensions
            answer = await self._command(f"HELO {self._dialler.hello}")
        if not answer.ok:
            self._fail("4.3.2", answer)
        self.offers = Offers()

    async def _start_tls(self, way: Way, *, may_go_on: bool) -> None:
        """RFC 3207.  `may_go_on`: in the clear, if the host does not offer TLS."""
        try:
            await self._negotiate(way)
        except TlsFailed as error:
            if error.result is not TlsResult.NOT_OFFERED or not may_go_on or not self._link.is_quiet:
                raise
            self.result = error.result
            return
        self.way, self.result = way, TlsResult.SUCCESSFUL
        await self._hello()  # RFC 3207 §4.2: what was offered in the clear counts no more

    async def _negotiate(self, way: Way) -> None:
        if "STARTTLS" not in self.offers:
            raise TlsFailed(TlsResult.NOT_OFFERED, "STARTTLS is not offered")
        answer = await self._command("STARTTLS")
        if answer.code != 220:
            raise TlsFailed(TlsResult.NOT_OFFERED, f"STARTTLS was answered with {answer.code} {answer.text}")
        target = self.target
        try:
            await self._link.start_tls(self._dialler.contexts.of(way), target.sni, self._patience.handshake_s)
        except ssl.SSLError as error:
            raise failed(error) from error
        except Lost as error:
            raise TlsFailed(TlsResult.VALIDATION, str(error)) from error
        if way is Way.DANE:
            tls = self._link.tls
            assert tls is not None
            dane.verify(target.tlsa, dane.chain_of(tls), target.names)

    # ---- a message -----------------------------------------------------------------------------------------------

    async def send(self, envelope: Envelope, octets: Octets, facts: Facts, outcomes: dict[str, Outcome]) -> None:
        """Give the host a message, in as many transactions as its recipients need.

        Puts what becomes of each recipient into `outcomes` as soon as it is known.  Raises: Fault (for the others).
        """
        try:
            form = message.fit(envelope, facts, self.offers)
            begin = message.mail_line(envelope, form, facts, self.offers)
        except Unfit as error:
            outcomes.update({r.address: self._unfit(error) for r in envelope.recipients})
            return
        ready: list[Line] = []
        for recipient in envelope.recipients:
            try:
                ready.append((recipient, message.rcpt_line(recipient, form, self.offers)))
            except Unfit as error:
                outcomes[recipient.address] = self._unfit(error)
        at_once = min(MAX_BATCH, self.offers.recipients or MAX_BATCH)
        while ready:
            batch, ready = ready[:at_once], ready[at_once:]
            transaction = Transaction(
                self._link, self.offers, self._patience, host=self.target.shown, begin=begin, batch=batch
            )
            try:
                await transaction.run(form, octets)
            except Lost as error:
                fault = _fault("4.4.2", f"{self.target.shown}: {error}", self.target)
                raise Fault(fault.outcome, is_uncertain=transaction.is_sent) from error
            finally:
                self.is_uncertain = transaction.is_sent
                outcomes.update(transaction.outcomes)
            if len(transaction.surplus) < len(batch):
                # It takes fewer at once: the others are next (RFC 5321 §4.5.3.1.10).
                ready = transaction.surplus + ready
                at_once = min(at_once, len(batch) - len(transaction.surplus))
            else:
                outcomes.update({recipient.address: transaction.too_many for recipient, _ in transaction.surplus})
        self.sent += 1

    # ---- its end -------------------------------------------------------------------------------------------------

    @property
    def is_fresh(self) -> bool:
        """Whether the host is there and has not said that it is about to leave."""
        return self._link.is_quiet

    def leave(self) -> None:
        """Say QUIT, and do not wait for the answer."""
        if self._link.is_quiet:
            self._link.write(b"QUIT\r\n")
        self._link.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._link.abort()

    # ---- steps ---------------------------------------------------------------------------------------------------

    async def _command(self, line: str) -> Answer:
        self._link.write(line.encode() + b"\r\n")
        return await self._link.answer(self._patience.command_s)

    def _fail(self, enhanced: str, answer: Answer) -> NoReturn:
        """Give the host up, for now; whatever it said is told."""
        raise Fault(outcome_of(answer, self.target.shown, enhanced))

    def _unfit(self, error: Unfit) -> Outcome:
        return Outcome(enhanced=error.enhanced, text=str(error), host=self.target.shown)


def _fault(enhanced: str, text: str, target: Target) -> Fault:
    return Fault(Outcome(enhanced=enhanced, text=text, host=target.shown))
