"""Many clients on one mailbox: they work in rounds, and after each all that they believe must be the same and true."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.imap_grammar import GrammarError
from tests.stress.client import MAILBOXES, Client
from tests.stress.octets import Dropped
from tests.stress.replica import DIALECTS, Contradiction, Dialect, Known, Replica
from tests.stress.talk import Command, Talk

SHOWN: Final = 60  # lines of a transcript
OBSERVED: Final = ("INTERNALDATE", "RFC822.SIZE")  # of what never changes: known to the fresh session


class Failure(AssertionError):
    """What went wrong, with the last lines of the client that saw it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do.  `guest`: another user with the same password, who has every second session."""

    address: tuple[str, int]
    user: str
    password: str
    guest: str = ""
    sessions: int
    seconds: float
    seed: int
    steps: int = 20  # of each client in a round
    dialects: Sequence[Dialect] = DIALECTS


@dataclass(slots=True)
class Report:
    """What was done."""

    rounds: int = 0
    commands: int = 0
    responses: int = 0
    expunges: int = 0
    searches: int = 0
    verbs: Counter[str] = field(default_factory=Counter)


async def stress(plan: Plan, progress: Callable[[Report], None] = lambda _: None, log: Path | None = None) -> Report:
    """Carry it out.  Raises: Failure, at the first thing that is wrong; then `log` holds what every client heard."""
    clients = [
        Client(f"c{n}", dialect, random.Random(f"{plan.seed}/{n}"), _tree(plan, n))
        for n, dialect in zip(range(plan.sessions), itertools.cycle(plan.dialects), strict=False)
    ]
    fresh = await Talk("fresh", Dialect("fresh", condstore=True)).open_(plan.address, plan.user, plan.password)
    await prepare(fresh, plan.guest)
    course = _Course(plan, clients, fresh, Report(), asyncio.Barrier(len(clients) + 1), progress)
    try:
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(course.run(client))
            group.create_task(course.judge())
    except* Failure as failures:
        for client in clients if log else ():
            assert log is not None
            (log / f"{client.talk.name}.txt").write_text("\n".join(client.talk.transcript), "utf-8")
        raise failures.exceptions[0] from None
    finally:
        for talk in (fresh, *(client.talk for client in clients)):
            talk.close()
    return course.report


def _tree(plan: Plan, n: int) -> str:
    return f"Other Users/{plan.user}/" if plan.guest and n % 2 else ""


async def prepare(fresh: Talk, guest: str) -> None:
    """Both mailboxes exist; they need not be empty.  The guest may do all with them."""
    for mailbox in MAILBOXES[1:]:
        fresh.send(Command("CREATE", f"CREATE {mailbox}"))
    await fresh.land()
    for mailbox in MAILBOXES if guest else ():
        await fresh.ok(Command("SETACL", f"SETACL {mailbox} {guest} lrswite"))


@dataclass(slots=True)
class _Course:
    plan: Plan
    clients: list[Client]
    fresh: Talk
    report: Report
    barrier: asyncio.Barrier
    progress: Callable[[Report], None]
    goes_on: bool = True

    async def run(self, client: Client) -> None:
        """One client's part."""
        try:
            user = self.plan.guest if client.tree else self.plan.user
            await client.talk.open_(self.plan.address, user, self.plan.password)
            await client.open_(MAILBOXES[0] if client.chance.random() < 0.8 else MAILBOXES[1])
            while self.goes_on:
                await client.work(client.chance.randrange(1, 2 * self.plan.steps))
                await self.barrier.wait()
                await client.settle()
                await self.barrier.wait()  # the judge compares
                await self.barrier.wait()
                await examine(client)
                self.report.searches += 1
                await self.barrier.wait()
        except (Contradiction, Dropped, GrammarError) as error:
            dialect = client.replica.dialect.name
            raise Failure(
                f"seed {self.plan.seed}, client {client.talk.name} ({dialect}): {error}\n" + transcript(client.talk)
            ) from error

    async def judge(self) -> None:
        """Compare all with the truth at the end of each round."""
        end = time.monotonic() + self.plan.seconds
        while self.goes_on:
            await self.barrier.wait()
            await self.barrier.wait()
            for mailbox in MAILBOXES:
                truth = await read_afresh(self.fresh, mailbox)
                for client in self.clients:
                    if client.mailbox == mailbox:
                        self._compare(client, truth)
            self._count()
            self.progress(self.report)
            self.goes_on = time.monotonic() < end
            await self.barrier.wait()
            await self.barrier.wait()

    def _compare(self, client: Client, truth: Replica) -> None:
        wrong = differences(client.replica, truth)
        if wrong:
            dialect = client.replica.dialect.name
            raise Failure(
                f"seed {self.plan.seed}, round {self.report.rounds}, client {client.talk.name} ({dialect}) believes"
                f" of {client.mailbox} what is not so:\n" + "\n".join(wrong[:10]) + "\n" + transcript(client.talk)
            )

    def _count(self) -> None:
        talks = [client.talk for client in self.clients]
        self.report.rounds += 1
        self.report.commands = sum(talk.commands for talk in talks)
        self.report.responses = sum(talk.responses for talk in talks)
        self.report.expunges = sum(talk.replica.expunged for talk in talks)
        self.report.verbs = sum((client.verbs for client in self.clients), Counter[str]())


def transcript(talk: Talk) -> str:
    """The last lines of a connection."""
    return "\n".join("    " + line[:300] for line in list(talk.transcript)[-SHOWN:])


async def read_afresh(fresh: Talk, mailbox: str) -> Replica:
    """What a session reads that knew nothing; STATUS must agree with it."""
    fresh.replica.forget()
    await fresh.ok(Command("EXAMINE", f"EXAMINE {mailbox} (CONDSTORE)"))
    if fresh.replica.messages:
        items = " ".join(("UID", "FLAGS", "MODSEQ", *OBSERVED))
        await fresh.ok(Command("FETCH", f"FETCH 1:* ({items})"))
    if not fresh.replica.is_complete:
        raise Failure(f"not all of {mailbox} is told:\n" + transcript(fresh))
    status = await fresh.ok(Command("STATUS", f"STATUS {mailbox} (MESSAGES UNSEEN UIDNEXT HIGHESTMODSEQ)"))
    [(_, items_told)] = [response.data for response in status.untagged if response.kind == "STATUS"]
    messages = fresh.replica.messages
    unseen = sum("\\seen" not in (m.flags or ()) for m in messages)
    wrong = [
        (word, items_told[word], wanted)
        for word, wanted in (("MESSAGES", len(messages)), ("UNSEEN", unseen))
        if items_told[word] != wanted
    ]
    largest = max((m.modseq or 0 for m in messages), default=0)
    if wrong or items_told["HIGHESTMODSEQ"] < largest or items_told["UIDNEXT"] <= max(fresh.replica.uids(), default=0):
        raise Failure(f"STATUS of {mailbox} is wrong: {items_told}, {wrong}, {largest}\n" + transcript(fresh))
    return fresh.replica


def differences(believed: Replica, truth: Replica) -> list[str]:
    """What is believed and is not so."""
    out = []
    if believed.uids() != truth.uids():
        more, less = set(believed.uids()) - set(truth.uids()), set(truth.uids()) - set(believed.uids())
        out.append(f"UIDs: believed and gone {sorted(more)}, there and not known {sorted(less)}")
        return out
    if believed.uidvalidity != truth.uidvalidity:
        out.append(f"UIDVALIDITY {believed.uidvalidity}, is {truth.uidvalidity}")
    for mine, real in zip(believed.messages, truth.messages, strict=True):
        out += _of_one(mine, real)
    return out


def _of_one(mine: Known, real: Known) -> list[str]:
    out = []
    if mine.flags != real.flags:
        out.append(f"flags of UID {real.uid}: {sorted(mine.flags or ())}, are {sorted(real.flags or ())}")
    if mine.modseq is not None and mine.modseq != real.modseq:
        out.append(f"MODSEQ of UID {real.uid}: {mine.modseq}, is {real.modseq}")
    out += [
        f"{name} of UID {real.uid} is another"
        for name in OBSERVED
        if mine.fixed.get(name, real.fixed[name]) != real.fixed[name]
    ]
    return out


async def examine(client: Client) -> None:
    """While nothing happens, SEARCH must find what the replica says."""
    key = client.key()
    command = await client.talk.ok(Command("UID SEARCH", f"UID SEARCH {key}"))
    found = [uid for response in command.untagged for uid in found_in(response.kind, response.data)]
    wanted = [m.uid for m in client.replica.messages if matches(key, m.flags or frozenset())]
    if found != wanted:
        raise Contradiction(f"SEARCH {key} found {found}, not {wanted}")


def found_in(kind: str, data: dict[str, list[int]]) -> list[int]:
    """Of SEARCH or ESEARCH."""
    match kind:
        case "SEARCH":
            return data["numbers"]
        case "ESEARCH":
            return data.get("ALL", [])
    return []


def matches(key: str, flags: frozenset[str]) -> bool:
    """Whether a message with these flags matches a search of `Client.key`."""
    words = key.split()

    def take() -> bool:
        match words.pop(0):
            case "ALL":
                return True
            case "OR":
                one, two = take(), take()
                return one or two
            case "NOT":
                return not take()
            case "KEYWORD":
                return words.pop(0).lower() in flags
            case "UNKEYWORD":
                return words.pop(0).lower() not in flags
            case word if word.startswith("UN"):
                return "\\" + word[2:].lower() not in flags
            case word:
                return "\\" + word.lower() in flags

    result = True
    while words:
        result &= take()
    return result
