"""The servers that are compared, each private to the run, and their accounts."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests import cyrus, dovecot
from tests.differential.wire import Connection
from tests.live import PASSWORD, Account, Demo

SESSIONS: Final = ("", "CONDSTORE", "QRESYNC")  # what each session of an episode enables


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs; `user` holds %d for the number of the account."""

    name: str
    address: tuple[str, int]
    user: str
    password: str

    def log_in(self, number: int) -> Connection:
        """A session of an account."""
        connection = Connection(self.address)
        [answer] = connection.run(f'LOGIN "{self.user % number}" "{self.password}"'.encode())
        assert answer.kind == "OK", answer.raw
        return connection

    def capabilities(self, number: int) -> frozenset[str]:
        """What it offers an account after login."""
        with self.log_in(number) as connection:
            [answer] = connection.run(b"CAPABILITY")
            return frozenset(str(word).upper() for row in answer.all("CAPABILITY") for word in row.values)


def empty(connection: Connection) -> None:
    """Only INBOX: the others with which an account of ours begins are removed."""
    [answer] = connection.run(b'LIST "" "*"')
    for row in answer.all("LIST"):
        name = row.values[2] if isinstance(row.values[2], str) else row.values[2].decode()
        connection.run(f'UNSUBSCRIBE "{name}"'.encode())
        if name.upper() != "INBOX":
            connection.run(f'DELETE "{name}"'.encode())


@contextlib.contextmanager
def ours(accounts: int, first: int = 1) -> Iterator[Server]:
    """mailkeep, with so many accounts, counted from `first`."""
    with tempfile.TemporaryDirectory() as directory:
        logins = [Account(f"user{n}@example.org", PASSWORD) for n in range(first, first + accounts)]
        demo = Demo(Path(directory) / "data", logins)
        try:
            yield Server("mailkeep", demo.service.imap, "user%d@example.org", PASSWORD)
        finally:
            demo.stop()


@contextlib.contextmanager
def dovecots() -> Iterator[Server]:
    """Debian's Dovecot, which has any account."""
    with dovecot.running_dovecot() as ports:
        yield Server("dovecot", ("127.0.0.1", ports.imap), "user%d", dovecot.PASSWORD)


@contextlib.contextmanager
def cyruses() -> Iterator[Server]:
    """Debian's Cyrus, which has any account."""
    with cyrus.running_cyrus() as port:
        yield Server("cyrus", ("127.0.0.1", port), "user%d", "any")
