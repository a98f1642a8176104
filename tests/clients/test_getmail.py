"""getmail, over TLS with the server's certificate verified: mail fetched once, and removed where asked."""

from __future__ import annotations

import email
from pathlib import Path

import pytest
from tests.clients.mail import letter, stored
from tests.clients.programs import require_client, run
from tests.imap_client import ImapClient
from tests.live import Account, Service

CONFIG = """\
[retriever]
type = SimpleIMAPSSLRetriever
server = localhost
port = {port}
username = {user}
password = {password}
ca_certs = {ca}
mailboxes = ("INBOX", "Archive")

[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat > $(mktemp {home}/fetched/XXXXXX)")
allow_root_commands = true

[options]
delete = {delete}
read_all = false
"""


class Getmail:
    """getmail with an account.  What it fetches goes to a command: for root it writes no mailbox itself."""

    def __init__(self, server: Service, account: Account, home: Path) -> None:
        self.program = require_client("getmail")
        self.values = {"port": server.imaps[1], "user": account.user, "password": account.password, "ca": server.ca}
        self.home = home
        (home / "fetched").mkdir()

    def fetch(self, *, delete: bool) -> set[str]:
        """Fetch what is new; gives its subjects."""
        config = CONFIG.format(**self.values, home=self.home, delete=str(delete).lower())
        (self.home / "getmailrc").write_text(config)
        run([self.program, "--getmaildir", self.home, "--rcfile", "getmailrc"], self.home)
        found = set()
        for path in (self.home / "fetched").iterdir():
            subject = str(email.message_from_bytes(path.read_bytes())["Subject"])
            assert subject not in found, f"{subject} was fetched twice"
            found.add(subject)
            path.unlink()
        return found


@pytest.fixture
def getmail(server: Service, account: Account, home: Path) -> Getmail:
    return Getmail(server, account, home)


def test_each_message_is_fetched_once(getmail: Getmail, server: Service, account: Account, client: ImapClient) -> None:
    for subject in ("copper", "silver"):
        server.deliver(account.user, letter(subject))
    client.append("Archive", letter("old"))
    assert getmail.fetch(delete=False) == {"copper", "silver", "old"}
    server.deliver(account.user, letter("gold"))
    assert getmail.fetch(delete=False) == {"gold"}
    assert len(stored(client)) == 3


def test_messages_are_removed_once_fetched(
    getmail: Getmail, server: Service, account: Account, client: ImapClient
) -> None:
    for subject in ("copper", "silver"):
        server.deliver(account.user, letter(subject))
    assert getmail.fetch(delete=True) == {"copper", "silver"}
    assert stored(client) == {}
