"""kill -9 while an account goes from one shard to another, at moments that a seed chooses: nothing is lost.

Between the rounds clients change the account, so that a move that was undone or finished meets what came later.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from pathlib import Path

import msgspec
import pytest
from tests.chaos.soundness import assert_sound
from tests.conformance.workers.conftest import workers
from tests.imap_client import ImapClient
from tests.live import Account, Demo, eventually, mailkeep

from mailkeep import control
from mailkeep.administration import MoveProgress, Progress

ROUNDS = int(os.environ.get("MAILKEEP_CHAOS_ROUNDS", "5"))
ACCOUNTS = [Account(f"mover{n}@example.org", "pass-of-chaos") for n in range(3)]  # the last keeps shard 1 in use
SIZES = (100, 3_000, 20_000, 1_300_000)
MESSAGES = 400
ASKING = msgspec.msgpack.encode(MoveProgress(address=ACCOUNTS[0].user))


def fill(demo: Demo, chance: random.Random) -> dict[int, bytes]:
    """Messages of all sizes, by UID."""
    kept: dict[int, bytes] = {}
    with ImapClient(demo.service.imap) as client:
        client.login(ACCOUNTS[0].user, ACCOUNTS[0].password)
        for number in range(MESSAGES):
            [size] = chance.choices(SIZES, (20, 6, 4, 1))
            octets = b"Subject: %d\r\n\r\n" % number + b"x" * size
            kept[client.append("INBOX", octets)] = octets
    return kept


def shards(data: Path) -> tuple[str, int]:
    """State and shard of the account."""
    shown = subprocess.run(
        [mailkeep(), "account", "show", ACCOUNTS[0].user, "--data", str(data)], capture_output=True, text=True
    )
    _, state, shard, *_ = shown.stdout.split("  ")
    return state, int(shard.split()[1])


def verify(demo: Demo, kept: dict[int, bytes]) -> None:
    """All is there, and can be changed: one message goes and one comes."""
    with ImapClient(demo.service.imap) as client:
        client.login(ACCOUNTS[0].user, ACCOUNTS[0].password)
        client.ok("SELECT INBOX")
        rows = client.ok("UID FETCH 1:* BODY.PEEK[]").by_uid
        assert {uid: row["BODY[]"] for uid, row in rows.items()} == kept
        gone = min(kept)
        client.ok(f"UID STORE {gone} +FLAGS (\\Deleted)")
        client.ok(f"UID EXPUNGE {gone}")
        del kept[gone]
        octets = b"Subject: later\r\n\r\n" + b"y" * 20_000
        kept[client.append("INBOX", octets)] = octets


def start_move(data: Path, shard: int) -> subprocess.Popen[bytes]:
    command = [mailkeep(), "account", "move", ACCOUNTS[0].user, str(shard), "--data", str(data)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(demo: Demo, mover: subprocess.Popen[bytes], chance: random.Random) -> None:
    """Until so much has been copied, or until it is over; meanwhile writes are put off."""
    part = chance.uniform(0, 1.2)

    def is_so_far() -> bool:
        answer = control.call(demo.data / "control.sock", "account move progress", ASKING)
        now = msgspec.msgpack.decode(answer, type=Progress)
        return mover.poll() is not None or (now.total > 0 and now.done >= part * now.total)

    eventually(is_so_far, "the move has come so far")


@pytest.mark.timeout(max(120, 30 * ROUNDS))
@pytest.mark.parametrize("count", ["1", "2"], ids=["one process", "two workers"])
def test_whenever_it_is_killed_the_account_is_whole(tmp_path: Path, count: str) -> None:
    chance = random.Random(int(count))
    data = tmp_path / "data"
    Demo(data, ACCOUNTS, "--workers", "2").stop()  # so that there are two shards
    more = ("--workers", count)
    demo = Demo(data, ACCOUNTS, *more)
    try:
        kept = fill(demo, chance)
        for _ in range(ROUNDS):
            _, shard = shards(data)
            mover = start_move(data, 1 - shard)
            wait_for(demo, mover, chance)
            demo.kill()
            mover.wait()
            demo = Demo(data, ACCOUNTS, *more)
            assert shards(data)[0] == "active"
            verify(demo, kept)
        assert_sound(data)
        if count == "2":
            kill_workers(demo, kept, chance)
        finish(demo, kept)
        demo.stop()
        assert_sound(data)
    finally:
        demo.service.close_clients()
        if demo.process.poll() is None:
            demo.kill()


def kill_workers(demo: Demo, kept: dict[int, bytes], chance: random.Random) -> None:
    """The owner of either shard dies: the move is undone while the server runs, or goes on."""
    for _ in range(2):
        _, shard = shards(demo.data)
        mover = start_move(demo.data, 1 - shard)
        wait_for(demo, mover, chance)
        victim = chance.choice(workers(demo.service))
        os.kill(victim, signal.SIGKILL)
        mover.wait(30)
        eventually(lambda: len(workers(demo.service)) == 2, "the worker is replaced")
        eventually(lambda: shards(demo.data)[0] == "active", "the move is undone", 30)
        verify(demo, kept)


def finish(demo: Demo, kept: dict[int, bytes]) -> None:
    """At last it is not killed."""
    _, shard = shards(demo.data)
    assert start_move(demo.data, 1 - shard).wait(60) == 0
    assert shards(demo.data) == ("active", 1 - shard)
    verify(demo, kept)
