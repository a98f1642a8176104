"""The exchange: clients send through all servers at once, while somebody kills them; then what arrived is judged."""

from __future__ import annotations

import contextlib
import random
import re
import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.postfix import missing
from tests.cannot_run import cannot_run
from tests.dns_server import dns_server
from tests.exchange.ledger import NAME, Lead, Sent, Verdict, judge, read
from tests.exchange.nodes import USERS, MailkeepNode, Node, Place, PostfixNode

A, B, P = Place("a.example", "127.0.0.2"), Place("b.example", "127.0.0.3"), Place("p.example", "127.0.0.4")
ZONES = "".join(
    f"{place.domain}. MX 10 {place.hostname}.\n{place.hostname}. A {place.address}\n" for place in (A, B, P)
)
UNKNOWN = "nobody"
FORWARDS = {"fwd@p.example": "u1@b.example", "gone@p.example": f"{UNKNOWN}@b.example"}
SIZES, WEIGHTS = (300, 3_000, 20_000, 300_000, 1_300_000), (60, 60, 20, 4, 1)
SENDERS = 2  # a server
PART = 0.5  # of the kills of a server with several processes: one of these alone
EMPTY_S = 300.0
QUEUE_ID = re.compile(rb"Queued as (\S+)")


@dataclass(frozen=True, slots=True)
class Plan:
    """`pause_s`: the longest between two kills.  0: nobody is killed."""

    messages: int
    seed: int
    pause_s: float = 4.0


def leads() -> dict[str, Lead]:
    """Of every address that mail is sent to."""
    own = {f"{user}@{place.domain}": Lead(f"{user}@{place.domain}") for place in (A, B, P) for user in USERS}
    unknown = {f"{UNKNOWN}@{place.domain}": Lead("") for place in (A, B, P)}
    return own | unknown | {"fwd@p.example": Lead("u1@b.example"), "gone@p.example": Lead("", ("nobody@b.example",))}


@contextlib.contextmanager
def nodes(base: Path, kinds: str = "MMP") -> Iterator[tuple[Node, ...]]:
    """The three servers, running.  `kinds`: P for Postfix; M for mailkeep, or a digit: with so many processes."""
    if (why := missing()) is not None:
        cannot_run(why)
    port = common_port([place.address for place in (A, B, P)])
    with dns_server(ZONES) as (host, name_port):
        made: list[Node] = []
        for kind, place in zip(kinds, (A, B, P), strict=True):
            others = [other for other in (A, B, P) if other is not place]
            if kind == "P":
                made.append(PostfixNode(place, port, base / place.domain, others, FORWARDS if place is P else {}))
            else:
                ports = [free_port(place.address) for _ in range(3)]
                workers = int(kind) if kind.isdigit() else 1
                where = base / place.domain
                made.append(MailkeepNode(place, port, where, (host, name_port), ports, workers=workers))
        try:
            for node in made:
                node.start()
            yield tuple(made)
        finally:
            for node in made:
                node.stop()


def exchange(plan: Plan, servers: Sequence[Node], tell: Callable[[str], None] = lambda _: None) -> Verdict:
    """All of it.  Raises: AssertionError (a server does not start, or its queue does not become empty)."""
    chance = random.Random(plan.seed)
    senders = [
        Sender(node, plan.messages // (SENDERS * len(servers)), chance.randrange(10**9), number)
        for node in servers
        for number in range(SENDERS)
    ]
    killer = Killer(servers, chance, plan.pause_s, senders)
    for thread in (*senders, killer):
        thread.start()
    for thread in (*senders, killer):
        while thread.is_alive():
            thread.join(10)
            tell(f"{sum(len(sender.sent) for sender in senders)} sent, {sum(len(n.kills) for n in servers)} kills")
        if thread.failure is not None:
            raise thread.failure
    _wait_until_empty(servers, tell)
    sent = [one for sender in senders for one in sender.sent]
    bodies = {one.name: one.body for one in sent}
    copies = [
        read(found, f"{user}@{node.place.domain}", bodies)
        for node in servers
        for user in USERS
        for found in node.mail(user)
    ]
    verdict = judge(sent, copies, servers, leads())
    for node in servers:
        verdict.counts[f"kills of {node.place.hostname}"] = len(node.kills)
    verdict.counts["refused or not sent"] = sum(sender.not_sent for sender in senders)
    return verdict


@dataclass(slots=True)
class Draft:
    """A message to send."""

    recipients: list[str]
    body: bytes
    head: bytes = b""


class Sender(threading.Thread):
    """Sends one message after the other through a server, each once; goes on when the server is back."""

    def __init__(self, node: Node, count: int, seed: int, number: int) -> None:
        super().__init__(name=f"sender-{node.place.domain}-{number}", daemon=True)
        self.node = node
        self.count = count
        self.chance = random.Random(seed)
        self.user = USERS[number % len(USERS)]
        self.sent: list[Sent] = []
        self.not_sent = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while len(self.sent) < self.count:
                try:
                    with self.node.session(self.user) as session:
                        while len(self.sent) < self.count:
                            self._send(session)
                except (OSError, smtplib.SMTPException):
                    time.sleep(0.05)  # it has been killed; an attempt in a moment
        except BaseException as error:  # noqa: BLE001  whatever it is, the test must hear of it
            self.failure = error

    def _send(self, session: smtplib.SMTP) -> None:
        name = f"{self.node.place.domain[0]}{self.name[-1]}-{len(self.sent) + self.not_sent}"
        sender = f"{self.user}@{self.node.place.domain}"
        draft = self._draft(name, sender)
        self.not_sent += 1
        _must(session.mail(sender))
        accepted = tuple(address for address in draft.recipients if session.rcpt(address)[0] == 250)
        if not accepted:
            session.rset()
            return
        self.not_sent -= 1
        one = Sent(name, self.node.place.domain, sender, draft.body, accepted)
        self.sent.append(one)
        code, text = session.data(draft.head + b"\r\n" + draft.body)
        _must((code, text))
        one.acknowledged = True
        if found := QUEUE_ID.search(text):
            one.queue_id = found[1].decode()

    def _draft(self, name: str, sender: str) -> Draft:
        known = leads()
        recipients: list[str] = []
        taken: set[str] = set()
        for address in self.chance.sample(sorted(known), self.chance.choice((1, 1, 1, 2, 4))):
            end = known[address].mailbox or next(iter(known[address].told_as), address)
            if end not in taken:  # what comes there comes once
                recipients.append(address)
                taken.add(end)
        [size] = self.chance.choices(SIZES, WEIGHTS)
        line = name.encode().ljust(70, b".") + b"\r\n"
        head = f"From: {sender}\r\nTo: {', '.join(recipients)}\r\nSubject: exchange {name}\r\n{NAME}: {name}\r\n"
        head += f"Message-ID: <{name}.{self.chance.randrange(10**9)}@{self.node.place.domain}>\r\n"
        head += "Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
        return Draft(recipients, line * (size // len(line) + 1), head.encode())


def _must(answer: tuple[int, bytes]) -> None:
    if answer[0] != 250:
        raise smtplib.SMTPResponseException(*answer)


class Killer(threading.Thread):
    """Kills one server after the other, at random, while anybody sends, and starts it again."""

    def __init__(
        self, servers: Sequence[Node], chance: random.Random, pause_s: float, senders: Sequence[Sender]
    ) -> None:
        super().__init__(name="killer", daemon=True)
        self.servers = servers
        self.chance = chance
        self.pause_s = pause_s
        self.senders = senders
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while self.pause_s and any(sender.is_alive() for sender in self.senders):
                self._turn()
            for _ in range(3 if self.pause_s else 0):  # also while only the queues are at work
                self._turn()
        except BaseException as error:  # noqa: BLE001  as above
            self.failure = error

    def _turn(self) -> None:
        time.sleep(self.chance.uniform(0.2, self.pause_s))
        node = self.chance.choice(self.servers)
        if self.chance.random() < PART and node.kill_part(self.chance):
            return
        node.kill()
        time.sleep(self.chance.uniform(0, 1))
        node.start()


def _wait_until_empty(servers: Sequence[Node], tell: Callable[[str], None]) -> None:
    """No queue has anything, twice in a row: a report may have been on its way from one to the other."""
    deadline = time.monotonic() + EMPTY_S
    empty = 0
    while empty < 2:
        for node in servers:
            node.retry()
        time.sleep(1)
        counts = [node.queued() for node in servers]
        empty = empty + 1 if not any(counts) else 0
        tell(f"in the queues: {counts}")
        assert time.monotonic() < deadline, f"the queues do not become empty: {counts}"


def free_port(address: str) -> int:
    """That nobody listens on at this moment."""
    with socket.create_server((address, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def common_port(addresses: Sequence[str]) -> int:
    """One that is free at all of them: mail servers have the same port everywhere."""
    while True:
        port = free_port(addresses[0])
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for address in addresses:
                stack.enter_context(socket.create_server((address, port)))
            return port
