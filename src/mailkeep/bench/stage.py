"""What every workload stands on: a server to connect to, how much to do, and mailboxes with known mail."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

from mailkeep.bench import mail
from mailkeep.bench.answer import exists, messages_in_status, must_equal, uids_found
from mailkeep.bench.connection import Connection, Wrong, open_connection
from mailkeep.bench.corpus import Corpus
from mailkeep.bench.meter import wait_until_quiet
from mailkeep.bench.result import Row
from mailkeep.bench.target import Target

QUIET_S: Final = 4.0
BATCH_OCTETS: Final = 1_000_000  # of mail on its way while seeding


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One server under measurement.

    Attributes: `corpus` is the mail of the large mailbox; `seconds` is how long a workload runs;
    `idle_connections` how many are opened to see what one costs.
    """

    target: Target
    corpus: Corpus
    seconds: float = 3.0
    idle_connections: int = 1000
    context: ssl.SSLContext | None = field(default=None)

    @contextmanager
    def connected(self, count: int = 1) -> Iterator[tuple[Connection, ...]]:
        """Connections of users 1, 2, …, logged in; they log out at the end."""
        with ExitStack() as stack:
            yield tuple(stack.enter_context(self.connect(number)) for number in range(1, count + 1))

    def connect(self, number: int = 1) -> Connection:
        """A connection of user `number`, logged in."""
        return open_connection(self.target, number, self.context)

    @property
    def quiet_s(self) -> float:
        """How long a server that took in mail must do nothing until it counts as done; less where all is quick."""
        return min(QUIET_S, 2 * self.seconds)

    def large_mailbox(self) -> str:
        """The name of user 1's mailbox that holds the corpus; filled where it is not yet."""
        name = f"Bench{mail.VERSION}x{self.corpus.count}"
        with self.connect() as connection:
            if not holds(connection, name, self.corpus.count):
                renew(connection, name)
                fill(connection, name, self.corpus)
                self.settle()
        return name

    def settle(self) -> None:
        """What was put there to work on is no part of the work: let the server finish what it put off."""
        if self.target.pid is not None:
            wait_until_quiet(self.target.pid, self.quiet_s)


@dataclass(frozen=True, slots=True)
class Workload:
    """A piece of work that gives rows, the first of its own name.

    Attributes: `needs` names what it cannot do without: "pid", "lmtp", "smtp"; `title` is what tables call it.
    """

    name: str
    title: str
    run: Callable[[Stage], tuple[Row, ...]]
    needs: tuple[str, ...] = ()
    default: bool = True

    def missing(self, target: Target) -> str | None:
        """What the target lacks for it, or None."""
        return next((need for need in self.needs if getattr(target, need) is None), None)


def select(connection: Connection, mailbox: str, count: int) -> None:
    """SELECT a mailbox that must have `count` messages."""
    must_equal(exists(connection.command(b'SELECT "%s"' % mailbox.encode("ascii"))), count, f"messages in {mailbox}")


def all_uids(connection: Connection) -> tuple[int, ...]:
    """Of the selected mailbox, ascending."""
    uids = uids_found(connection.command(b"UID SEARCH ALL"))
    must_equal(uids, tuple(sorted(set(uids))), "UIDs in ascending order")
    return uids


def holds(connection: Connection, mailbox: str, count: int) -> bool:
    """Whether the mailbox is there and has that many messages."""
    answer = connection.try_command(b'STATUS "%s" (MESSAGES)' % mailbox.encode("ascii"))
    return b"* STATUS " in answer and messages_in_status(answer) == count


def renew(connection: Connection, mailbox: str) -> None:
    """An empty mailbox of that name."""
    remove(connection, mailbox)
    connection.command(b'CREATE "%s"' % mailbox.encode("ascii"))


def remove(connection: Connection, mailbox: str) -> None:
    """Delete a mailbox, if it is there."""
    connection.try_command(b'DELETE "%s"' % mailbox.encode("ascii"))


def fill(connection: Connection, mailbox: str, corpus: Corpus) -> None:
    """Append the whole corpus to an empty mailbox; in sets where the server takes them (MULTIAPPEND, LITERAL+)."""
    together = {b"MULTIAPPEND", b"LITERAL+"} <= connection.capabilities
    waiting: list[bytes] = []
    octets = 0
    for number, message in corpus.messages():
        flags = " ".join(sorted(mail.flags(number)))
        if not together:
            connection.append(mailbox, message, flags=flags, internaldate=mail.internaldate(number))
            continue
        head = f'({flags}) "{mail.internaldate(number)}" {{{len(message)}+}}\r\n'
        waiting.append(head.encode("ascii") + message)
        octets += len(message)
        if octets > BATCH_OCTETS or number == corpus.count:
            connection.command(b'APPEND "%s" %s' % (mailbox.encode("ascii"), b" ".join(waiting)))
            waiting.clear()
            octets = 0
    if not holds(connection, mailbox, corpus.count):
        raise Wrong(f"{mailbox} does not hold what was appended")
