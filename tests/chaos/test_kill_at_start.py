"""kill -9 while the server starts: while it makes a data directory, and while it recovers what an earlier kill left."""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path

import pytest
from tests.chaos.conftest import StartDemo
from tests.chaos.soundness import assert_sound
from tests.imap_client import ImapClient
from tests.live import Account, mailkeep

ACCOUNTS = [Account(f"start{n}@example.org", "pass-of-start") for n in range(2)]
MOMENTS = (0.5, 0.65, 0.8, 0.95)  # of the time that a start takes; before, the interpreter is busy with itself


def start_and_kill(data: Path, after_s: float) -> None:
    """Start a server, and kill it so many seconds later, however far it has come."""
    arguments = [mailkeep(), "demo", "--port-base", "0", "--data", str(data)]
    for account in ACCOUNTS:
        arguments += ["--account", f"{account.user}:{account.password}"]
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(after_s)
            raise AssertionError(f"the server ended by itself with {code} after {after_s} s")
    finally:
        process.kill()
        process.wait()


def time_to_start(data: Path, start_demo: StartDemo) -> float:
    begin = time.monotonic()
    demo = start_demo(data, ACCOUNTS)
    took_s = time.monotonic() - begin
    demo.stop()
    return took_s


@pytest.mark.timeout(180)
def test_a_data_directory_whose_making_was_cut_short_is_completed(tmp_path: Path, start_demo: StartDemo) -> None:
    whole_s = time_to_start(tmp_path / "untouched", start_demo)
    for moment in MOMENTS:
        data = tmp_path / f"data{moment}"
        start_and_kill(data, whole_s * moment)
        demo = start_demo(data, ACCOUNTS)
        for account in ACCOUNTS:
            client = demo.service.connect(account)
            assert {"INBOX", "Sent", "Trash"} <= client.ok('LIST "" "*"').listed().keys()
            client.append("INBOX", b"Subject: hello\r\n\r\n")
        assert_sound(data)
        demo.kill()


def test_recovery_that_is_killed_begins_again(tmp_path: Path, start_demo: StartDemo) -> None:
    data = tmp_path / "data"
    demo = start_demo(data, ACCOUNTS)
    uids = {account.user: fill(demo.service.connect(account)) for account in ACCOUNTS}
    half_sent(demo.service.connect(ACCOUNTS[0]))
    demo.kill()
    whole_s = time_to_start(tmp_path / "other", start_demo)
    for moment in MOMENTS:
        start_and_kill(data, whole_s * moment)
    demo = start_demo(data, ACCOUNTS)
    for account in ACCOUNTS:
        client = demo.service.connect(account)
        client.ok("SELECT INBOX")
        assert list(client.ok("UID FETCH 1:* RFC822.SIZE").by_uid) == uids[account.user]
    assert_sound(data)
    demo.stop()


def fill(client: ImapClient) -> list[int]:
    return [client.append("INBOX", b"Subject: x\r\n\r\n" + b"x" * size) for size in (100, 20_000, 1_200_000, 200)]


def half_sent(client: ImapClient) -> None:
    """A large message of which only a part has come."""
    client.send(b"a APPEND INBOX {2000000+}\r\n" + b"x" * 1_500_000)
