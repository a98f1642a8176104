"""A full disk: nothing is promised that cannot be kept, and all is well again when there is room."""

from __future__ import annotations

import os
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Literal
from tests.live import Account, Demo, eventually

ANN = Account("ann@example.org", "one-password")
SIZE_MB = 24
MAX_APPENDS = 500


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, small."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    where = tmp_path / "disk"
    where.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(where)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    yield where
    eventually(lambda: subprocess.run(["umount", str(where)], capture_output=True).returncode == 0, "umount")


@pytest.fixture
def demo(small_disk: Path) -> Iterator[Demo]:
    data = small_disk / "data"
    demo = Demo(data, [ANN])
    yield demo
    if demo.process.poll() is None:
        demo.stop()


def ballast(small_disk: Path) -> Path:
    """Fill what is left, to the last octet."""
    path = small_disk / "ballast"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            pass
        try:
            while True:
                file.write(b"x" * 64)
        except OSError:
            pass
    return path


@pytest.mark.parametrize("size", [4_000, 60_000, 2_000_000], ids=["in-row", "in-pack", "spooled"])
def test_append_is_unavailable_and_nothing_else_breaks(demo: Demo, small_disk: Path, size: int) -> None:
    client = demo.service.connect(ANN)
    message = simple_message(1, size=size)
    stored = [client.append("INBOX", message)]
    filler = ballast(small_disk)
    reply = None
    for _ in range(MAX_APPENDS):
        reply = client.command("APPEND INBOX", Literal(message, plus=True))
        if reply.kind != "OK":
            break
        assert reply.code
        stored += reply.code.args[1]
    assert reply
    assert reply.kind == "NO"
    assert reply.code
    assert reply.code.name == "UNAVAILABLE"

    assert_readable(client, stored, message)
    filler.unlink()
    eventually(lambda: client.command("APPEND INBOX", Literal(message, plus=True)).kind == "OK", "room again")
    demo.stop()


def assert_readable(client: ImapClient, uids: list[int], message: bytes) -> None:
    """All that was acknowledged is there, and nothing more."""
    client.ok("SELECT INBOX")
    rows = client.ok("UID FETCH 1:* BODY.PEEK[]").by_uid
    assert list(rows) == uids
    assert {bytes(row["BODY[]"]) for row in rows.values()} == {message}


def test_lmtp_answers_452_and_works_again(demo: Demo, small_disk: Path) -> None:
    message = simple_message(1, size=5_000)
    demo.service.deliver(ANN.user, message)
    filler = ballast(small_disk)
    with demo.service.lmtp_session() as session:
        refused = None
        for _ in range(MAX_APPENDS):
            try:
                session.sendmail("sender@example.net", [ANN.user], message)
            except smtplib.SMTPResponseException as error:
                refused = (error.smtp_code, error.smtp_error)
                break
            except smtplib.SMTPRecipientsRefused as error:
                [refused] = error.recipients.values()
                break
    assert refused
    assert refused[0] == 452
    assert refused[1].startswith(b"4.3.1")
    filler.unlink()
    demo.service.deliver(ANN.user, message)
    demo.stop()


def test_flags_are_refused_not_forgotten(demo: Demo, small_disk: Path) -> None:
    client = demo.service.connect(ANN)
    for number in range(20):
        client.append("INBOX", simple_message(number))
    client.ok("SELECT INBOX")
    filler = ballast(small_disk)
    told = {}
    for turn in range(MAX_APPENDS):
        reply = client.command(f"STORE 1:* FLAGS (turn{turn % 50})")
        if reply.kind != "OK":
            assert reply.kind == "NO"
            break
        told = {seq: set(row["FLAGS"]) for seq, row in reply.fetched.items()}
    filler.unlink()
    demo.kill()
    again = Demo(demo.data, [ANN])
    client = again.service.connect(ANN)
    client.ok("SELECT INBOX")
    if told:
        kept = {
            seq: {f for f in row["FLAGS"] if f != "\\Recent"}
            for seq, row in client.ok("FETCH 1:* FLAGS").fetched.items()
        }
        assert kept == {seq: {f for f in flags if f != "\\Recent"} for seq, flags in told.items()}
    again.stop()
