"""Port 25: mail from strangers for accounts of this server."""

from __future__ import annotations

import pytest
from tests.conformance.smtp.smtp_client import Smtp
from tests.imap_client import ImapClient
from tests.live import Account, Service

MESSAGE = b"From: joe@example.com\r\nSubject: hello\r\n\r\n.one\r\n"


@pytest.mark.rfc("5321", "4.1.1.1")
def test_ehlo_names_the_extensions(server: Service) -> None:
    with Smtp(server.smtp) as client:
        assert client.greeting.code == 220
        offered = {line.split(" ")[0] for line in client.hello()}
    assert offered == {
        "PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "BINARYMIME", "STARTTLS",
        "LIMITS",
    }  # fmt: skip


def test_a_message_arrives_whole(mx: Smtp, inbox: ImapClient, account: Account) -> None:
    mx.begin(account.user)
    assert mx.data(MESSAGE) == [(250, "2.0.0")]
    inbox.ok("NOOP")
    assert inbox.exists == 1


@pytest.mark.rfc("5321", "3.6.2")
def test_relaying_is_refused(mx: Smtp) -> None:
    mx.begin()
    assert mx.say("RCPT TO:<somebody@elsewhere.example>").codes == (550, "5.7.1")


def test_an_unknown_user_is_refused(mx: Smtp) -> None:
    mx.begin()
    assert mx.say("RCPT TO:<nobody@example.org>").codes == (550, "5.1.1")
