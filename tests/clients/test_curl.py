"""curl, over TLS with the server's certificate verified."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clients.mail import letter, stored
from tests.clients.programs import require_client, run
from tests.imap_client import ImapClient
from tests.imap_grammar import flags
from tests.live import Account, Service

WRONG_CERTIFICATE = 60
LOGIN_DENIED = 67


class Curl:
    """curl with an account of the server."""

    def __init__(self, server: Service, account: Account, home: Path) -> None:
        self.program = require_client("curl")
        assert server.ca, "the server under test tells no certificate"
        self.base = f"imaps://localhost:{server.imaps[1]}"
        self.options = ["-sS", "--max-time", "20", "--cacert", server.ca, "-u", f"{account.user}:{account.password}"]
        self.home = home

    def __call__(self, path: str, *options: str | Path, code: int = 0) -> bytes:
        return run([self.program, *self.options, *options, self.base + path], self.home, code=code)

    def command(self, command: str, mailbox: str = "INBOX") -> bytes:
        return self(f"/{mailbox}", "-X", command)


@pytest.fixture
def curl(server: Service, account: Account, home: Path) -> Curl:
    return Curl(server, account, home)


@pytest.fixture
def two_letters(server: Service, account: Account) -> None:
    server.deliver(account.user, letter("copper", "The word is lantern."))
    server.deliver(account.user, letter("silver"))


def test_mailboxes_are_listed_with_their_use(curl: Curl) -> None:
    lines = curl("/").decode().splitlines()
    assert [line for line in lines if "\\Sent" in line] == ['* LIST (\\HasNoChildren \\Sent) "/" "Sent"']
    names = {line.rpartition(" ")[2].strip('"') for line in lines}
    assert names == {"INBOX", "Sent", "Drafts", "Trash", "Junk", "Archive"}


def test_a_message_is_read_whole_and_in_sections(curl: Curl, client: ImapClient, two_letters: None) -> None:
    uid = stored(client)["copper"].uid
    whole = curl(f"/INBOX;UID={uid}")
    assert whole.endswith(letter("copper", "The word is lantern."))
    assert whole == stored(client)["copper"].octets
    assert b"Subject: copper\r\n" in curl(f"/INBOX;UID={uid};SECTION=HEADER")
    assert curl(f"/INBOX;UID={uid};SECTION=TEXT") == b"The word is lantern.\r\n"
    assert curl("/INBOX;MAILINDEX=2;SECTION=TEXT") == b"Hello.\r\n"


def test_search_finds_by_header_and_text(curl: Curl, two_letters: None) -> None:
    assert curl("/INBOX?SUBJECT%20silver").strip() == b"* SEARCH 2"
    assert curl("/INBOX?BODY%20lantern").strip() == b"* SEARCH 1"
    assert curl("/INBOX?SUBJECT%20gold").strip() == b"* SEARCH"


def test_a_file_is_appended_byte_for_byte(curl: Curl, client: ImapClient, home: Path) -> None:
    message = letter("from a file", "x" * 70_000)
    (home / "message.eml").write_bytes(message)
    curl("/Drafts", "-T", home / "message.eml")
    assert stored(client, "Drafts")["from a file"].octets == message


def test_messages_are_flagged_copied_moved_and_deleted(curl: Curl, client: ImapClient, two_letters: None) -> None:
    curl.command("STORE 1 +FLAGS (\\Flagged $work)")
    curl.command("COPY 1 Archive")
    curl.command("MOVE 2 Trash")
    assert stored(client)["copper"].flags == flags("\\Flagged $work")
    assert stored(client, "Archive")["copper"].flags == flags("\\Flagged $work")
    assert list(stored(client, "Trash")) == ["silver"]
    curl.command("STORE 1 +FLAGS.SILENT \\Deleted")
    curl.command("EXPUNGE")
    assert stored(client) == {}


def test_starttls_is_used_when_it_is_required(server: Service, account: Account, curl: Curl) -> None:
    curl.base = f"imap://localhost:{server.imap[1]}"
    assert b"INBOX" in curl("/", "--ssl-reqd")


def test_mailboxes_are_made_and_removed(curl: Curl, client: ImapClient) -> None:
    curl("/", "-X", 'CREATE "Holiday plans"')
    assert "Holiday plans" in client.ok('LIST "" "*"').listed()
    curl("/", "-X", 'DELETE "Holiday plans"')
    assert "Holiday plans" not in client.ok('LIST "" "*"').listed()


def test_a_wrong_password_is_denied(curl: Curl) -> None:
    curl("/", "-u", "nobody@example.org:wrong", code=LOGIN_DENIED)


def test_without_the_certificate_nothing_is_trusted(curl: Curl) -> None:
    del curl.options[curl.options.index("--cacert") : curl.options.index("--cacert") + 2]
    curl("/", code=WRONG_CERTIFICATE)
