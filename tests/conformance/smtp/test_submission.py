"""Ports 587 and 465: mail that users send."""

from __future__ import annotations

import pytest
from tests.conformance.smtp.smtp_client import Smtp
from tests.imap_client import ImapClient
from tests.live import Account, Service

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
