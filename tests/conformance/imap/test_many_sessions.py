"""Several sessions on one mailbox at once: each must be able to keep a copy by what it is told alone (trap 2).

The clients keep the shadow that caching clients keep and fail when the server contradicts it; here random work goes
on in three of them, and at the end all copies must be equal, and equal to what the server says when asked.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Reply
from tests.live import Account, Service

STEPS = 120
Flags = frozenset[str]


def plain(flags: list[str]) -> Flags:
    return frozenset(str(flag) for flag in flags if flag != "\\Recent")


class Copy:
    """A client that works at random, and keeps its copy of the mailbox by what it is told."""

    def __init__(self, client: ImapClient, chance: random.Random, *, enable: str = "CONDSTORE") -> None:
        self.client = client
        self.chance = chance
        client.ok(f"ENABLE {enable}")
        client.ok("SELECT INBOX")
        self.complete()

    def complete(self) -> None:
        """Ask for what was only announced."""
        while None in self.client.flags or None in self.client.uids:
            self.client.ok("FETCH 1:* (UID FLAGS)")

    def some(self) -> str:
        """A set of message numbers."""
        count = self.client.exists or 0
        chosen = sorted(self.chance.sample(range(1, count + 1), min(count, self.chance.randrange(1, 4))))
        return ",".join(map(str, chosen))

    def step(self) -> None:
        """One random command."""
        verbs: list[Callable[[], object]] = [self.append, self.noop]
        if self.client.exists:
            verbs += [self.store, self.store, self.uid_store, self.fetch, self.expunge, self.search, self.copy]
        self.chance.choice(verbs)()
        self.complete()

    def append(self) -> None:
        self.client.append("INBOX", simple_message(self.chance.randrange(1000)))

    def noop(self) -> Reply:
        return self.client.ok("NOOP")

    def store(self) -> Reply:
        word = self.chance.choice(["\\Seen", "\\Flagged", "$A", "$B", "\\Deleted"])
        return self.client.command(f"STORE {self.some()} {self.chance.choice('+-')}FLAGS ({word})")

    def uid_store(self) -> Reply:
        uid = self.chance.choice([uid for uid in self.client.uids if uid])
        word = self.chance.choice(["$A", "\\Answered"])
        return self.client.ok(f"UID STORE {uid} FLAGS ({word})")

    def fetch(self) -> Reply:
        return self.client.ok(f"FETCH {self.some()} (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")

    def expunge(self) -> Reply:
        return self.client.ok("EXPUNGE")

    def search(self) -> Reply:
        return self.client.ok("SEARCH UNDELETED")

    def copy(self) -> Reply:
        return self.client.command(f"COPY {self.some()} INBOX")

    def settle(self) -> dict[int, Flags]:
        """The copy after the last news: UID → flags."""
        self.client.ok("NOOP")
        self.complete()
        return {uid or 0: flags or frozenset() for uid, flags in zip(self.client.uids, self.client.flags, strict=True)}


def truth(client: ImapClient) -> dict[int, Flags]:
    """What a new session reads."""
    client.ok("EXAMINE INBOX")
    return {uid: plain(row["FLAGS"]) for uid, row in client.ok("UID FETCH 1:* (FLAGS)").by_uid.items()}


@pytest.mark.parametrize("seed", range(4))
def test_every_copy_stays_right_whatever_the_others_do(server: Service, account: Account, seed: int) -> None:
    """trap 2"""
    chance = random.Random(seed)
    extensions = ("CONDSTORE", "QRESYNC", "CONDSTORE" if server.foreign else "IMAP4rev2")
    copies = [Copy(server.connect(account), chance, enable=extension) for extension in extensions]
    for _ in range(STEPS):
        chance.choice(copies).step()
    settled = [copy.settle() for copy in copies]
    right = truth(server.connect(account))
    assert list(right) == sorted(right)
    assert settled == [right] * 3


class Returning:
    """A client that comes back now and then, and believes QRESYNC."""

    def __init__(self, connect: Callable[[], ImapClient]) -> None:
        self.connect = connect
        self.flags: dict[int, Flags] = {}
        self.known: tuple[int, int] | None = None

    def visit(self) -> dict[int, Flags]:
        client = self.connect()
        client.ok("ENABLE QRESYNC")
        if self.known is None:
            reply = client.ok("SELECT INBOX")
            rows = client.ok("UID FETCH 1:* (FLAGS)").by_uid if client.exists else {}
        else:
            reply = client.ok(f"SELECT INBOX (QRESYNC ({self.known[0]} {self.known[1]}))")
            for vanished in reply.all("VANISHED"):
                for uid in vanished.data[1]:
                    self.flags.pop(uid, None)
            rows = reply.by_uid
        for uid, row in rows.items():
            self.flags[uid] = plain(row["FLAGS"])
        codes = reply.codes()
        self.known = (codes["UIDVALIDITY"], codes["HIGHESTMODSEQ"])
        client.close()
        return dict(self.flags)


@pytest.mark.rfc("7162", "3.2.5")
@pytest.mark.parametrize("seed", range(3))
def test_qresync_makes_a_client_that_was_away_right_again(server: Service, account: Account, seed: int) -> None:
    """trap 16"""
    chance = random.Random(seed)
    copies = [Copy(server.connect(account), chance) for _ in range(2)]
    away = Returning(lambda: server.connect(account))
    for _ in range(12):
        for _ in range(chance.randrange(1, 12)):
            chance.choice(copies).step()
        assert away.visit() == truth(server.connect(account))


@pytest.mark.parametrize("seed", range(2))
def test_idle_alone_keeps_a_copy_right(server: Service, account: Account, seed: int) -> None:
    """trap 5"""
    chance = random.Random(seed)
    busy = Copy(server.connect(account), chance)
    watcher = Copy(server.connect(account), chance)
    for _ in range(15):
        tag = watcher.client.idle()
        for _ in range(5):
            busy.step()
        watcher.client.done(tag)
        watcher.complete()
    assert watcher.settle() == busy.settle() == truth(server.connect(account))
