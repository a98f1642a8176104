"""POP3 and IMAP on one mailbox at once: no message is lost, and no unique-id comes twice (RFC 1939 §7)."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from tests.conformance.pop3.pop3_client import Pop3
from tests.imap_client import ImapClient
from tests.live import Account, Service

STEPS = 400
LETTERS = 60


def letter(number: int) -> bytes:
    return b"Subject: %d\r\n\r\n.%b\r\n" % (number, b"x" * (number % 50))


@dataclass(slots=True)
class Session:
    """What a POP3 client knows: the numbers of the letters it saw at login, and those it has marked."""

    pop: Pop3
    saw: list[int]
    marked: set[int] = field(default_factory=set)  # positions


class World:
    """The server, and a model of INBOX: letters by UID, ascending.  Every letter is another one."""

    def __init__(self, server: Service, account: Account, seed: int) -> None:
        self.server = server
        self.account = account
        self.random = random.Random(seed)
        self.inbox: dict[int, int] = {}
        self.letters: dict[int, int] = {}  # of every UID that a session saw
        self.sent = 0
        self.ids: dict[str, int] = {}  # every unique-id ever told, and its letter
        self.sessions: list[Session] = []
        self.imap: ImapClient = server.connect(account)
        self.imap.ok("SELECT INBOX")

    def step(self) -> None:
        actions = [self.append, self.deliver, self.enter, self.fetch, self.mark, self.unmark, self.leave, self.cut]
        self.random.choice([*actions, self.fetch, self.mark, self.mark, self.expunge, self.copy])()

    def append(self) -> None:
        self.sent += 1
        self.inbox[self.imap.append("INBOX", letter(self.sent))] = self.sent

    def deliver(self) -> None:
        self.sent += 1
        self.server.deliver(self.account.user, letter(self.sent))
        self.imap.ok("NOOP")
        uid = self.imap.ok("UID SEARCH UID *").found[0]
        assert uid not in self.inbox
        self.inbox[uid] = self.sent

    def copy(self) -> None:
        """A letter comes back under a new UID: to POP3 it is another message."""
        if self.inbox:
            uid = self.random.choice(sorted(self.inbox))
            self.imap.ok(f"UID COPY {uid} INBOX")
            self.imap.ok("NOOP")
            [new] = self.imap.ok("UID SEARCH UID *").found
            self.inbox[new] = self.inbox[uid]

    def expunge(self) -> None:
        if self.inbox:
            uid = self.random.choice(sorted(self.inbox))
            self.imap.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
            self.imap.ok(f"UID EXPUNGE {uid}")
            del self.inbox[uid]

    def enter(self) -> None:
        if len(self.sessions) < 3:
            pop = Pop3(self.server.pop3)
            assert pop.log_in(self.account.user, self.account.password).startswith("+OK")
            uids = sorted(self.inbox)
            told = [line.split()[1] for line in pop.lines("UIDL")]
            assert [int(each.partition(".")[2]) for each in told] == uids
            for each, uid in zip(told, uids, strict=True):
                assert self.ids.setdefault(each, self.inbox[uid]) == self.inbox[uid]
            self.sessions.append(Session(pop, uids))
            self.letters |= self.inbox

    def some(self) -> tuple[Session, int] | None:
        """A session, and a position in what it saw that it has not marked."""
        if not self.sessions:
            return None
        session = self.random.choice(self.sessions)
        left = [at for at in range(len(session.saw)) if at not in session.marked]
        return (session, self.random.choice(left)) if left else None

    def fetch(self) -> None:
        if (found := self.some()) is not None:
            session, at = found
            octets = session.pop.message(f"RETR {at + 1}")
            assert octets.endswith(letter(self.letters[session.saw[at]]))
            assert session.pop.ok(f"LIST {at + 1}") == f"{at + 1} {len(octets)}"

    def mark(self) -> None:
        if (found := self.some()) is not None:
            session, at = found
            session.pop.ok(f"DELE {at + 1}")
            session.marked.add(at)

    def unmark(self) -> None:
        if self.sessions:
            session = self.random.choice(self.sessions)
            session.pop.ok("RSET")
            session.marked.clear()

    def leave(self) -> None:
        if self.sessions:
            session = self.sessions.pop(self.random.randrange(len(self.sessions)))
            session.pop.ok("QUIT")
            session.pop.close()
            for at in session.marked:
                self.inbox.pop(session.saw[at], None)

    def cut(self) -> None:
        if self.sessions:
            self.sessions.pop(self.random.randrange(len(self.sessions))).pop.close()

    def compare(self) -> None:
        self.imap.ok("NOOP")
        assert self.imap.exists == len(self.inbox)
        if self.inbox:
            fetched = self.imap.ok("UID FETCH 1:* BODY.PEEK[]").by_uid
            assert sorted(fetched) == sorted(self.inbox)
            assert all(row["BODY[]"].endswith(letter(self.inbox[uid])) for uid, row in fetched.items())


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_both_do_in_turn_the_mailbox_is_what_the_model_says(
    server: Service, fresh_account: Account, seed: int
) -> None:
    world = World(server, fresh_account, seed)
    for number in range(STEPS):
        world.step()
        if number % 20 == 0:
            world.compare()
    world.compare()
    for session in world.sessions:
        session.pop.close()


class Fetching:
    """Programs that run at the same time, each in a thread of its own."""

    def __init__(self, server: Service, account: Account) -> None:
        self.server = server
        self.account = account
        self.fetched: set[bytes] = set()
        self.ids: dict[str, bytes] = {}
        self.done = threading.Event()

    def deliver(self) -> None:
        with self.server.lmtp_session() as session:
            for number in range(LETTERS):
                session.sendmail("a@example.net", [self.account.user], letter(number))

    def fetch_and_remove(self) -> None:
        """As programs do that leave nothing on the server; sometimes the connection breaks."""
        dice = random.Random(7)
        while not self.done.is_set():
            with Pop3(self.server.pop3) as pop:
                assert pop.log_in(self.account.user, self.account.password).startswith("+OK")
                got = []
                for line in pop.lines("UIDL"):
                    number, name = line.split()
                    octets = pop.message(f"RETR {number}")
                    assert self.ids.setdefault(name, octets) == octets
                    got.append(octets)
                    pop.ok(f"DELE {number}")
                if dice.random() < 0.7:
                    pop.ok("QUIT")
                    self.fetched.update(got)

    def archive(self) -> None:
        """As somebody at a mail program who moves what he has read."""
        with ImapClient(self.server.imap) as client:
            client.login(self.account.user, self.account.password)
            client.ok("SELECT INBOX")
            while not self.done.is_set():
                client.ok("NOOP")
                if client.exists:
                    client.command("UID MOVE * Archive")


def test_at_the_same_time_no_message_is_lost(server: Service, fresh_account: Account) -> None:
    programs = Fetching(server, fresh_account)
    with ThreadPoolExecutor() as pool:
        works = (programs.fetch_and_remove, programs.fetch_and_remove, programs.archive)
        running = [pool.submit(work) for work in works]
        try:
            programs.deliver()
        finally:
            programs.done.set()
    assert [future.result() for future in running] == [None] * 3
    everything = set(programs.fetched)
    client = server.connect(fresh_account)
    for mailbox in ("INBOX", "Archive"):
        client.ok(f"SELECT {mailbox}")
        if client.exists:
            everything |= {row["BODY[]"] for row in client.ok("FETCH 1:* BODY.PEEK[]").fetched.values()}
    kept = {octets[octets.index(b"Subject:") :] for octets in everything}
    assert kept == {letter(number) for number in range(LETTERS)}
