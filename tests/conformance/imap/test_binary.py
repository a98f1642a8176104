"""BINARY (RFC 3516, RFC 9051 §6.4.5)."""

from __future__ import annotations

import base64
import hashlib
import threading
import time

import pytest
from tests.imap_client import ImapClient
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("3516", "4")

OCTETS = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(30_000))  # about a megabyte
HEAD = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: "


def large(encoding: bytes = b"base64", octets: bytes = OCTETS) -> bytes:
    return HEAD + encoding + b"\r\n\r\n" + base64.encodebytes(octets).replace(b"\n", b"\r\n")


@pytest.fixture
def one(inbox: ImapClient, ours: None) -> ImapClient:
    inbox.append("INBOX", large())
    inbox.ok("NOOP")
    return inbox


def test_a_large_part_is_decoded(one: ImapClient) -> None:
    row = one.ok("FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1])").fetched[1]
    assert row["BINARY[1]"] == OCTETS
    assert row["BINARY.SIZE[1]"] == len(OCTETS)


@pytest.mark.parametrize(("start", "count"), [(0, 100), (500_000, 400_000), (959_990, 100), (2_000_000, 5)])
def test_a_stretch_of_it_counts_decoded_octets(one: ImapClient, start: int, count: int) -> None:
    row = one.ok(f"FETCH 1 BINARY.PEEK[1]<{start}.{count}>").fetched[1]
    assert row[f"BINARY[1]<{start}>"] == OCTETS[start : start + count]


def test_an_unknown_encoding_is_refused_however_large_the_part(inbox: ImapClient, ours: None) -> None:
    for octets in (OCTETS, OCTETS[:1000]):
        inbox.append("INBOX", large(b"x-uuencode", octets))
    inbox.ok("NOOP")
    for number in (1, 2):
        inbox.no(f"FETCH {number} BINARY.PEEK[1]", code="UNKNOWN-CTE")
        inbox.no(f"FETCH {number} BINARY.SIZE[1]", code="UNKNOWN-CTE")
    assert inbox.ok("FETCH 1 BODY.PEEK[1]").fetched[1]["BODY[1]"]


def test_damaged_base64_gives_what_can_be_read(inbox: ImapClient, ours: None) -> None:
    inbox.append("INBOX", large().replace(b"A", b"!A", 1) + b"=trailing")
    inbox.ok("NOOP")
    assert inbox.ok("FETCH 1 BINARY.PEEK[1]").fetched[1]["BINARY[1]"][:900_000] == OCTETS[:900_000]


def test_others_do_not_wait_while_a_large_part_is_decoded(server: Service, account: Account, ours: None) -> None:
    with server.connect(account) as client, server.connect(account) as other:
        client.append("INBOX", large(octets=OCTETS * 20))
        client.ok("SELECT INBOX")
        fetching = threading.Thread(target=client.ok, args=("FETCH 1 BINARY.SIZE[1]",))
        waits = [0.0]
        fetching.start()
        while fetching.is_alive():
            began = time.perf_counter()
            other.ok("NOOP")
            waits.append(time.perf_counter() - began)
        fetching.join()
    assert sorted(waits)[len(waits) // 2] < 0.05
