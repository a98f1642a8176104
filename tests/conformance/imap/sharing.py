"""Two users, one of whom shares mailboxes with the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.imap_client import ImapClient
from tests.live import Account, Service


@dataclass(slots=True)
class Sharing:
    """`ann` owns the mailboxes, `bob` is her guest."""

    ann: ImapClient
    bob: ImapClient
    owner: str
    guest: str

    def name(self, mailbox: str = "INBOX") -> str:
        """What bob calls a mailbox of ann's, quoted."""
        return f'"Other Users/{self.owner}/{mailbox}"'

    def share(self, rights: str, mailbox: str = "INBOX", who: str = "") -> None:
        """Let bob have just these rights."""
        self.ann.ok(f'SETACL {mailbox} {who or self.guest} "{rights}"')

    def rights(self, mailbox: str = "INBOX") -> str:
        """What bob is told that he may do, without c and d."""
        _, [rights] = self.bob.ok(f"MYRIGHTS {self.name(mailbox)}").one("MYRIGHTS")
        return rights.rstrip("cd")

    def open(self, rights: str, mailbox: str = "INBOX") -> None:
        """Give bob these rights, and have him open the mailbox."""
        self.share(rights, mailbox)
        self.bob.ok(f"SELECT {self.name(mailbox)}")


@contextmanager
def sharing(server: Service, owner: Account, guest: Account) -> Iterator[Sharing]:
    """Afterwards nothing is shared, whatever the test did."""
    yield Sharing(server.connect(owner), server.connect(guest), owner.user, guest.user)
    for account in (owner, guest):
        with ImapClient(server.imap) as client:
            client.login(account.user, account.password)
            for name in client.ok('LIST "" "*"').listed():
                if not name.startswith(("Other Users/", "Shared/")):
                    unshare(client, f'"{name}"')


def unshare(client: ImapClient, name: str) -> None:
    """Take everybody off the list of a mailbox but its owner, who stands first."""
    _, [_, _, *entries] = client.ok(f"GETACL {name}").one("ACL")
    for identifier in entries[::2]:
        client.ok(f'DELETEACL {name} "{identifier}"')
