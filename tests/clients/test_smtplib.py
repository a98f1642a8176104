"""Python's smtplib sends for users, and brings mail as a stranger."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

import pytest
from tests.clients.mail import stored
from tests.imap_client import ImapClient
from tests.live import Account, Service, eventually

DEADLINE_S = 15.0


@pytest.fixture(params=["starttls", "tls"])
def session(request: pytest.FixtureRequest, server: Service, account: Account, ours: None) -> Iterator[smtplib.SMTP]:
    """A user who has logged in, over STARTTLS or TLS from the first octet."""
    if request.param == "tls":
        opened: smtplib.SMTP = smtplib.SMTP_SSL(
            "localhost", server.submissions[1], timeout=DEADLINE_S, context=server.tls()
        )
    else:
        opened = smtplib.SMTP("localhost", server.submission[1], timeout=DEADLINE_S)
        opened.starttls(context=server.tls())
    with opened:
        opened.login(account.user, account.password)
        yield opened


@pytest.fixture
def stranger(server: Service, ours: None) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("localhost", server.smtp[1], timeout=DEADLINE_S) as opened:
        yield opened


def letter(sender: str, to: str, subject: str, text: str = "Hello\n.\nend\n") -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message.set_content(text)
    return message


def test_a_user_sends_a_message(session: smtplib.SMTP, account: Account, client: ImapClient) -> None:
    assert session.send_message(letter(account.user, account.user, "by smtplib")) == {}
    eventually(lambda: list(stored(client)) == ["by smtplib"], "it has been delivered")


@pytest.mark.parametrize("initial", [True, False], ids=["initial", "asked"])
@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_each_login_works_with_and_without_initial_response(
    server: Service, account: Account, ours: None, mechanism: str, initial: bool
) -> None:
    with smtplib.SMTP_SSL("localhost", server.submissions[1], timeout=DEADLINE_S, context=server.tls()) as session:
        session.ehlo()
        session.user, session.password = account.user, account.password
        code, _ = session.auth(mechanism.upper(), getattr(session, f"auth_{mechanism}"), initial_response_ok=initial)
        assert code == 235


def test_a_wrong_password_is_refused(server: Service, account: Account, ours: None) -> None:
    with smtplib.SMTP_SSL("localhost", server.submissions[1], timeout=DEADLINE_S, context=server.tls()) as session:
        with pytest.raises(smtplib.SMTPAuthenticationError) as error:
            session.login(f"nobody-{account.user}", "wrong")
        assert error.value.smtp_code == 535


def test_extensions_are_understood(session: smtplib.SMTP) -> None:
    session.ehlo()
    for name in ("size", "8bitmime", "smtputf8", "pipelining", "chunking", "dsn", "enhancedstatuscodes"):
        assert session.has_extn(name)


def test_a_message_in_utf8_is_sent(session: smtplib.SMTP, account: Account, client: ImapClient) -> None:
    message = EmailMessage(policy=SMTPUTF8)
    name, domain = account.user.split("@")
    message["From"], message["To"], message["Subject"] = account.user, f"{name}+köln@{domain}", "grün"
    message.set_content("ünïcode", cte="8bit")
    session.send_message(message)
    eventually(lambda: len(stored(client)) == 1, "it has been delivered")


def test_some_recipients_may_be_refused(session: smtplib.SMTP, account: Account, client: ImapClient) -> None:
    message = letter(account.user, account.user, "to one")
    refused = session.sendmail(account.user, [account.user, "nobody@example.org"], message.as_bytes())
    assert [code for code, _ in refused.values()] == [550]
    eventually(lambda: list(stored(client)) == ["to one"], "it has been delivered")


def test_a_stranger_brings_a_message_that_is_there_when_it_is_answered(
    stranger: smtplib.SMTP, account: Account, client: ImapClient
) -> None:
    stranger.send_message(letter("joe@example.net", account.user, "from outside"))
    assert list(stored(client)) == ["from outside"]


def test_a_stranger_goes_on_under_tls(
    stranger: smtplib.SMTP, server: Service, account: Account, client: ImapClient
) -> None:
    stranger.starttls(context=server.tls())
    stranger.send_message(letter("joe@example.net", account.user, "secretly"))
    [arrived] = stored(client).values()
    assert b"with ESMTPS id" in arrived.octets


def test_several_messages_go_over_one_connection(stranger: smtplib.SMTP, account: Account, client: ImapClient) -> None:
    for number in range(5):
        stranger.send_message(letter("joe@example.net", account.user, f"number {number}"))
    assert len(stored(client)) == 5


def test_what_is_announced_too_large_is_refused_before_it_is_sent(stranger: smtplib.SMTP, account: Account) -> None:
    stranger.ehlo()
    code, text = stranger.mail("joe@example.net", [f"size={1 << 40}"])
    assert (code, text[:5]) == (552, b"5.3.4")
