"""What becomes of a message that a user sends: at its recipient, in the sender's mailbox, and in reports."""

from __future__ import annotations

import email
import email.policy
import subprocess
from email.message import EmailMessage

import pytest
from tests.conformance.smtp.smtp_client import Smtp
from tests.imap_client import ImapClient
from tests.live import Account, Service, eventually, mailkeep

BODY = b"\r\nAt noon?\r\n.\r\n..\r\n"


def arrived(client: ImapClient, count: int = 1) -> list[EmailMessage]:
    """The messages of the mailbox that is selected, once there are so many."""
    eventually(lambda: client.ok("NOOP") and client.exists >= count, f"{count} messages")
    rows = client.ok("FETCH 1:* BODY.PEEK[]").fetched.values()
    messages = [email.message_from_bytes(row["BODY[]"], policy=email.policy.default) for row in rows]
    assert all(isinstance(message, EmailMessage) for message in messages)
    return messages  # type: ignore[return-value]


@pytest.fixture
def reader(server: Service, other_account: Account) -> ImapClient:
    """The recipient, who has INBOX open."""
    client = server.connect(other_account)
    client.ok("SELECT INBOX")
    return client


def test_a_message_arrives_complete_and_without_bcc(
    user: Smtp, account: Account, other_account: Account, reader: ImapClient
) -> None:
    user.begin(other_account.user, sender=account.user)
    assert user.data(b"Bcc: zoe@example.com\r\nSubject: Lunch\r\n" + BODY) == [(250, "2.0.0")]
    [message] = arrived(reader)
    assert message["Return-Path"] == f"<{account.user}>"
    assert message["From"] == account.user
    assert message["Message-ID"].endswith("@example.org>")
    assert message["Date"]
    assert message["Bcc"] is None
    assert "with ESMTPSA" in message.get_all("Received")[-1]
    assert message.get_content().split() == ["At", "noon?", ".", ".."]


def test_a_message_is_signed_for_the_domain_of_its_author(
    server: Service, user: Smtp, account: Account, other_account: Account, reader: ImapClient
) -> None:
    assert server.data
    subprocess.run([mailkeep(), "domain", "add", "example.org", "--data", server.data], check=False)  # it may be there
    user.begin(other_account.user, sender=account.user)
    user.data(b"Subject: Lunch\r\n" + BODY)
    [message] = arrived(reader)
    signatures = message.get_all("DKIM-Signature")
    assert [f"a={algorithm}" in " ".join(signatures) for algorithm in ("rsa-sha256", "ed25519-sha256")] == [True, True]
    assert all("d=example.org" in signature for signature in signatures)


def test_somebody_waiting_in_idle_sees_it_at_once(
    user: Smtp, account: Account, other_account: Account, reader: ImapClient
) -> None:
    tag = reader.idle()
    user.begin(other_account.user, sender=account.user)
    user.data(b"Subject: Lunch\r\n" + BODY)
    reader.until(lambda response: response.kind == "EXISTS")
    reader.done(tag)


@pytest.mark.rfc("6409", "6.3")
@pytest.mark.parametrize(
    ("header", "codes"),
    [
        (b"From: boss@example.com\r\n", (550, "5.7.1")),
        (b"From: own@example.org\r\nFrom: own@example.org\r\n", (554, "5.6.0")),
        (b"Received: x\r\n" * 101, (554, "5.6.0")),
        (b"X: " + b"y" * 900 + b"\r\n" + (b" " + b"y" * 900 + b"\r\n") * 300, (554, "5.6.0")),
    ],
    ids=["foreign author", "two authors", "loop", "large header"],
)
def test_a_message_that_cannot_be_sent_is_refused(
    user: Smtp, account: Account, header: bytes, codes: tuple[int, str]
) -> None:
    user.begin(account.user, sender=account.user)
    assert user.data(header + BODY) == [codes]
    assert user.say("NOOP").code == 250


@pytest.mark.rfc("3464", "2")
def test_a_success_is_reported_where_it_was_asked_for(user: Smtp, account: Account, inbox: ImapClient) -> None:
    assert user.say(f"MAIL FROM:<{account.user}> ENVID=e+2B1").codes == (250, "2.1.0")
    assert user.say(f"RCPT TO:<{account.user}> NOTIFY=SUCCESS ORCPT=rfc822;me@here").codes == (250, "2.1.5")
    user.data(b"Subject: Lunch\r\nMessage-ID: <lunch@example.org>\r\n" + BODY)
    [report] = [message for message in arrived(inbox, 2) if message.get_content_type() == "multipart/report"]
    assert report["Subject"] == "Delivered: Lunch"
    assert report["In-Reply-To"] == "<lunch@example.org>"
    _, status, returned = report.iter_parts()
    about, recipient = status.get_payload()
    assert about["Original-Envelope-Id"] == "e+1"
    assert recipient["Original-Recipient"] == "rfc822; me@here"
    assert (recipient["Action"], recipient["Status"][0]) == ("delivered", "2")
    assert returned.get_content_type() == "text/rfc822-headers"


def test_the_server_keeps_the_copy_and_tells_a_client_that_brings_its_own(
    user: Smtp, account: Account, client: ImapClient
) -> None:
    client.ok('SETMETADATA "" (/private/vendor/mailkeep/sent-copy "on")')
    message = b"Bcc: zoe@example.com\r\nMessage-ID: <copy@example.org>\r\nSubject: Lunch\r\n" + BODY
    user.begin(account.user, sender=account.user)
    assert user.data(message) == [(250, "2.0.0")]
    client.ok("SELECT Sent")
    [copy] = arrived(client)
    assert copy["Bcc"] == "zoe@example.com"
    assert copy["Received"] is None
    client.append("Sent", message, "(\\Seen)")
    client.ok("NOOP")
    assert client.exists == 1
