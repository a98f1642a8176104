"""COMPRESS (RFC 4978)."""

from __future__ import annotations

import base64
import os
import zlib
from pathlib import Path

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import Deflate, ImapClient, Literal
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("4978", "3")


@pytest.fixture
def packed(inbox: ImapClient) -> ImapClient:
    """A connection with INBOX selected, and compression active."""
    inbox.compress()
    return inbox


def test_commands_and_answers_are_compressed(packed: ImapClient) -> None:
    packed.ok("NOOP")
    packed.append("INBOX", simple_message(1))
    packed.ok("NOOP")
    assert packed.ok("FETCH 1 BODY[]").fetched[1]["BODY[]"] == simple_message(1)


def test_each_answer_can_be_read_at_once(packed: ImapClient) -> None:
    """trap 8: whatever is answered has been flushed, also untagged data and continuations"""
    tag = packed.start('LOGIN "a')  # BAD at once
    assert packed.finish(tag).kind == "BAD"
    packed.ok("APPEND INBOX", Literal(simple_message(1)))  # waits for "+"
    packed.ok('LIST "" "*"')


def test_what_happens_elsewhere_is_pushed_into_idle(packed: ImapClient, second: ImapClient) -> None:
    tag = packed.idle()
    second.append("INBOX", simple_message(1))
    packed.until(lambda r: r.kind == "EXISTS")
    second.append("INBOX", simple_message(2))
    packed.until(lambda r: r.kind == "EXISTS" and r.number == 2)
    assert packed.done(tag).kind == "OK"


@pytest.mark.parametrize("flush", [zlib.Z_SYNC_FLUSH, zlib.Z_PARTIAL_FLUSH, zlib.Z_FULL_FLUSH])
@pytest.mark.parametrize("window_bits", [9, 12, 15])
def test_every_window_and_kind_of_flush_is_read(inbox: ImapClient, window_bits: int, flush: int) -> None:
    """trap 8"""
    inbox.compress(window_bits=window_bits, flush=flush)
    for number in range(3):
        inbox.append("INBOX", simple_message(number))
    inbox.ok("NOOP")
    assert inbox.exists == 3


def test_the_stream_may_come_octet_by_octet(packed: ImapClient) -> None:
    """trap 8"""
    assert packed.deflate
    for octet in packed.deflate.pack(b"a NOOP\r\nb IDLE\r\nDONE\r\nc NOOP\r\n"):
        packed.socket.sendall(bytes([octet]))
    answers = []
    while "c" not in answers:
        answers.append(packed.read().tag)
    assert answers == ["a", "+", "b", "c"]


def test_commands_may_be_pipelined(packed: ImapClient) -> None:
    packed.send(b"".join(b"p%d NOOP\r\n" % n for n in range(1000)))
    for n in range(1000):
        assert packed.finish(f"p{n}").kind == "OK"


def test_a_second_time_is_refused(packed: ImapClient) -> None:
    packed.no("COMPRESS DEFLATE", code="COMPRESSIONACTIVE")
    packed.ok("NOOP")


def test_it_is_offered_until_it_is_active(client: ImapClient) -> None:
    assert "COMPRESS=DEFLATE" in client.ok("CAPABILITY").one("CAPABILITY")
    client.compress()
    assert "COMPRESS=DEFLATE" not in client.ok("CAPABILITY").one("CAPABILITY")


@pytest.mark.parametrize("arguments", ["", " GZIP", " DEFLATE now", " (DEFLATE)", ' "DEFLATE"'])
def test_wrong_arguments_leave_the_stream_as_it_is(client: ImapClient, arguments: str) -> None:
    client.bad("COMPRESS" + arguments)
    client.ok("NOOP")


def test_it_needs_a_login(server: Service) -> None:
    client = server.connect()
    client.bad("COMPRESS DEFLATE")
    client.ok("NOOP")


def test_it_goes_within_starttls(server: Service, account: Account) -> None:
    client = server.connect()
    client.ok("STARTTLS")
    client.start_tls(server.tls())
    client.login(account.user, account.password).compress()
    client.ok("SELECT INBOX")
    client.append("INBOX", simple_message(1))


def test_it_goes_within_tls(server: Service, account: Account) -> None:
    client = server.connect_tls(account)
    client.compress()
    client.ok("SELECT INBOX")


def test_a_command_in_the_clear_behind_it_is_not_carried_out(inbox: ImapClient, second: ImapClient) -> None:
    """The client must wait for the OK; what a man in the middle adds must not survive as a command."""
    inbox.send(b"a COMPRESS DEFLATE\r\nb CREATE injected\r\n")
    assert inbox.finish("a").kind == "OK"
    inbox.deflate = Deflate()
    assert inbox.ended()
    assert not second.ok('LIST "" injected').all("LIST")


def test_compressed_octets_that_come_with_it_are_read(inbox: ImapClient) -> None:
    deflate = Deflate()
    inbox.send(b"a COMPRESS DEFLATE\r\n" + deflate.pack(b"b NOOP\r\n"))
    assert inbox.read_raw().startswith(b"a OK")
    inbox.deflate = deflate
    inbox.buffer = deflate.inflater.decompress(inbox.buffer)
    assert inbox.finish("b").kind == "OK"


def test_what_is_no_deflate_ends_the_connection(packed: ImapClient, second: ImapClient) -> None:
    packed.socket.sendall(b"\xff\xff\xff\xff a NOOP\r\n")
    assert packed.ended()
    second.ok("NOOP")


def test_the_end_of_the_stream_ends_the_connection(packed: ImapClient) -> None:
    assert packed.deflate
    packed.socket.sendall(packed.deflate.compressor.compress(b"a NOOP\r\n") + packed.deflate.compressor.flush())
    assert packed.ended()


def test_large_messages_go_both_ways(packed: ImapClient) -> None:
    body = base64.encodebytes(os.urandom(3 << 20)).replace(b"\n", b"\r\n")
    message = b"Subject: large\r\n\r\n" + body
    packed.append("INBOX", message)
    packed.ok("NOOP")
    assert packed.ok("FETCH 1 BODY.PEEK[]").fetched[1]["BODY[]"] == message


def test_a_message_that_compresses_well_goes_both_ways(packed: ImapClient) -> None:
    message = b"Subject: zeros\r\n\r\n" + b"0" * (20 << 20)
    packed.append("INBOX", message)
    packed.ok("NOOP")
    assert packed.ok("FETCH 1 RFC822.SIZE").fetched[1]["RFC822.SIZE"] == len(message)
    assert packed.ok("FETCH 1 BODY.PEEK[]<20000000.10>").fetched[1]["BODY[]<20000000>"] == b"0" * 10


def test_a_client_that_does_not_read_is_waited_for(packed: ImapClient, second: ImapClient) -> None:
    message = b"Subject: large\r\n\r\n" + base64.encodebytes(os.urandom(5 << 20)).replace(b"\n", b"\r\n")
    packed.append("INBOX", message)
    packed.ok("NOOP")
    tags = [packed.start("FETCH 1 BODY.PEEK[]") for _ in range(8)]
    second.ok("NOOP")
    for tag in tags:
        assert packed.finish(tag).fetched[1]["BODY[]"] == message


def test_a_bomb_costs_neither_memory_nor_the_turn_of_others(
    packed: ImapClient, second: ImapClient, server: Service, ours: None
) -> None:
    """Half a megabyte that stands for 500."""
    assert packed.deflate
    before = _memory(server)
    bomb = packed.deflate.compressor
    sent = bomb.compress(b"a SEARCH TEXT " + b"x" * 10)
    for _ in range(500):
        sent += bomb.compress(b"x" * (1 << 20))
    sent += bomb.compress(b"\r\nb NOOP\r\n") + bomb.flush(zlib.Z_SYNC_FLUSH)
    packed.socket.sendall(sent)
    for _ in range(20):
        second.ok("NOOP")
    assert packed.finish("a").kind == "BAD"
    assert packed.finish("b").kind == "OK"
    assert _memory(server) - before < 64 << 20


def _memory(server: Service) -> int:
    """The largest resident size so far of the process that serves, in octets."""
    status = Path(f"/proc/{server.pid}/status").read_text("ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
