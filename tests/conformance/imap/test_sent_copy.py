"""A copy of sent mail that is there already is not stored again (APPEND to the mailbox for sent mail)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Literal

MESSAGE = b"Message-ID: <sent-copy@example.org>\r\n" + simple_message(1)


@pytest.fixture
def client(inbox: ImapClient, ours: None) -> Iterator[ImapClient]:
    """A user for whom the server keeps copies."""
    inbox.ok('SETMETADATA "" (/private/vendor/mailkeep/sent-copy "on")')
    yield inbox
    inbox.ok('SETMETADATA "" (/private/vendor/mailkeep/sent-copy NIL)')


def append(client: ImapClient, mailbox: str, message: bytes) -> int:
    reply = client.ok(f"APPEND {mailbox} (\\Seen)", Literal(message))
    assert reply.code
    uid: int = reply.code.args[1][0]
    return uid


def test_append_of_what_is_there_tells_its_uid(client: ImapClient) -> None:
    uid = append(client, "Sent", MESSAGE)
    assert append(client, "Sent", MESSAGE) == uid
    assert append(client, "Sent", MESSAGE + b"more\r\n") == uid + 1


def test_only_the_mailbox_for_sent_mail_is_looked_at(client: ImapClient) -> None:
    assert append(client, "INBOX", MESSAGE) != append(client, "INBOX", MESSAGE)
