"""Postfix brings mail from strangers to port 25, and so does its smtp-source."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from bench import postfix
from bench.servers import free_ports
from tests.cannot_run import cannot_run
from tests.clients.mail import letter, stored, until_stored
from tests.clients.programs import require_client, run
from tests.imap_client import ImapClient
from tests.live import Account, Service, eventually, mailkeep

StartPostfix = Callable[..., postfix.Postfix]


@pytest.fixture
def start_postfix() -> Iterator[StartPostfix]:
    """Start one that sends everything to a port here."""
    if (why := postfix.missing()) is not None:
        cannot_run(why)
    base = Path(tempfile.mkdtemp(prefix="mk-postfix-", dir="/var/tmp"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, base, ignore_errors=True)

        def start(next_hop: tuple[str, int], **settings: str) -> postfix.Postfix:
            common = {"relayhost": f"[{next_hop[0]}]:{next_hop[1]}", "minimal_backoff_time": "1s"}
            made = postfix.prepare(base, free_ports(1)[0], {**common, "queue_run_delay": "1s", **settings})
            stack.enter_context(postfix.running(made))
            return made

        yield start


@pytest.fixture
def sender(start_postfix: StartPostfix, server: Service) -> postfix.Postfix:
    return start_postfix(server.smtp)


def until_logged(sender: postfix.Postfix, text: str) -> None:
    """Wait for something in its log."""
    try:
        eventually(lambda: text in sender.log, f"{text} in the log of Postfix")
    except AssertionError:
        raise AssertionError(f"{text} is not in the log of Postfix:\n{sender.log}") from None


@pytest.mark.parametrize(
    "text",
    ["Hello.", ".a dot\r\n.\r\n..two", "ünïcode ✓", "long " * 150, "line\r\n" * 60_000],
    ids=lambda text: text[:8],
)
def test_a_message_arrives_as_it_was_sent(
    text: str, sender: postfix.Postfix, account: Account, client: ImapClient
) -> None:
    message = letter("by postfix", text)
    sender.send("joe@example.net", account.user, message)
    [got] = until_stored(client, "INBOX", lambda seen: len(seen) == 1).values()
    assert got.octets.partition(b"\r\n\r\n")[2] == message.partition(b"\r\n\r\n")[2]
    assert got.octets.startswith(b"Return-Path: <joe@example.net>\r\n")
    assert b"by postfix.example.net (Postfix" in got.octets
    until_logged(sender, "status=sent (250 2.0.0")
    assert sender.queue() == []


def test_one_message_goes_to_several_in_one_transaction(
    sender: postfix.Postfix, server: Service, account: Account, other_account: Account
) -> None:
    sender.send("joe@example.net", f"{account.user},{other_account.user}", letter("to both"))
    for who in (account, other_account):
        assert list(until_stored(server.connect(who), "INBOX", lambda seen: len(seen) == 1)) == ["to both"]


def test_an_unknown_recipient_is_bounced_and_the_others_get_it(
    sender: postfix.Postfix, account: Account, client: ImapClient
) -> None:
    sender.send("joe@example.net", f"nobody@example.org,{account.user}", letter("to one"))
    until_stored(client, "INBOX", lambda seen: len(seen) == 1)
    until_logged(sender, "to=<nobody@example.org>")
    until_logged(sender, "dsn=5.1.1, status=bounced")


def test_mail_for_other_domains_is_not_relayed(sender: postfix.Postfix) -> None:
    sender.send("joe@example.net", "ann@elsewhere.example", letter("to elsewhere"))
    until_logged(sender, "dsn=5.7.1, status=bounced")


def test_a_message_that_is_too_large_is_refused_before_it_is_sent(
    start_postfix: StartPostfix, server: Service, account: Account
) -> None:
    sender = start_postfix(server.smtp, message_size_limit="0")
    sender.send("joe@example.net", account.user, letter("large", ("x" * 70 + "\r\n") * 800_000))
    until_logged(sender, "status=bounced (message size")


def test_mail_for_a_mailbox_that_is_full_waits_in_the_queue_of_postfix_until_there_is_room(
    sender: postfix.Postfix, server: Service, fresh_account: Account
) -> None:
    def set_quota(size: str) -> None:
        arguments = [mailkeep(), "account", "set-quota", fresh_account.user, "--quota", size, "--data", server.data]
        run(arguments, sender.base)

    reader = server.connect(fresh_account)
    sender.send("joe@example.net", fresh_account.user, letter("first", "x" * 2000))
    until_stored(reader, "INBOX", lambda seen: len(seen) == 1)
    set_quota("1 KiB")
    sender.send("joe@example.net", fresh_account.user, letter("second"))
    until_logged(sender, "dsn=4.2.2, status=deferred")
    assert "said: 452 4.2.2" in sender.log
    assert "in reply to RCPT TO command" in sender.log
    set_quota("1 MiB")
    sender.flush()
    until_stored(reader, "INBOX", lambda seen: len(seen) == 2)


def test_mail_comes_over_tls_where_postfix_insists(
    start_postfix: StartPostfix, server: Service, account: Account, client: ImapClient
) -> None:
    sender = start_postfix(server.smtp, smtp_tls_security_level="encrypt", smtp_tls_loglevel="1")
    sender.send("joe@example.net", account.user, letter("over tls"))
    [got] = until_stored(client, "INBOX", lambda seen: len(seen) == 1).values()
    assert b"with ESMTPS" in got.octets
    until_logged(sender, "TLS connection established to")


def test_postfix_verifies_the_certificate(
    start_postfix: StartPostfix, server: Service, account: Account, client: ImapClient
) -> None:
    sender = start_postfix(
        ("localhost", server.smtp[1]),
        relayhost=f"[localhost]:{server.smtp[1]}",
        smtp_tls_security_level="secure",
        smtp_tls_CAfile=str(server.ca),
        smtp_tls_secure_cert_match="localhost",
        smtp_tls_loglevel="1",
    )
    sender.send("joe@example.net", account.user, letter("verified"))
    until_stored(client, "INBOX", lambda seen: len(seen) == 1)
    until_logged(sender, "Verified TLS connection established to")


def test_an_address_beyond_ascii_is_offered_with_smtputf8(
    start_postfix: StartPostfix, server: Service, account: Account, client: ImapClient
) -> None:
    sender = start_postfix(server.smtp, smtputf8_enable="yes", smtputf8_autodetect_classes="all")
    sender.send("jürgen@example.net", account.user, letter("utf8"))
    [got] = until_stored(client, "INBOX", lambda seen: len(seen) == 1).values()
    assert "Return-Path: <jürgen@example.net>".encode() in got.octets
    assert b"with UTF8SMTP" in got.octets


def test_hundreds_of_messages_come_at_once(sender: postfix.Postfix, account: Account, client: ImapClient) -> None:
    source = [require_client("smtp-source"), "-m", "200", "-s", "10", "-l", "3000", "-f", "joe@example.net"]
    run([*source, "-t", account.user, f"127.0.0.1:{sender.port}"], sender.base)
    eventually(lambda: _count(client) == 200, "200 messages", 60)
    eventually(lambda: sender.queue() == [], "an empty queue")


@pytest.mark.parametrize("octets", [100, 100_000])
def test_smtp_source_sends_over_many_connections(
    octets: int, server: Service, account: Account, client: ImapClient, home: Path
) -> None:
    source = [require_client("smtp-source"), "-m", "100", "-s", "20", "-l", str(octets), "-f", "joe@example.net"]
    run([*source, "-t", account.user, f"127.0.0.1:{server.smtp[1]}"], home)
    assert _count(client) == 100


def test_smtp_source_keeps_its_connection_and_sends_to_many(
    server: Service, account: Account, other_account: Account, client: ImapClient, home: Path
) -> None:
    """Without -d each session ends with one message."""
    source = [require_client("smtp-source"), "-d", "-m", "50", "-s", "2", "-l", "2000", "-f", "joe@example.net"]
    run([*source, "-t", account.user, f"127.0.0.1:{server.smtp[1]}"], home)
    assert _count(client) == 50
    assert stored(server.connect(other_account)) == {}


def _count(client: ImapClient) -> int:
    client.ok("EXAMINE INBOX")
    count: int = client.exists
    client.ok("UNSELECT")
    return count
