"""A full disk: nothing is promised that cannot be kept, and all is well again when there is room."""

from __future__ import annotations

import os
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cannot_run import cannot_run
from tests.chaos.conftest import StartDemo
from tests.chaos.soundness import assert_sound
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Literal, Reply
from tests.imap_grammar import Flag
from tests.live import Account, Demo

ANN = Account("ann@example.org", "one-password")
SIZE_MB = 24
MAX_APPENDS = 500


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, small."""
    if os.geteuid() != 0:
        cannot_run("mounting a small file system needs root")
    where = tmp_path / "disk"
    where.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(where)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        cannot_run(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield where
    finally:
        unmounted = subprocess.run(["umount", str(where)], capture_output=True, text=True)
        if unmounted.returncode != 0:  # a process still holds it; the name goes now, the rest when that process ends
            subprocess.run(["umount", "--lazy", str(where)], check=True)
    assert unmounted.returncode == 0, unmounted.stderr


@pytest.fixture
def demo(small_disk: Path, start_demo: StartDemo) -> Demo:
    """A server with its data on the small disk."""
    return start_demo(small_disk / "data", [ANN])


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


def flags_of(reply: Reply) -> dict[int, set[str]]:
    """Flags by message number; without the Recent flag, which depends on who looks."""
    return {number: set(row["FLAGS"]) - {Flag("\\Recent")} for number, row in reply.fetched.items()}


def fill(client: ImapClient, message: bytes) -> list[int]:
    """APPEND until the server has no room; gives the UIDs of those that it took."""
    taken: list[int] = []
    for _ in range(MAX_APPENDS):
        reply = client.command("APPEND INBOX", Literal(message, plus=True))
        assert reply.code
        if reply.kind != "OK":
            assert (reply.kind, reply.code.name) == ("NO", "UNAVAILABLE")
            return taken
        taken += reply.code.args[1]
    raise AssertionError("the disk never was full")


def assert_readable(client: ImapClient, uids: list[int], message: bytes) -> None:
    """All that was acknowledged is there, and nothing more."""
    client.ok("SELECT INBOX")
    rows = client.ok("UID FETCH 1:* BODY.PEEK[]").by_uid
    assert list(rows) == uids
    assert {bytes(row["BODY[]"]) for row in rows.values()} == {message}


@pytest.mark.parametrize("size", [4_000, 60_000, 2_000_000], ids=["in-row", "in-pack", "spooled"])
def test_append_is_unavailable_and_logins_and_reading_go_on(demo: Demo, small_disk: Path, size: int) -> None:
    client = demo.service.connect(ANN)
    message = simple_message(1, size=size)
    stored = [client.append("INBOX", message)]
    filler = ballast(small_disk)
    stored += fill(client, message)

    assert_readable(client, stored, message)
    assert_readable(demo.service.connect_tls(ANN), stored, message)
    filler.unlink()
    stored.append(client.append("INBOX", message))
    assert_readable(client, stored, message)
    assert_sound(demo.data)
    demo.stop()


def test_append_works_again_after_many_refusals(demo: Demo, small_disk: Path) -> None:
    """What was refused keeps no room, whatever its size."""
    client = demo.service.connect(ANN)
    messages = [simple_message(number, size=size) for number, size in enumerate((4_000, 60_000, 900_000, 2_000_000))]
    stored = [client.append("INBOX", message) for message in messages]
    filler = ballast(small_disk)
    fill(client, messages[0])
    for _ in range(10):
        for message in messages:
            client.no("APPEND INBOX", Literal(message, plus=True), code="UNAVAILABLE")
    filler.unlink()
    stored += [client.append("INBOX", message) for message in messages]
    assert stored == sorted(set(stored))
    assert_sound(demo.data)
    demo.stop()


def test_lmtp_answers_452_and_works_again(demo: Demo, small_disk: Path) -> None:
    message = simple_message(1, size=5_000)
    demo.service.deliver(ANN.user, message)
    filler = ballast(small_disk)
    taken = 1
    with demo.service.lmtp_session() as session:
        refused = None
        while refused is None and taken < MAX_APPENDS:
            try:
                session.sendmail("sender@example.net", [ANN.user], message)
                taken += 1
            except smtplib.SMTPResponseException as error:
                refused = (error.smtp_code, error.smtp_error)
            except smtplib.SMTPRecipientsRefused as error:
                [refused] = error.recipients.values()
        assert refused
        assert refused[0] == 452
        assert refused[1].startswith(b"4.3.1")
        filler.unlink()
        session.sendmail("sender@example.net", [ANN.user], message)
    client = demo.service.connect(ANN)
    client.ok("SELECT INBOX")
    assert client.exists == taken + 1
    assert_sound(demo.data)
    demo.stop()


def test_an_idle_session_is_told_of_what_was_taken_and_nothing_else(demo: Demo, small_disk: Path) -> None:
    watcher = demo.service.connect(ANN)
    watcher.ok("SELECT INBOX")
    tag = watcher.idle()
    client = demo.service.connect(ANN)
    message = simple_message(1, size=4_000)
    filler = ballast(small_disk)
    taken = fill(client, message)
    filler.unlink()
    taken.append(client.append("INBOX", message))
    watcher.until(lambda response: response.kind == "EXISTS" and response.number == len(taken))
    watcher.done(tag)
    assert_readable(watcher, taken, message)


@pytest.mark.parametrize(
    "command",
    [
        "STORE 1:* +FLAGS (\\Flagged)",
        "COPY 1:* Archive",
        "MOVE 1:* Archive",
        "EXPUNGE",
        "CREATE more",
        "RENAME Archive Attic",
        "DELETE Archive",
        "SUBSCRIBE elsewhere",
    ],
)
def test_a_command_that_writes_is_unavailable_or_done_and_works_when_there_is_room(
    demo: Demo, small_disk: Path, command: str
) -> None:
    """A small write may still find room; what matters is that the answer is true."""
    client = demo.service.connect(ANN)
    for number in range(5):
        client.append("INBOX", simple_message(number), "(\\Deleted)")
    filler = ballast(small_disk)
    fill(demo.service.connect(ANN), simple_message(9, size=4_000))
    client.ok("SELECT INBOX")
    reply = client.command(command)
    if reply.kind != "OK":
        assert (reply.kind, reply.code and reply.code.name) == ("NO", "UNAVAILABLE")
        filler.unlink()
        client.ok(command)
    demo.kill()
    filler.unlink(missing_ok=True)
    assert_sound(demo.data)


def test_flags_are_refused_not_forgotten(demo: Demo, small_disk: Path, start_demo: StartDemo) -> None:
    client = demo.service.connect(ANN)
    for number in range(20):
        client.append("INBOX", simple_message(number))
    client.ok("SELECT INBOX")
    told = flags_of(client.ok("STORE 1:* FLAGS (before)"))
    filler = ballast(small_disk)
    for turn in range(MAX_APPENDS):
        reply = client.command(f"STORE 1:* FLAGS (turn{turn % 50})")
        if reply.kind != "OK":
            assert (reply.kind, reply.code and reply.code.name) == ("NO", "UNAVAILABLE")
            break
        told = flags_of(reply)
    filler.unlink()
    demo.kill()
    again = start_demo(demo.data, [ANN])
    client = again.service.connect(ANN)
    client.ok("SELECT INBOX")
    assert flags_of(client.ok("FETCH 1:* FLAGS")) == told
    assert_sound(demo.data)
    again.stop()
