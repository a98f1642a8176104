"""kill -9 while mail is queued, delivered and sent, several times over on the same data.

Whatever was said to be queued arrives: here exactly once, and so does the report on the recipient that there is not;
elsewhere at least once, and each further time is told of by the log: an answer that was not written down.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.chaos.sender import ANN, JOE

from mailkeep.model.flags import System
from mailkeep.model.uidset import UidSet
from mailkeep.service.bus import Bus
from mailkeep.service.messages import Messages
from mailkeep.store import ops
from mailkeep.store.sqlite.store import SqliteStore

ROUNDS = int(os.environ.get("MAILKEEP_CHAOS_ROUNDS", "6"))
NAME = re.compile(rb"^X-Name: (\S+)", re.MULTILINE)


def start(directory: Path, count: int) -> subprocess.Popen[bytes]:
    command = (sys.executable, "-m", "tests.chaos.sender", str(directory), str(count))
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])


def killed_after(directory: Path, lines: int) -> list[bytes]:
    """Run one until it has queued so many, kill it, and return all that it said."""
    process = start(directory, 10_000)
    assert process.stdout is not None
    said = [process.stdout.readline().strip() for _ in range(lines)]
    process.kill()
    said += [line.strip() for line in process.stdout if line.endswith(b"\n")]
    process.stdout.close()
    assert process.wait() != 0
    return said


async def read_inbox(directory: Path) -> tuple[Counter[bytes], Counter[bytes]]:
    """How often each message is in INBOX; and how often a report on it.  And the store is sound."""
    delivered, reported = Counter[bytes](), Counter[bytes]()
    async with SqliteStore(directory) as store:
        entry = store.directory.find(ANN)
        assert entry is not None
        assert await store.check(entry.account) == ()
        inbox = await store.read(ops.find_mailbox, entry.account, "INBOX")
        assert inbox is not None
        messages = Messages(store, Bus(), ())
        for row in await messages.fetch(entry.account, inbox.id, UidSet(range(1, inbox.uidnext))):
            body = messages.open_body(entry.account, row).read()
            [name] = NAME.findall(body)
            (reported if b"multipart/report" in body else delivered)[name] += 1
            assert not row.entry.mask & System.SEEN.value
    return delivered, reported


def test_what_is_queued_arrives_whenever_the_process_is_killed(tmp_path: Path) -> None:
    chance = random.Random(7)
    queued = [name for _ in range(ROUNDS) for name in killed_after(tmp_path, chance.randint(1, 80))]
    assert start(tmp_path, 0).communicate(timeout=120) == (b"", None)
    delivered, reported = asyncio.run(read_inbox(tmp_path))
    taken = Counter((tmp_path / "taken").read_bytes().split())
    assert set(queued) <= set(delivered)
    assert set(delivered.values()) == set(reported.values()) == {1}
    assert set(delivered) == set(reported) == set(taken)
    twice = sum(taken.values()) - len(taken)
    assert twice <= unsettled(tmp_path / "log")


def unsettled(log: Path) -> int:
    """Attempts elsewhere that began, and whose end was not written down: a kill came between."""
    begun, ended = Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    answered = 0
    for line in log.read_text("utf-8").splitlines():
        try:
            event = json.loads(line)
        except ValueError:  # the last line of one that was killed
            continue
        match event["event"]:
            case "queue.attempt":
                begun[event["id"], event["leg"]] += 1
            case "queue.settled":
                ended[event["id"], event["leg"]] += 1
            case "queue.answered":
                answered += event["recipient"] == JOE
    assert answered
    return sum((begun - ended).values())
