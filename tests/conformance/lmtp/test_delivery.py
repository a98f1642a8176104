"""What becomes of a message that LMTP has taken."""

from __future__ import annotations

import os
import re
import shutil
import smtplib
import subprocess
from pathlib import Path

import pytest
from tests.cannot_run import cannot_run
from tests.conformance.lmtp.lmtp_client import Lmtp
from tests.imap_client import ImapClient
from tests.live import Account, Service

MESSAGE = b"From: joe@example.com\r\nSubject: hello\r\n\r\nbody\r\n"


def messages(client: ImapClient) -> list[bytes]:
    """All messages of INBOX, by UID."""
    client.ok("SELECT INBOX")
    if not client.exists:
        return []
    return [items["BODY[]"] for _, items in sorted(client.ok("UID FETCH 1:* BODY.PEEK[]").by_uid.items())]


def split_trace(message: bytes) -> tuple[list[str], bytes]:
    """The header fields that delivery adds, unfolded, and the octets behind them."""
    fields, rest = [], message
    for _ in range(3):
        field = re.match(rb"[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", rest)
        assert field is not None
        fields.append(field[0].decode().replace("\r\n", ""))
        rest = rest[len(field[0]) :]
    return fields, rest


def deliver(lmtp: Lmtp, message: bytes, *recipients: str, sender: str = "joe@example.com") -> None:
    lmtp.begin(*recipients, sender=sender)
    assert lmtp.data(message, len(recipients)) == [(250, "2.0.0")] * len(recipients)


@pytest.mark.rfc("5321", "4.4")
def test_trace_lines_stand_before_the_octets_received(lmtp: Lmtp, account: Account, client: ImapClient) -> None:
    deliver(lmtp, MESSAGE, account.user)
    [stored] = messages(client)
    (return_path, delivered_to, received), rest = split_trace(stored)
    assert return_path == "Return-Path: <joe@example.com>"
    assert delivered_to == f"Delivered-To: {account.user}"
    assert re.fullmatch(
        rf"Received: from client\.example\.com \(\[127\.0\.0\.1\]\)\tby \S+ \(mailkeep\)\twith LMTP id \w+"
        rf"\tfor <{re.escape(account.user)}>; \w+, \d\d \w+ \d{{4}} \d\d:\d\d:\d\d \+0000",
        received,
    )
    assert rest == MESSAGE


@pytest.mark.rfc("5321", "4.5.5")
def test_the_null_reverse_path_is_kept(lmtp: Lmtp, account: Account, client: ImapClient) -> None:
    deliver(lmtp, MESSAGE, account.user, sender="")
    assert messages(client)[0].startswith(b"Return-Path: <>\r\n")


def test_octets_are_stored_as_received(lmtp: Lmtp, account: Account, client: ImapClient) -> None:
    message = (
        b"Return-Path: <old@example.com>\r\nSubject: \xe4\xf6\r\nX: a\n b\r\n\r\n"
        b".dot\r\n..dots\r\nbare\nlf\n.\nbare\rcr\r.\r\n.\r\n\xff\xfe\r\n" + b"x" * 5000 + b"\r\n"
    )
    deliver(lmtp, message, account.user)
    assert split_trace(messages(client)[0])[1] == message


def test_a_message_cannot_be_cut_short_by_anything_but_crlf_dot_crlf(
    lmtp: Lmtp, account: Account, client: ImapClient
) -> None:
    smuggled = [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n"]
    message = b"Subject: x\r\n\r\n" + b"MAIL FROM:<eve@example.com>\r\n".join(smuggled) + b"end\r\n"
    deliver(lmtp, message, account.user)
    [stored] = messages(client)
    assert split_trace(stored)[1] == message


def test_an_answered_message_is_there_for_everybody_at_once(
    lmtp: Lmtp, account: Account, client: ImapClient, second: ImapClient
) -> None:
    client.ok("SELECT INBOX")
    deliver(lmtp, MESSAGE, account.user)
    client.ok("NOOP")
    assert client.exists == 1
    assert len(messages(second)) == 1


def test_each_recipient_has_a_copy_and_the_same_address_twice_only_one(
    lmtp: Lmtp, account: Account, other_account: Account, server: Service
) -> None:
    name, domain = account.user.split("@")
    recipients = [account.user, other_account.user, account.user.upper(), f"{name}+Lists@{domain}"]
    deliver(lmtp, MESSAGE, *recipients)
    stored = messages(server.connect(account))
    assert [split_trace(message)[0][1] for message in stored] == [
        f"Delivered-To: {account.user}",
        f"Delivered-To: {name}+Lists@{domain}",
    ]
    assert len(messages(server.connect(other_account))) == 1


@pytest.mark.parametrize("size", [15_000, 17_000, 1_048_000, 1_049_000, 6_000_000])
def test_messages_of_any_size_arrive_whole(
    lmtp: Lmtp, account: Account, other_account: Account, server: Service, size: int
) -> None:
    message = (b"Subject: large\r\n\r\n" + os.urandom(500).hex().encode() + b"\r\n").ljust(size - 2, b".") + b"\r\n"
    deliver(lmtp, message, account.user, other_account.user)
    for who in (account, other_account):
        assert split_trace(messages(server.connect(who))[-1])[1] == message


@pytest.mark.rfc("3030", "2")
def test_chunks_arrive_as_one_message(lmtp: Lmtp, account: Account, client: ImapClient) -> None:
    lmtp.begin(account.user)
    lmtp.send(b"BDAT 6\r\nA: b\r\nBDAT 5\r\n\r\n.\r\nBDAT 3 LAST\r\n\r\n.")
    assert lmtp.replies(3) == [(250, "2.0.0")] * 3
    assert split_trace(messages(client)[0])[1] == b"A: b\r\n\r\n.\r\n\r\n."


@pytest.mark.rfc("6531", "3.3")
def test_utf8_addresses_go_into_the_trace_as_they_are(lmtp: Lmtp, account: Account, client: ImapClient) -> None:
    name, domain = account.user.split("@")
    lmtp.begin(f"{name}+grün@{domain}", sender="jörg@bücher.example", parameters=" SMTPUTF8 BODY=8BITMIME")
    assert lmtp.data(MESSAGE) == [(250, "2.0.0")]
    (return_path, delivered_to, received), _ = split_trace(messages(client)[0])
    assert return_path == "Return-Path: <jörg@bücher.example>"
    assert delivered_to == f"Delivered-To: {name}+grün@{domain}"
    assert "\twith UTF8LMTP id " in received


def test_smtputf8_is_taken_where_nothing_needs_it_and_a_space_after_the_colon_too(
    lmtp: Lmtp, account: Account, client: ImapClient
) -> None:
    """traps 51 (iOS) and 22 (Outlook)"""
    lmtp.say("LHLO client.example.com")
    assert lmtp.say("MAIL FROM: <joe@example.com> SMTPUTF8 BODY=8BITMIME SIZE=49").codes == (250, "2.1.0")
    assert lmtp.say(f"RCPT TO: <{account.user}>").codes == (250, "2.1.5")
    assert lmtp.data(MESSAGE) == [(250, "2.0.0")]
    assert split_trace(messages(client)[0])[1] == MESSAGE


def test_lmtp_and_imap_agree_on_the_largest_message(lmtp: Lmtp, client: ImapClient) -> None:
    """trap 47"""
    offered = client.ok("CAPABILITY").one("CAPABILITY")
    limit = next((word.partition("=")[2] for word in offered if word.upper().startswith("APPENDLIMIT=")), None)
    if limit is not None:
        assert f"SIZE {limit}" in lmtp.say("LHLO client").lines


def test_a_message_that_was_not_finished_is_not_there(server: Service, account: Account, client: ImapClient) -> None:
    for unfinished in (b"DATA\r\nhalf a message\r\n.", b"BDAT 100 LAST\r\nhalf", b"BDAT 4\r\nhalf"):
        with Lmtp(server.lmtp) as lmtp:
            lmtp.begin(account.user)
            lmtp.send(unfinished)
    assert messages(client) == []


def test_a_message_above_the_limit_is_refused_to_each_recipient(server: Service, account: Account, ours: None) -> None:
    with Lmtp(server.lmtp) as lmtp:
        hello = lmtp.say("LHLO x")
        limit = next(int(line[5:]) for line in hello.lines if line.startswith("SIZE "))
        lmtp.begin(account.user)
        lmtp.say("DATA")
        block = b"x" * 998 + b"\r\n"
        for _ in range(limit // 1_000_000 + 1):
            lmtp.send(block * 1000)
        lmtp.send(b".\r\n")
        assert lmtp.reply().codes == (552, "5.3.4")
        assert lmtp.say("NOOP").code == 250


def test_the_unix_socket_takes_mail_too(server: Service, account: Account, client: ImapClient, ours: None) -> None:
    assert server.data is not None
    with Lmtp(server.data / "lmtp.sock") as lmtp:
        deliver(lmtp, MESSAGE, account.user)
    (_, _, received), rest = split_trace(messages(client)[0])
    assert received.startswith("Received: from client.example.com\tby ")
    assert rest == MESSAGE


def test_pythons_client_delivers(server: Service, account: Account, client: ImapClient) -> None:
    with smtplib.LMTP(*server.lmtp, timeout=15) as session:
        session.sendmail("joe@example.com", [account.user], MESSAGE, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        session.sendmail("joe@example.com", [account.user], MESSAGE)
    assert [split_trace(message)[1] for message in messages(client)] == [MESSAGE] * 2


def test_swaks_delivers(server: Service, account: Account, client: ImapClient, tmp_path: Path) -> None:
    swaks = shutil.which("swaks")
    if swaks is None:
        cannot_run("swaks is not installed")
    host, port = server.lmtp
    envelope = ["--from", "joe@example.com", "--to", account.user]
    done = subprocess.run(
        [swaks, "--protocol", "LMTP", "--server", f"{host}:{port}", *envelope, "--header", "Subject: from swaks"],
        capture_output=True,
        cwd=tmp_path,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert b"Subject: from swaks\r\n" in messages(client)[0]


@pytest.mark.rfc("4314", "2.1")
def test_a_detail_leads_to_a_mailbox_where_anyone_may_post(lmtp: Lmtp, client: ImapClient, account: Account) -> None:
    client.ok("CREATE Lists/Dev")
    client.ok("SETACL Lists/Dev anyone p")
    local, _, domain = account.user.partition("@")
    for detail, target in (("lists/dev", "Lists/Dev"), ("Lists", "INBOX"), ("nowhere", "INBOX"), ("", "INBOX")):
        before = client.ok(f"STATUS {target} (MESSAGES)").one("STATUS")[1]["MESSAGES"]
        deliver(lmtp, MESSAGE, f"{local}+{detail}@{domain}")
        assert client.ok(f"STATUS {target} (MESSAGES)").one("STATUS")[1]["MESSAGES"] == before + 1
    client.ok("DELETEACL Lists/Dev anyone")
    client.ok("DELETE Lists/Dev")
