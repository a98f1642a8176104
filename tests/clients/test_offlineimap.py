"""offlineimap, over TLS with the server's certificate verified: a Maildir and the account brought into line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clients import maildir
from tests.clients.mail import letter, stored
from tests.clients.programs import require_client, run
from tests.imap_client import ImapClient
from tests.imap_grammar import flags
from tests.live import Account, Service

CONFIG = """\
[general]
accounts = test
metadata = {home}/state

[Account test]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = {home}/mail
sync_deletes = yes

[Repository far]
type = IMAP
remotehost = localhost
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = yes
sslcacertfile = {ca}
sync_deletes = yes
expunge = yes
"""


class Offlineimap:
    """offlineimap with an account and a tree of Maildirs."""

    def __init__(self, server: Service, account: Account, home: Path) -> None:
        self.program = require_client("offlineimap")
        self.home = home
        self.mail = home / "mail"
        config = CONFIG.format(
            port=server.imaps[1], user=account.user, password=account.password, ca=server.ca, home=home
        )
        (home / "offlineimaprc").write_text(config)

    def sync(self) -> str:
        """Bring both sides into line; gives what offlineimap said."""
        said = run([self.program, "-o", "-1", "-u", "basic", "-c", self.home / "offlineimaprc"], self.home).decode()
        assert "ERROR" not in said, said
        return said

    def read(self, mailbox: str = "INBOX") -> dict[str, maildir.Mail]:
        return maildir.read(self.mail / mailbox)


@pytest.fixture
def offlineimap(server: Service, account: Account, home: Path) -> Offlineimap:
    return Offlineimap(server, account, home)


def test_the_account_arrives_whole_and_once(offlineimap: Offlineimap, client: ImapClient) -> None:
    client.append("INBOX", letter("copper"), "(\\Seen \\Flagged)")
    client.append("INBOX", letter("large", "x" * 300_000))
    client.append("Sent", letter("sent"))
    offlineimap.sync()
    inbox = offlineimap.read()
    assert (inbox["copper"].flags, inbox["large"].flags) == ("FS", "")
    assert inbox["large"].octets == letter("large", "x" * 300_000).replace(b"\r\n", b"\n")
    assert list(offlineimap.read("Sent")) == ["sent"]
    assert "Copy message" not in offlineimap.sync()


def test_flags_new_messages_and_deletions_travel_both_ways(offlineimap: Offlineimap, client: ImapClient) -> None:
    for subject in ("copper", "silver", "gold", "iron"):
        client.append("INBOX", letter(subject))
    offlineimap.sync()
    offlineimap.read()["copper"].set_flags("FS")
    offlineimap.read()["silver"].path.unlink()
    maildir.write(offlineimap.mail / "INBOX", letter("from here", "z" * 50_000), "S")
    client.ok("SELECT INBOX")
    client.ok("STORE 3 +FLAGS (\\Answered)")
    client.ok("STORE 4 +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    offlineimap.sync()
    found = stored(client)
    assert {subject: message.flags for subject, message in found.items()} == {
        "copper": flags("\\Flagged \\Seen"),
        "gold": flags("\\Answered"),
        "from here": flags("\\Seen"),
    }
    assert b"\r\n\r\n" + b"z" * 50_000 in found["from here"].octets
    assert {subject: mail.flags for subject, mail in offlineimap.read().items()} == {
        "copper": "FS",
        "gold": "R",
        "from here": "S",
    }


def test_a_message_moved_here_is_moved_there(offlineimap: Offlineimap, client: ImapClient) -> None:
    client.append("INBOX", letter("copper"), "(\\Seen)")
    offlineimap.sync()
    mail = offlineimap.read()["copper"]
    maildir.write(offlineimap.mail / "Archive", mail.octets, mail.flags)
    mail.path.unlink()
    offlineimap.sync()
    assert stored(client) == {}
    assert stored(client, "Archive")["copper"].flags == flags("\\Seen")


def test_a_mailbox_made_here_is_made_there(offlineimap: Offlineimap, client: ImapClient) -> None:
    offlineimap.sync()
    maildir.make(offlineimap.mail / "Made here")
    maildir.write(offlineimap.mail / "Made here", letter("here"))
    offlineimap.sync()
    assert list(stored(client, "Made here")) == ["here"]
