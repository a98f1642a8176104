"""Clients that mean harm: what they ask for is bounded in memory, and others do not wait for it."""

from __future__ import annotations

import base64
import random
import time
from pathlib import Path

import pytest
from tests.imap_client import ImapClient
from tests.live import Account, Service

MEGABYTE = 1 << 20


@pytest.fixture
def hostile(server: Service, account: Account, ours: None) -> ImapClient:
    """Logged in, with an empty mailbox selected."""
    client = server.connect(account)
    client.ok("CREATE hostile")
    client.ok("SELECT hostile")
    return client


def memory(server: Service) -> int:
    """Octets that the server's process holds."""
    assert server.pid
    for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def with_attachment(size: int) -> bytes:
    octets = random.Random(1).randbytes(size)
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + base64.encodebytes(octets).replace(b"\n", b"\r\n") + b"--b--\r\n"


def test_a_part_that_is_asked_for_a_thousand_times_is_decoded_once(hostile: ImapClient) -> None:
    hostile.append("hostile", with_attachment(20 * MEGABYTE))
    hostile.ok("NOOP")
    items = " ".join(f"BINARY.PEEK[1]<{n}.3>" for n in range(999))
    [row] = hostile.ok(f"FETCH 1 ({items} BINARY.SIZE[1])").all("FETCH")
    octets = random.Random(1).randbytes(20 * MEGABYTE)
    assert row.data["BINARY[1]<500>"] == octets[500:503]
    assert row.data["BINARY.SIZE[1]"] == 20 * MEGABYTE


@pytest.mark.parametrize("item", ["BINARY.PEEK[1]<{}.100000000>", "BODY.PEEK[1]<{}.200000>", "BODY.PEEK[]<{}.200000>"])
def test_a_row_of_gigabytes_is_never_held(server: Service, hostile: ImapClient, item: str) -> None:
    hostile.append("hostile", with_attachment(20 * MEGABYTE))
    hostile.ok("NOOP")
    before = memory(server)
    hostile.start("FETCH 1 (" + " ".join(item.format(n) for n in range(1000)) + ")")
    assert hostile.socket.recv(100).startswith(b"* 1 FETCH (")
    assert memory(server) - before < 100 * MEGABYTE


def test_a_header_of_megabytes_is_looked_at_as_far_as_headers_go(hostile: ImapClient) -> None:
    hostile.append("hostile", b"Subject: first\n" + b"a:\n" * (5 * MEGABYTE) + b"\nbody\n")
    hostile.ok("NOOP")
    [row] = hostile.ok("FETCH 1 (BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[TEXT])").all("FETCH")
    assert b"Subject: first\n\r\n" in row.data.values()
    assert row.data["BODY[TEXT]"] == b"body\n"


def test_header_fields_of_megabytes_asked_for_many_times_are_refused(hostile: ImapClient) -> None:
    hostile.append("hostile", b"a:\n" * 300_000 + b"\nbody\n")
    hostile.ok("NOOP")
    items = " ".join(f"BODY.PEEK[HEADER.FIELDS.NOT (x{n})]" for n in range(100))
    reply = hostile.command(f"FETCH 1 ({items})")
    assert (reply.kind, reply.code and reply.code.name) == ("NO", "LIMIT")
    assert hostile.ok("FETCH 1 UID").all("FETCH")


def test_many_messages_of_one_append_are_not_held_in_memory_and_arrive_whole(
    server: Service, hostile: ImapClient
) -> None:
    before = memory(server)
    messages = [b"Subject: %d\r\n\r\n" % n + b"%d" % (n % 10) * (20_000 if n % 2 else MEGABYTE) for n in range(240)]
    hostile.send(b"big APPEND hostile")
    for message in messages:
        hostile.send(b" {%d+}\r\n" % len(message) + message)
    with server.connect() as other:
        other.ok("NOOP")
    # 122 MB were sent; the server may do other things meanwhile, such as indexing what came before
    assert memory(server) - before < 64 * MEGABYTE
    hostile.send(b"\r\n")
    assert hostile.finish("big").kind == "OK"
    for n in (1, 2, 239, 240):
        [row] = hostile.ok(f"FETCH {n} BODY.PEEK[]").all("FETCH")
        assert row.data["BODY[]"] == messages[n - 1]


@pytest.mark.rfc("9051", "6.3.9")
def test_names_below_names_are_looked_for_in_one_pass_and_others_do_not_wait(
    server: Service, hostile: ImapClient
) -> None:
    for start in range(0, 3000, 300):
        for n in range(start, start + 300):
            hostile.send(b"x SUBSCRIBE hostile/%d/deep\r\n" % n)
        for _ in range(300):
            assert hostile.finish("x").kind == "OK"
    listed = hostile.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" ("%/%" "%/*1")').listed()
    assert len(listed) == 3000
    patterns = " ".join('"' + "*1%" * 300 + f'{n}"' for n in range(100))
    with server.connect() as other:
        hostile.send(b'y LSUB "" *\r\nz LIST (SUBSCRIBED) "" (' + patterns.encode() + b")\r\n")
        for _ in range(20):
            started = time.monotonic()
            other.ok("NOOP")
            assert time.monotonic() - started < 1.0
    assert hostile.finish("y").kind == "OK"
    assert hostile.finish("z").kind == "OK"


@pytest.mark.rfc("5465", "6")
def test_a_hundred_groups_about_a_thousand_mailboxes_keep_nobody_waiting(server: Service, hostile: ImapClient) -> None:
    for start in range(0, 1000, 200):
        for n in range(start, start + 200):
            hostile.send(b"x CREATE hostile/%d\r\nx UNSUBSCRIBE hostile/%d\r\n" % (n, n))
        for _ in range(400):
            assert hostile.finish("x").kind == "OK"
    groups = ["(SUBSCRIBED (MessageNew MessageExpunge))"] * 99 + ["(PERSONAL (MailboxName))"]
    waits = []
    with server.connect() as other:
        began = time.monotonic()
        hostile.send(b"n NOTIFY SET " + " ".join(groups).encode() + b"\r\n")
        for _ in range(20):
            started = time.monotonic()
            other.ok("NOOP")
            waits.append(time.monotonic() - started)
        assert hostile.finish("n").kind == "OK"
        assert max(waits) < (time.monotonic() - began) / 2


@pytest.mark.rfc("4467", "7")
def test_urls_that_lead_nowhere_are_all_answered(hostile: ImapClient) -> None:
    urls = [f'"imap://nobody@h/INBOX/;UID={n};URLAUTH=anonymous:internal:{"0" * 66}"' for n in range(1, 501)]
    assert len(hostile.ok("URLFETCH " + " ".join(urls)).all("URLFETCH")) == 500


@pytest.fixture
def crowded(hostile: ImapClient) -> ImapClient:
    """With 5,000 messages."""
    for _ in range(10):
        hostile.send(b"m APPEND hostile" + b" {12+}\r\nSubject: x\r\n" * 500 + b"\r\n")
        assert hostile.finish("m").kind == "OK"
    hostile.ok("NOOP")
    return hostile


@pytest.mark.rfc("7162", "3.2.5.2")
def test_what_a_client_says_it_knows_of_the_same_messages_many_times_is_looked_at_once(crowded: ImapClient) -> None:
    validity = crowded.ok("SELECT hostile").codes()["UIDVALIDITY"]
    crowded.ok("ENABLE QRESYNC")
    sample = ",".join(["1:5000"] * 20_000)
    started = time.monotonic()
    crowded.ok(f"SELECT hostile (QRESYNC ({validity} 1 ({sample} {sample})))")
    assert time.monotonic() - started < 5.0


@pytest.mark.rfc("2177", "3")
def test_what_happens_while_an_idle_client_does_not_read_is_told_once_it_reads(
    server: Service, account: Account, crowded: ImapClient
) -> None:
    tag = crowded.idle()
    with server.connect(account) as other:
        other.ok("SELECT hostile")
        for number in range(30):
            other.ok(f"STORE 1:* {'+-'[number % 2]}FLAGS.SILENT (\\Flagged)")
        other.append("hostile", b"Subject: last\r\n\r\n")
    crowded.until(lambda response: response.kind == "EXISTS" and response.number == 5001)
    crowded.done(tag)


@pytest.mark.parametrize("keys", ["1:*", "UID 1:*", "MODSEQ {}", "NOT LARGER 1{}", "SMALLER {}", "BODY z{}"])
@pytest.mark.rfc("9051", "6.4.4")
def test_a_search_of_thousands_of_keys_keeps_nobody_waiting_and_takes_bounded_memory(
    server: Service, crowded: ImapClient, keys: str
) -> None:
    before = memory(server)
    program = "".join(f"OR {keys.format(n)} " for n in range(2400)) + "SUBJECT y"
    with server.connect() as other:
        crowded.send(b"s SEARCH " + program.encode() + b"\r\n")
        for _ in range(50):
            started = time.monotonic()
            other.ok("NOOP")
            assert time.monotonic() - started < 1.0
    assert crowded.finish("s").kind == "OK"
    assert memory(server) - before < 40 * MEGABYTE


@pytest.mark.rfc("9051", "6.4.4")
def test_a_search_ends_when_its_connection_does(server: Service, account: Account, crowded: ImapClient) -> None:
    program = "".join(f'OR TEXT "no such {n}" ' for n in range(2400)) + "SUBJECT y"
    quitters = [server.connect(account) for _ in range(8)]
    for quitter in quitters:
        quitter.ok("SELECT hostile")
        quitter.send(b"s SEARCH " + program.encode() + b"\r\n")
    for quitter in quitters:
        quitter.close()
    started = time.monotonic()
    assert crowded.ok('SEARCH TEXT "no such"').found == []
    assert time.monotonic() - started < 5.0  # each of the others would take seconds
