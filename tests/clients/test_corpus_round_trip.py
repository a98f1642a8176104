"""Two thousand messages of every kind: delivered by LMTP, fetched back by mbsync, described by the server.

What comes back is what went in, behind the lines that delivery adds; ENVELOPE, BODYSTRUCTURE and BODY are Dovecot's but
for the differences that `tests.structure` explains.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.clients.test_mbsync import Mbsync, without_tuid
from tests.conformance.lmtp.lmtp_client import Lmtp
from tests.corpus import ODD, messages
from tests.dovecot import Ports, fetch_all
from tests.live import Account, Pool, Service
from tests.structure import row_of, unexplained

COUNT = 2000
SENDER = "sender@example.net"
AT_A_TIME = 100  # transactions sent before their answers are read
ANSWERS = [(250, "2.1.0"), (250, "2.1.5"), (250, "2.0.0")]

Delivered = tuple[Account, list[bytes]]


@pytest.fixture(scope="module")
def delivered(pool: Pool) -> Delivered:
    """An account whose INBOX has the messages in their order, and the messages."""
    account, mail = pool.take(), messages(COUNT)
    deliver(pool.service, account.user, mail)
    return account, mail


def deliver(server: Service, recipient: str, mail: list[bytes]) -> None:
    """Deliver exactly these octets: by BDAT, as DATA would end each message with a line end."""
    with Lmtp(server.lmtp) as lmtp:
        assert lmtp.say("LHLO client.example.com").code == 250
        for start in range(0, len(mail), AT_A_TIME):
            some = mail[start : start + AT_A_TIME]
            for octets in some:
                lmtp.send(b"MAIL FROM:<%b> BODY=8BITMIME\r\n" % SENDER.encode())
                lmtp.send(b"RCPT TO:<%b>\r\nBDAT %d LAST\r\n%b" % (recipient.encode(), len(octets), octets))
            assert lmtp.replies(len(some) * 3) == ANSWERS * len(some)


def without_added_lines(octets: bytes, recipient: str) -> bytes:
    """A message without the lines that delivery puts before it, which must be there."""
    eol = rb"\r?\n"
    added = re.match(
        rb"Return-Path: <%b>%b" % (re.escape(SENDER.encode()), eol)
        + rb"Delivered-To: %b%b" % (re.escape(recipient.encode()), eol)
        + rb"Received: from client\.example\.com .*%b(?:\t.*%b)+?\tfor .*%b" % (eol, eol, eol),
        octets,
    )
    assert added, octets[:400]
    return octets[added.end() :]


def test_all_messages_come_back_as_they_went_in(delivered: Delivered, server: Service, home: Path) -> None:
    account, mail = delivered
    mbsync = Mbsync(server, account, home)
    mbsync.sync()
    paths = sorted((mbsync.mail / "INBOX").glob("*/*,U=*"), key=uid_here)
    assert len(paths) == COUNT
    for path, octets in zip(paths, mail, strict=True):
        came = without_tuid(path.read_bytes()).replace(b"\n", b"\r\n")
        assert without_added_lines(came, account.user) == octets


def uid_here(path: Path) -> int:
    """The number that mbsync gave a file: they ascend in the order of the far side."""
    found = re.search(r",U=(\d+)", path.name)
    assert found
    return int(found[1])


@pytest.mark.rfc("9051", "7.5.2")
def test_the_server_describes_all_messages_as_dovecot_does(
    delivered: Delivered, server: Service, dovecot: Ports
) -> None:
    account, mail = delivered
    client = server.connect(account)
    client.ok("SELECT INBOX")
    ours = [response.raw for response in client.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY)").all("FETCH")]
    theirs = fetch_all(dovecot, "Corpus", mail)
    differences = {
        number: left
        for number, (mine, other) in enumerate(zip(ours, theirs, strict=True))
        if (left := unexplained(row_of(mine[mine.index(b"(") : -2]), row_of(other)))
    }
    assert differences == {}


def test_odd_messages_come_back_as_they_went_in(server: Service, account: Account) -> None:
    """NUL, which no ordinary literal may hold, is told as 0x80 there, and as it is by BINARY (RFC 9051 §4.3.1)."""
    deliver(server, account.user, list(ODD.values()))
    client = server.connect(account)
    client.ok("SELECT INBOX")
    for number, octets in enumerate(ODD.values(), 1):
        [row] = client.ok(f"FETCH {number} (RFC822.SIZE BODY.PEEK[] BINARY.PEEK[])").fetched.values()
        whole = row["BINARY[]"]
        assert without_added_lines(whole, account.user) == octets
        assert row["BODY[]"] == whole.replace(b"\0", b"\x80")
        assert row["RFC822.SIZE"] == len(whole)
