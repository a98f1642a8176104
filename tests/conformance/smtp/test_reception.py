"""Port 25: mail from strangers for accounts of this server."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from tests.conformance.smtp.smtp_client import Smtp
from tests.imap_client import ImapClient
from tests.live import OWN, Account, Service

from mailkeep.config import FREE_PORTS, Accounts, Limits

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


@pytest.mark.rfc("3207", "6")
def test_commands_put_behind_starttls_are_not_carried_out(server: Service) -> None:
    with Smtp(server.smtp) as client:
        client.hello()
        client.send(b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<>\r\n")
        assert client.reply().codes == (503, "5.5.1")
        assert client.is_closed()


@pytest.mark.rfc("5321", "2.3.8")
@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n"], ids=repr)
def test_a_message_smuggled_in_another_is_refused_with_it(
    mx: Smtp, inbox: ImapClient, account: Account, end: bytes
) -> None:
    mx.begin(account.user)
    smuggled = b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<%b>\r\nDATA\r\nSubject: evil\r\n\r\n" % account.user.encode()
    assert mx.say("DATA").code == 354
    mx.send(MESSAGE + b"x" + end + smuggled + b".\r\n")
    assert mx.reply().codes == (550, "5.6.0")
    assert mx.say("NOOP").codes == (250, "2.0.0")
    inbox.ok("NOOP")
    assert inbox.exists == 0


@pytest.mark.rfc("2920", "3.1")
def test_a_pipeline_is_answered_in_order(mx: Smtp, account: Account) -> None:
    user = account.user.encode()
    mx.send(
        b"MAIL FROM:<>\r\nRCPT TO:<nobody@example.org>\r\nRCPT TO:<a@elsewhere.example>\r\nRCPT TO:<%b>\r\n"
        b"BDAT 3 LAST\r\nx\r\nMAIL FROM:<joe@example.com>\r\nRCPT TO:<%b>\r\nDATA\r\n" % (user, user)
    )
    assert [code for code, _ in mx.replies(7)] == [250, 550, 550, 250, 250, 250, 250]
    assert mx.reply().code == 354
    mx.send(b"x\r\n.\r\nQUIT\r\n")
    assert [code for code, _ in mx.replies(2)] == [250, 221]
    assert mx.is_closed()


def test_a_watcher_sees_the_message_at_once(mx: Smtp, inbox: ImapClient, account: Account) -> None:
    tag = inbox.start("IDLE")
    inbox.wait_for_continuation()
    mx.begin(account.user)
    assert mx.data(MESSAGE) == [(250, "2.0.0")]
    while inbox.exists == 0:
        inbox.read()
    inbox.send(b"DONE\r\n")
    inbox.finish(tag)


def test_over_quota_is_told_at_rcpt(configured: Callable[..., Service]) -> None:
    service = configured(accounts=Accounts(quota=10_000))
    with Smtp(service.smtp) as client:
        client.hello()
        assert client.say("MAIL FROM:<joe@example.com> SIZE=5000").codes == (250, "2.1.0")
        assert client.say(f"RCPT TO:<{OWN.user}>").codes == (250, "2.1.5")
        assert client.data(b"x" * 8000 + b"\r\n") == [(250, "2.0.0")]
        client.say("MAIL FROM:<joe@example.com> SIZE=5000")
        assert client.say(f"RCPT TO:<{OWN.user}>").codes == (452, "4.2.2")


@pytest.mark.rfc("9422", "4.3")
def test_recipients_beyond_the_limit_that_is_told_wait_for_another_transaction(
    configured: Callable[..., Service],
) -> None:
    service = configured(limits=Limits(recipients=100))
    name, domain = OWN.user.split("@")
    with Smtp(service.smtp) as client:
        assert "LIMITS RCPTMAX=100" in client.hello()
        client.begin(*(f"{name}+{n}@{domain}" for n in range(100)))
        assert client.say(f"RCPT TO:<{name}+x@{domain}>").codes == (452, "4.5.3")


def test_a_service_that_is_switched_off_does_not_listen(configured: Callable[..., Service]) -> None:
    service = configured(listen=dataclasses.replace(FREE_PORTS, submission=None, submissions=None))
    assert service.submission == ("", 0)
    with Smtp(service.smtp) as client:
        assert client.greeting.code == 220
