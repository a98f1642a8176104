"""mbsync (isync), over TLS with the server's certificate verified: a Maildir and the account brought into line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.clients import maildir
from tests.clients.mail import letter, stored
from tests.clients.programs import require_client, run
from tests.imap_client import ImapClient, Literal
from tests.imap_grammar import flags
from tests.live import Account, Service

CONFIG = """\
IMAPAccount test
Host localhost
Port {port}
User {user}
Pass {password}
SSLType {tls}
SystemCertificates no
CertificateFile {ca}

IMAPStore far
Account test

MaildirStore near
Path {home}/mail/
Inbox {home}/mail/INBOX
SubFolders Verbatim

Channel test
Far :far:
Near :near:
Patterns *
Sync All
Create Both
Remove Both
Expunge Both
CopyArrivalDate yes
SyncState *
"""


def without_tuid(octets: bytes) -> bytes:
    """mbsync adds a line by which it finds its message again."""
    return re.sub(rb"X-TUID: .{12}\r?\n", b"", octets, count=1)


class Mbsync:
    """mbsync with an account and a tree of Maildirs."""

    def __init__(self, server: Service, account: Account, home: Path, tls: str = "IMAPS") -> None:
        self.program = require_client("mbsync")
        self.home = home
        self.mail = home / "mail"
        self.mail.mkdir()
        port = (server.imaps if tls == "IMAPS" else server.imap)[1]
        config = CONFIG.format(
            port=port, tls=tls, user=account.user, password=account.password, ca=server.ca, home=home
        )
        (home / "mbsyncrc").write_text(config)

    def sync(self, *, code: int = 0) -> str:
        """Bring both sides into line; gives what mbsync said."""
        said = run([self.program, "-c", self.home / "mbsyncrc", "-V", "test"], self.home, code=code).decode()
        assert "warning" not in said.lower(), said
        return said

    def read(self, mailbox: str = "INBOX") -> dict[str, maildir.Mail]:
        return maildir.read(self.mail / mailbox)


@pytest.fixture
def mbsync(server: Service, account: Account, home: Path) -> Mbsync:
    return Mbsync(server, account, home)


def test_the_account_arrives_whole(mbsync: Mbsync, client: ImapClient) -> None:
    client.append("INBOX", letter("copper"), "(\\Seen \\Flagged)")
    client.append("INBOX", letter("large", "x" * 300_000))
    client.append("Drafts", letter("draft"), "(\\Draft)")
    mbsync.sync()
    assert {path.name for path in mbsync.mail.iterdir()} == {"INBOX", "Sent", "Drafts", "Trash", "Junk", "Archive"}
    inbox = mbsync.read()
    assert (inbox["copper"].flags, inbox["large"].flags) == ("FS", "")
    assert without_tuid(inbox["large"].octets) == letter("large", "x" * 300_000).replace(b"\r\n", b"\n")
    assert mbsync.read("Drafts")["draft"].flags == "D"


def test_it_negotiates_compression(mbsync: Mbsync, client: ImapClient) -> None:
    """RFC 4978"""
    client.append("INBOX", letter("large", "x" * 300_000))
    arguments = [mbsync.program, "-c", mbsync.home / "mbsyncrc", "-Dn", "test"]
    assert "COMPRESS DEFLATE" in run(arguments, mbsync.home).decode()
    assert "large" in mbsync.read()


def test_a_second_run_finds_nothing_to_do(mbsync: Mbsync, client: ImapClient) -> None:
    client.append("INBOX", letter("copper"))
    mbsync.sync()
    before = {path: path.stat().st_mtime_ns for path in mbsync.mail.rglob("*:2,*")}
    modseq = client.ok("STATUS INBOX (HIGHESTMODSEQ)").one("STATUS")
    mbsync.sync()
    assert client.ok("STATUS INBOX (HIGHESTMODSEQ)").one("STATUS") == modseq
    assert {path: path.stat().st_mtime_ns for path in mbsync.mail.rglob("*:2,*")} == before


def test_flags_travel_both_ways(mbsync: Mbsync, client: ImapClient) -> None:
    for subject in ("copper", "silver"):
        client.append("INBOX", letter(subject))
    mbsync.sync()
    mbsync.read()["copper"].set_flags("RS")
    client.ok("SELECT INBOX")
    client.ok("STORE 2 +FLAGS (\\Flagged)")
    mbsync.sync()
    assert mbsync.read()["silver"].flags == "F"
    assert stored(client)["copper"].flags == flags("\\Answered \\Seen")


def test_messages_written_here_arrive_there_byte_for_byte(mbsync: Mbsync, client: ImapClient) -> None:
    mbsync.sync()
    for subject, size in (("small", 10), ("packed", 40_000), ("spooled", 1_200_000)):
        maildir.write(mbsync.mail / "Archive", letter(subject, "y" * size), "S")
    mbsync.sync()
    found = stored(client, "Archive")
    assert found.keys() == {"small", "packed", "spooled"}
    for subject, size in (("small", 10), ("packed", 40_000), ("spooled", 1_200_000)):
        assert without_tuid(found[subject].octets) == letter(subject, "y" * size)
        assert found[subject].flags == flags("\\Seen")
    mbsync.sync()
    assert len(stored(client, "Archive")) == 3


def test_what_is_deleted_here_is_expunged_there_and_the_other_way(mbsync: Mbsync, client: ImapClient) -> None:
    for subject in ("copper", "silver", "gold"):
        client.append("INBOX", letter(subject))
    mbsync.sync()
    mbsync.read()["copper"].set_flags("ST")
    client.ok("SELECT INBOX")
    client.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    mbsync.sync()
    assert list(stored(client)) == ["gold"]
    assert list(mbsync.read()) == ["gold"]


def test_a_message_moved_here_is_moved_there(mbsync: Mbsync, client: ImapClient) -> None:
    client.append("INBOX", letter("copper"), "(\\Seen)")
    mbsync.sync()
    mail = mbsync.read()["copper"]
    maildir.write(mbsync.mail / "Archive", mail.octets, mail.flags)
    mail.path.unlink()
    mbsync.sync()
    mbsync.sync()
    assert stored(client) == {}
    assert stored(client, "Archive")["copper"].flags == flags("\\Seen")


def test_mailboxes_are_made_on_either_side_with_any_name(mbsync: Mbsync, client: ImapClient) -> None:
    """The tree has the names in modified UTF-7."""
    mbsync.sync()
    maildir.make(mbsync.mail / "Made here")
    maildir.write(mbsync.mail / "Made here", letter("here"))
    client.ok("CREATE Pl&AOQ-ne/2025")
    client.append("Pl&AOQ-ne/2025", letter("there"))
    mbsync.sync()
    assert list(stored(client, "Made here")) == ["here"]
    assert list(mbsync.read("Pl&AOQ-ne/2025")) == ["there"]


def test_a_mailbox_made_anew_under_its_name_is_noticed(mbsync: Mbsync, client: ImapClient) -> None:
    """The only thing that tells is UIDVALIDITY."""
    client.ok("CREATE Work")
    client.append("Work", letter("old"))
    mbsync.sync()
    client.ok("DELETE", Literal(b"Work"))
    client.ok("CREATE Work")
    client.append("Work", letter("new"))
    assert "UIDVALIDITY" in mbsync.sync(code=1).replace("UID validity", "UIDVALIDITY")
    assert list(stored(client, "Work")) == ["new"]


def test_hundreds_of_messages_arrive_once(mbsync: Mbsync, client: ImapClient) -> None:
    for number in range(300):
        client.start("APPEND INBOX", Literal(letter(f"number {number}"), plus=True))
    for number in range(300):
        client.finish(f"t{client.count - 299 + number}")
    mbsync.sync()
    assert mbsync.read().keys() == {f"number {number}" for number in range(300)}


def test_starttls_serves_as_well(server: Service, account: Account, home: Path, client: ImapClient) -> None:
    client.append("INBOX", letter("copper"))
    mbsync = Mbsync(server, account, home, tls="STARTTLS")
    mbsync.sync()
    assert list(mbsync.read()) == ["copper"]


def test_an_unknown_certificate_is_refused(mbsync: Mbsync) -> None:
    config = mbsync.home / "mbsyncrc"
    lines = [line for line in config.read_text().splitlines() if not line.startswith("CertificateFile")]
    config.write_text("\n".join(lines))
    assert "certificate" in mbsync.sync(code=1)
