"""A session without sockets: what ends it, and what is said then."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from mailkeep.model.errors import Unavailable
from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.net.connection import Connection
from mailkeep.pop3.connection import Pop3Connection
from mailkeep.pop3.derive import PLAIN
from mailkeep.pop3.maildrop import Listing, Maildrop, Maildrops, Octets
from mailkeep.pop3.session import IDLE_S, Options, Services
from mailkeep.service.accounts import ConnectionCounts
from mailkeep.service.authentication import Authentication, Login
from mailkeep.service.ledger import Ledger
from mailkeep.service.messages import InMemory
from mailkeep.service.tally import Tally


@dataclass
class Wire:
    """Stands where the connection engine is."""

    peer: str = "127.0.0.1"
    tls: bool = False
    busy: bool = False
    stalled: bool = False
    said: bytearray = field(default_factory=bytearray)
    sent: list[bytes] = field(default_factory=list)  # what left together
    closed: bool = False
    deadline: float = 0.0
    _queue: bytearray = field(default_factory=bytearray)

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.said += data
        self._queue += data

    @property
    def queued(self) -> int:
        return len(self._queue)

    async def drain(self) -> None:
        self.sent.append(bytes(self._queue))
        self._queue.clear()

    def close(self) -> None:
        self.closed = True

    def set_deadline(self, seconds: float) -> None:
        self.deadline = seconds


class Doorman:
    """Stands where authentication is: lets everybody in who says "secret"."""

    read_only = False
    unavailable = False
    valid = True

    async def password(self, user: str, password: str, **_: object) -> Login:
        if self.unavailable:
            raise Unavailable("Logins cannot be checked now")
        return Login(AccountId(1), user, read_only=self.read_only)

    def stands(self, _login: Login) -> bool:
        return self.valid

    def mechanisms(self, *_: object) -> tuple[str, ...]:
        return ("PLAIN",)

    def watch(self, _login: Login, _end: Callable[[str], None]) -> Callable[[], None]:
        return lambda: None


class Drops:
    """Stands where the store is: three messages."""

    unavailable = False
    removed: object = None

    async def open(self, account: AccountId) -> Maildrop:
        if self.unavailable:
            raise Unavailable("The disk is gone")
        listing = Listing(array("L", [1, 2, 3]), array("Q", [10, 20, 30]), array("Q", [10, 20, 30]))
        return Maildrop(account, MailboxId(1), 7, listing)

    async def read(self, _maildrop: Maildrop, number: int) -> Octets:
        return Octets(InMemory(b"Subject: a\r\n\r\n" + b"x" * number * 100_000 + b"\r\n"), PLAIN, utf8=True)

    async def update(self, maildrop: Maildrop) -> int:
        if self.unavailable:
            raise Unavailable("The disk is gone")
        self.removed = maildrop.deleted
        return len(maildrop)


class Dialogue:
    def __init__(self, **options: Any) -> None:
        self.wire, self.door, self.drops, self.ledger = Wire(), Doorman(), Drops(), Ledger.alone()
        self.counts = ConnectionCounts(self.ledger, 1)
        self.now = 1000.0
        self.options = Options(**options)
        self.session = self.another(self.wire)
        self.answer()

    def another(self, wire: Wire) -> Pop3Connection:
        services = Services(
            tally=Tally(),
            authentication=cast(Authentication, self.door),
            connections=self.counts,
            maildrops=cast(Maildrops, self.drops),
            ledger=self.ledger,
            clock=lambda: self.now,
        )
        return Pop3Connection(cast(Connection, wire), services, self.options)

    def answer(self) -> str:
        said = self.wire.said.decode()
        self.wire.said.clear()
        return said

    def say(self, *commands: str) -> str:
        self.session.feed("".join(f"{command}\r\n" for command in commands).encode())
        while (step := self.session.next()) is not None:
            finish(step)
        return self.answer()

    def log_in(self) -> str:
        return self.say("USER ann", "PASS secret").splitlines()[-1]


def finish(step: Coroutine[Any, Any, None]) -> None:
    with pytest.raises(StopIteration):
        step.send(None)


def test_who_is_silent_for_ten_minutes_is_left_without_a_word() -> None:
    """RFC 1939 §3."""
    dialogue = Dialogue()
    assert dialogue.wire.deadline == IDLE_S >= 600
    dialogue.log_in()
    dialogue.say("DELE 1")
    dialogue.session.timed_out()
    assert dialogue.wire.closed
    assert dialogue.answer() == ""
    assert dialogue.drops.removed is None


def test_who_waits_for_us_is_not_silent() -> None:
    dialogue = Dialogue()
    dialogue.wire.busy = True
    dialogue.session.timed_out()
    assert not dialogue.wire.closed
    dialogue.wire.stalled = True
    dialogue.session.timed_out()
    assert dialogue.wire.closed


def test_a_server_that_stops_says_so_when_the_command_is_done() -> None:
    dialogue = Dialogue()
    dialogue.log_in()
    dialogue.wire.busy = True
    dialogue.session.drain()
    assert not dialogue.wire.closed
    dialogue.wire.busy = False
    assert dialogue.session.next() is None
    assert dialogue.answer() == "-ERR [SYS/TEMP] Server is going down, try again soon\r\n"
    assert dialogue.wire.closed


def test_a_fault_of_ours_is_not_one_of_the_password() -> None:
    dialogue = Dialogue()
    dialogue.door.unavailable = True
    assert dialogue.log_in() == "-ERR [SYS/TEMP] Logins cannot be checked now"
    dialogue.door.unavailable = False
    dialogue.drops.unavailable = True
    assert dialogue.log_in() == "-ERR [SYS/TEMP] The disk is gone"
    dialogue.drops.unavailable = False
    assert dialogue.log_in() == "+OK Logged in, 3 messages"  # so nothing was held


def test_quit_says_when_nothing_could_be_removed() -> None:
    """RFC 1939 §6."""
    dialogue = Dialogue()
    dialogue.log_in()
    dialogue.say("DELE 1")
    dialogue.drops.unavailable = True
    assert dialogue.say("QUIT") == "-ERR [SYS/TEMP] Nothing was removed: The disk is gone\r\n"
    assert dialogue.wire.closed


def test_what_may_only_read_deletes_nothing() -> None:
    dialogue = Dialogue()
    dialogue.door.read_only = True
    dialogue.log_in()
    assert dialogue.say("DELE 1") == "-ERR This login may only read\r\n"
    assert dialogue.say("STAT") == "+OK 3 60\r\n"


def test_the_delay_counts_from_a_login_that_succeeded() -> None:
    """RFC 2449 §6.5."""
    dialogue = Dialogue(login_delay=60)
    dialogue.drops.unavailable = True
    dialogue.log_in()
    dialogue.drops.unavailable = False
    assert dialogue.log_in().startswith("+OK")
    dialogue.session.lost()
    dialogue.session = dialogue.another(dialogue.wire)
    dialogue.now += 59
    assert dialogue.log_in() == "-ERR [LOGIN-DELAY] Log in no more often than every 60 s"
    dialogue.now += 1
    assert dialogue.log_in().startswith("+OK")


def test_a_connection_that_is_lost_holds_nothing() -> None:
    dialogue = Dialogue(exclusive=True)
    assert dialogue.log_in().startswith("+OK")
    dialogue.session.lost()
    dialogue.session.lost()
    assert len(dialogue.ledger) == 0


def test_a_login_that_was_ended_before_it_began_holds_nothing() -> None:
    dialogue = Dialogue(exclusive=True)
    dialogue.door.valid = False
    assert dialogue.log_in() == "-ERR [AUTH] This login is no longer valid"
    assert len(dialogue.ledger) == 0
    assert dialogue.say("STAT") == "-ERR Log in first\r\n"


def test_a_refused_login_holds_nothing() -> None:
    dialogue = Dialogue(exclusive=True)
    dialogue.counts.acquire(AccountId(1))
    assert dialogue.log_in() == "-ERR [SYS/TEMP] Too many connections of this account"
    dialogue.counts.release(AccountId(1))
    assert len(dialogue.ledger) == 0


def test_the_end_of_a_long_answer_leaves_by_itself() -> None:
    """Thunderbird misses it where it is cut in two."""
    dialogue = Dialogue()
    dialogue.log_in()
    said = dialogue.say("RETR 1")
    assert said.endswith("x\r\n.\r\n")
    assert b"".join(dialogue.wire.sent).endswith(b"x\r\n")
    assert dialogue.wire.queued == len(b".\r\n")
    assert max(map(len, dialogue.wire.sent)) < 100_000  # and no more than a piece is in memory


def test_a_long_answer_gives_a_slow_reader_more_time() -> None:
    dialogue = Dialogue()
    dialogue.log_in()
    dialogue.wire.deadline = 0.0
    asyncio.run(dialogue.session.flush())
    assert dialogue.wire.deadline == IDLE_S
