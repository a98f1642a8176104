"""Ports 587 and 465: mail that users send."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from tests.conformance.smtp.smtp_client import Smtp
from tests.imap_client import ImapClient
from tests.live import Account, Service, eventually

MESSAGE = b"Subject: hello\r\n\r\n.one\r\n"


def test_a_user_sends_to_another(user: Smtp, inbox: ImapClient, account: Account) -> None:
    user.begin(account.user, sender=account.user)
    assert user.data(MESSAGE) == [(250, "2.0.0")]


@pytest.mark.rfc("3207", "4")
def test_the_same_with_starttls(server: Service, account: Account) -> None:
    with Smtp(server.submission) as client:
        assert "STARTTLS" in client.hello()
        client.starttls(server.tls())
        assert "STARTTLS" not in client.hello()
        assert client.log_in(account.user, account.password).codes == (235, "2.7.0")
        client.begin(account.user, sender=account.user)


def test_a_sender_of_somebody_else_is_refused(user: Smtp) -> None:
    assert user.say("MAIL FROM:<joe@example.com>").codes == (550, "5.7.1")


def test_nothing_is_sent_without_login(server: Service) -> None:
    with Smtp(server.submissions, server.tls()) as client:
        client.hello()
        assert client.say("MAIL FROM:<joe@example.com>").codes == (530, "5.7.0")


@pytest.mark.rfc("4468", "3.2")
def test_a_message_of_ones_own_is_sent_by_its_url(
    user: Smtp, inbox: ImapClient, account: Account, other_account: Account, server: Service
) -> None:
    message = f"From: {account.user}\r\nSubject: by reference\r\n\r\nhello\r\n".encode()
    uid = inbox.append("INBOX", message)
    rump = f"imap://{quote(account.user, safe='')}@localhost/INBOX/;UID={uid};URLAUTH=submit+{quote(account.user)}"
    [url] = inbox.ok(f'GENURLAUTH "{rump}" INTERNAL').one("GENURLAUTH")
    assert "BURL imap" in user.hello()
    user.begin(other_account.user, sender=account.user)
    assert user.say(f"BURL {url} LAST").codes == (250, "2.0.0")
    reader = server.connect(other_account)
    eventually(lambda: reader.ok("SELECT INBOX") and reader.exists, "it has been delivered")
    [row] = reader.ok("FETCH 1 BODY.PEEK[]").fetched.values()
    assert row["BODY[]"].endswith(b"\r\n\r\nhello\r\n")


@pytest.mark.rfc("4468", "3.3")
def test_a_url_for_another_user_is_refused(
    user: Smtp, account: Account, other_account: Account, server: Service
) -> None:
    other = server.connect(other_account)
    other.ok("SELECT INBOX")
    uid = other.append("INBOX", MESSAGE)
    name = quote(other_account.user, safe="")
    [url] = other.ok(f'GENURLAUTH "imap://{name}@localhost/INBOX/;UID={uid};URLAUTH=submit+{name}" INTERNAL').one(
        "GENURLAUTH"
    )
    user.begin(account.user, sender=account.user)
    assert user.say(f"BURL {url} LAST").codes == (554, "5.6.6")


@pytest.mark.rfc("4865", "4.2")
def test_a_message_is_held_back(user: Smtp, account: Account, inbox: ImapClient) -> None:
    user.begin(account.user, sender=account.user, parameters=" HOLDFOR=86400")
    assert user.data(f"From: {account.user}\r\nSubject: later\r\n\r\nx\r\n".encode()) == [(250, "2.0.0")]
    user.begin(account.user, sender=account.user)
    assert user.data(f"From: {account.user}\r\nSubject: now\r\n\r\nx\r\n".encode()) == [(250, "2.0.0")]
    eventually(lambda: inbox.ok("NOOP") and inbox.exists, "the second has been delivered")
    [row] = inbox.ok("FETCH 1:* ENVELOPE").fetched.values()
    assert row["ENVELOPE"].subject == b"now"


def test_a_bare_line_feed_is_refused_as_it_could_smuggle_elsewhere(user: Smtp, account: Account) -> None:
    user.begin(account.user, sender=account.user)
    assert user.data(b"From: x\n.\r\n") == [(550, "5.6.0")]


def test_the_queue_id_is_told(user: Smtp, account: Account) -> None:
    user.begin(account.user, sender=account.user)
    user.say("DATA")
    user.send(f"From: {account.user}\r\n\r\nx\r\n.\r\n".encode())
    reply = user.reply()
    assert reply.codes == (250, "2.0.0")
    assert re.fullmatch(r"2\.0\.0 Queued as \S+", reply.lines[0])
