"""kill -9, or SIGTERM, in the middle of everything, several times over on the same data.

Eight connections deliver, append, set flags, move and expunge in two accounts.  Each worker keeps a ledger of its own
messages: what it was told is done, and the one thing it has asked for and not been told.  After the restart every
message must be as the ledger says, or as if the one open request had been done; nothing else.  And a client that kept
what it knew resynchronises (QRESYNC) to exactly what is there.

MAILKEEP_CHAOS_ROUNDS sets how often each server is killed.
"""

from __future__ import annotations

import os
import random
import smtplib
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.chaos.conftest import StartDemo
from tests.chaos.soundness import assert_sound
from tests.imap_client import ConnectionEndedError, ImapClient, Literal
from tests.live import Account, Demo, Service, eventually

ROUNDS = int(os.environ.get("MAILKEEP_CHAOS_ROUNDS", "5"))
WORKERS = 3  # of IMAP, an account; and one that delivers
ACCOUNTS = [Account(f"chaos{n}@example.org", "pass-of-chaos") for n in range(2)]
BOXES = ("INBOX", "box")
# in a row, in a pack, in a file of its own: which is slow, so that there are few
SIZES = (200, 3_000, 15_900, 17_000, 120_000, 1_200_000)
WEIGHTS = (6, 6, 6, 6, 6, 1)
KEYWORDS = ("$One", "$Two", "\\Flagged", "\\Answered", "\\Seen")


@dataclass(frozen=True, slots=True)
class State:
    """Where a message is and which flags it has; `uid` 0 = not told."""

    box: str
    uid: int
    flags: frozenset[str] = frozenset()


@dataclass(slots=True)
class Entry:
    """What the ledger knows of one message: `states` are the possible ones, None = not there."""

    octets: bytes
    delivered: bool
    states: tuple[State | None, ...] = (None,)


@dataclass(slots=True)
class Known:
    """What a caching client knows of a mailbox."""

    validity: int
    modseq: int
    flags: dict[int, frozenset[str]]


@dataclass(slots=True)
class Ledger:
    """Of one account, over all rounds."""

    account: Account
    entries: dict[str, Entry] = field(default_factory=dict)
    uids: dict[str, dict[int, str]] = field(default_factory=lambda: {box: {} for box in BOXES})  # as told, ever
    known: dict[str, Known] = field(default_factory=dict)  # at the last restart
    replacing: dict[str, tuple[str, str]] = field(default_factory=dict)  # old, new: asked for and not told, by worker
    answers: int = 0

    def told(self, name: str, state: State | None) -> None:
        """The server has said that it is so."""
        self.entries[name].states = (state,)
        self.answers += 1
        if state and state.uid:
            known = self.uids[state.box].setdefault(state.uid, name)
            assert known == name, f"UID {state.uid} of {state.box} was {known}, is {name}"

    def maybe(self, name: str, state: State | None) -> None:
        """It has been asked for."""
        entry = self.entries[name]
        entry.states = (*entry.states, state)


def body(name: str, chance: random.Random) -> bytes:
    """A message with its name in it; some small, some large enough for a file."""
    [size] = chance.choices(SIZES, WEIGHTS)
    line = name.encode().ljust(76, b".") + b"\r\n"
    return b"Subject: %b\r\n\r\n%b%b end\r\n" % (name.encode(), line * (size // 78 + 1), name.encode())


class Worker(threading.Thread):
    """One connection; works until it is cut off."""

    def __init__(self, name: str, service: Service, ledger: Ledger, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.service = service
        self.ledger = ledger
        self.chance = random.Random(seed)
        self.made = 0
        self.mine: list[str] = []
        self.failure: AssertionError | None = None

    def run(self) -> None:
        try:
            self.work()
        except (ConnectionEndedError, OSError, smtplib.SMTPException):
            pass  # the kill
        except AssertionError as error:
            self.failure = error

    def work(self) -> None:
        """Until the connection ends."""
        raise NotImplementedError

    def new(self, *ledgers: Ledger, delivered: bool) -> tuple[str, bytes]:
        self.made += 1
        name = f"{self.name}-{self.made}"
        octets = body(name, self.chance)
        for ledger in ledgers:
            ledger.entries[name] = Entry(octets, delivered)
        return name, octets


class Deliverer(Worker):
    """Mail by LMTP, to one account or to both."""

    def __init__(self, name: str, service: Service, ledger: Ledger, seed: int, other: Ledger) -> None:
        super().__init__(name, service, ledger, seed)
        self.other = other

    def work(self) -> None:
        with self.service.lmtp_session() as session:
            while True:
                self.deliver(session, [self.ledger, self.other] if self.chance.random() < 0.3 else [self.ledger])

    def deliver(self, session: smtplib.LMTP, ledgers: list[Ledger]) -> None:
        """One answer comes for each recipient (RFC 2033 §4.2): the first of them from `data`."""
        name, octets = self.new(*ledgers, delivered=True)
        session.mail("sender@example.net")
        for ledger in ledgers:
            session.rcpt(ledger.account.user)
            ledger.maybe(name, State("INBOX", 0))
        answer = session.data(octets)
        for at, ledger in enumerate(ledgers):
            code, text = session.getreply() if at else answer
            if code != 250:
                raise smtplib.SMTPResponseException(code, text)
            ledger.told(name, State("INBOX", 0))


class Client(Worker):
    """APPEND, STORE, MOVE, REPLACE and EXPUNGE of its own messages."""

    def work(self) -> None:
        with ImapClient(self.service.imap) as client:
            client.login(self.ledger.account.user, self.ledger.account.password)
            client.ok("SELECT INBOX")
            steps: list[Callable[[ImapClient], None]] = [
                self.append, self.append, self.store, self.move, self.expunge, self.replace,
            ]  # fmt: skip
            while True:
                self.chance.choice(steps)(client)

    def pick(self) -> tuple[str, State] | None:
        """One of this worker's messages that is in INBOX, and certainly."""
        while self.mine:
            at = self.chance.randrange(len(self.mine))
            name = self.mine[at]
            [state] = self.ledger.entries[name].states
            if state and state.box == "INBOX":
                return name, state
            del self.mine[at]
        return None

    def append(self, client: ImapClient) -> None:
        name, octets = self.new(self.ledger, delivered=False)
        flags = frozenset(self.chance.sample(KEYWORDS, self.chance.randrange(3)))
        self.ledger.maybe(name, State("INBOX", 0, flags))
        reply = client.ok("APPEND INBOX", f"({' '.join(sorted(flags))})", Literal(octets, plus=True))
        assert reply.code
        [uid] = reply.code.args[1]
        self.ledger.told(name, State("INBOX", uid, flags))
        self.mine.append(name)

    def store(self, client: ImapClient) -> None:
        if picked := self.pick():
            name, state = picked
            word = self.chance.choice(KEYWORDS)
            add = self.chance.random() < 0.6
            after = State(state.box, state.uid, state.flags | {word} if add else state.flags - {word})
            self.ledger.maybe(name, after)
            client.ok(f"UID STORE {state.uid} {'+' if add else '-'}FLAGS.SILENT ({word})")
            self.ledger.told(name, after)

    def move(self, client: ImapClient) -> None:
        if picked := self.pick():
            name, state = picked
            self.ledger.maybe(name, State("box", 0, state.flags))
            reply = client.ok(f"UID MOVE {state.uid} box")
            _, [source], [target] = reply.codes()["COPYUID"]
            assert source == state.uid
            self.ledger.told(name, State("box", target, state.flags))

    def replace(self, client: ImapClient) -> None:
        if picked := self.pick():
            old, state = picked
            new, octets = self.new(self.ledger, delivered=False)
            self.ledger.replacing[self.name] = (old, new)
            self.ledger.maybe(old, None)
            self.ledger.maybe(new, State("INBOX", 0))
            reply = client.ok(f"UID REPLACE {state.uid} INBOX", Literal(octets, plus=True))
            _, [uid] = reply.codes()["APPENDUID"]
            self.ledger.told(old, None)
            self.ledger.told(new, State("INBOX", uid))
            del self.ledger.replacing[self.name]
            self.mine.append(new)

    def expunge(self, client: ImapClient) -> None:
        if picked := self.pick():
            name, state = picked
            deleted = State(state.box, state.uid, state.flags | {"\\Deleted"})
            self.ledger.maybe(name, deleted)
            client.ok(f"UID STORE {state.uid} +FLAGS.SILENT (\\Deleted)")
            self.ledger.told(name, deleted)
            self.ledger.maybe(name, None)
            client.ok(f"UID EXPUNGE {state.uid}")
            self.ledger.told(name, None)


def verify(service: Service, ledger: Ledger, *, read_all: bool) -> None:
    """The account is as its ledger allows; octets are compared of new messages, or of all."""
    present: Counter[str] = Counter()
    for box in BOXES:
        with ImapClient(service.imap) as client:
            client.login(ledger.account.user, ledger.account.password)
            for name in verify_box(client, ledger, box, read_all=read_all):
                present[name] += 1
    lost = [name for name, e in ledger.entries.items() if None not in e.states and not present[name]]
    assert not lost, f"acknowledged, but not there: {lost}"
    assert [name for name, count in present.items() if count > 1] == []
    for old, new in ledger.replacing.values():
        assert present[old] + present[new] == 1, f"half replaced: {old} by {new}"
    ledger.replacing.clear()


def verify_box(client: ImapClient, ledger: Ledger, box: str, *, read_all: bool) -> list[str]:
    """One mailbox is as the ledger allows; gives the names of its messages."""
    client.ok("ENABLE QRESYNC")
    before = ledger.known.get(box)
    reply = client.ok(f"SELECT {box}" + (f" (QRESYNC ({before.validity} {before.modseq}))" if before else ""))
    codes = reply.codes()
    assert codes["UIDNEXT"] > max(ledger.uids[box], default=0), f"UIDNEXT of {box} would use a UID again"
    told = dict(before.flags) if before else {}
    for response in reply.all("VANISHED"):
        for uid in response.data[1]:
            told.pop(uid, None)
    told |= {uid: flags_of(row["FLAGS"]) for uid, row in reply.by_uid.items()}
    rows = client.ok("UID FETCH 1:* FLAGS").by_uid
    assert list(rows) == sorted(rows)
    found = {uid: flags_of(row["FLAGS"]) for uid, row in rows.items()}
    if before:
        assert codes["UIDVALIDITY"] == before.validity
        assert codes["HIGHESTMODSEQ"] >= before.modseq
        assert told == found, f"QRESYNC of {box} leads to something else than what is there"
    ledger.known[box] = Known(codes["UIDVALIDITY"], codes["HIGHESTMODSEQ"], found)
    new = 1 if read_all or not before else max(before.flags, default=0) + 1
    for uid, row in client.ok(f"UID FETCH {new}:* BODY.PEEK[]").by_uid.items():
        name = named(row["BODY[]"])
        assert ledger.uids[box].setdefault(uid, name) == name, f"UID {uid} of {box} is another message now"
        entry = ledger.entries[name]
        whole = row["BODY[]"].endswith(entry.octets) if entry.delivered else row["BODY[]"] == entry.octets
        assert whole, f"{name} is not whole: {len(row['BODY[]'])} octets instead of {len(entry.octets)}"
    for uid, flags in found.items():
        verify_one(ledger, ledger.uids[box][uid], State(box, uid, flags))
    return [ledger.uids[box][uid] for uid in found]


def named(octets: bytes) -> str:
    """The name of a message, from its end."""
    return octets.rstrip().rsplit(b" ", 1)[0].rsplit(b"\n", 1)[1].decode()


def flags_of(flags: list[str]) -> frozenset[str]:
    return frozenset(str(flag) for flag in flags if flag != "\\Recent")


def verify_one(ledger: Ledger, name: str, found: State) -> None:
    """A message that is there may be there; from now on it certainly is."""
    entry = ledger.entries[name]
    fits = [
        state
        for state in entry.states
        if state and state.box == found.box and state.uid in (0, found.uid) and state.flags == found.flags
    ]
    assert fits, f"{name} is {found}, may be {entry.states}"
    ledger.told(name, found)


def settle(ledger: Ledger) -> None:
    """What is not there after a restart stays away."""
    for entry in ledger.entries.values():
        if len(entry.states) > 1:
            entry.states = (None,)


def work_until_ended(demo: Demo, end: Callable[[], None], ledgers: list[Ledger], chance: random.Random) -> None:
    """Load on both accounts; the end comes when enough has been answered."""
    workers: list[Worker] = []
    before = sum(ledger.answers for ledger in ledgers)
    for at, ledger in enumerate(ledgers):
        name = f"a{before}-{at}"
        workers.append(Deliverer(f"{name}lmtp", demo.service, ledger, chance.randrange(10**6), ledgers[at - 1]))
        for n in range(WORKERS):
            workers.append(Client(f"{name}w{n}", demo.service, ledger, chance.randrange(10**6)))
    enough = before + chance.randrange(50, 600)
    for worker in workers:
        worker.start()
    eventually(
        lambda: sum(ledger.answers for ledger in ledgers) >= enough or not any(w.is_alive() for w in workers),
        f"{enough} answers",
        30,
    )
    end()
    for worker in workers:
        worker.join(20)
        if worker.failure:
            raise worker.failure
    assert sum(ledger.answers for ledger in ledgers) >= enough


@pytest.mark.timeout(max(120, 30 * ROUNDS))
@pytest.mark.parametrize(
    ("signal", "seed"), [("SIGKILL", 1), ("SIGKILL", 2), ("SIGTERM", 3)], ids=["kill-1", "kill-2", "terminate"]
)
def test_what_was_acknowledged_survives_and_nothing_is_half_done(
    tmp_path: Path, start_demo: StartDemo, signal: str, seed: int
) -> None:
    chance = random.Random(seed)
    ledgers = [Ledger(account) for account in ACCOUNTS]
    data = tmp_path / "data"
    demo = start_demo(data, ACCOUNTS)
    for ledger in ledgers:
        with ImapClient(demo.service.imap) as client:
            client.login(ledger.account.user, ledger.account.password).ok("CREATE box")
    rounds = ROUNDS if signal == "SIGKILL" else 2
    for turn in range(rounds):
        work_until_ended(demo, demo.kill if signal == "SIGKILL" else demo.stop, ledgers, chance)
        demo = start_demo(data, ACCOUNTS)
        for ledger in ledgers:
            verify(demo.service, ledger, read_all=turn == rounds - 1)
            settle(ledger)
        assert_sound(data)
    demo.stop()
