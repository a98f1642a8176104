"""UID STORE of one flag on one message, with the answer that tells the new flags."""

from __future__ import annotations

import itertools
from time import perf_counter
from typing import Final

from mailkeep.bench import mail
from mailkeep.bench.answer import must_equal, uids_found
from mailkeep.bench.connection import Connection, Script, Wrong, drive, must_be_ok
from mailkeep.bench.meter import Meter
from mailkeep.bench.result import Row, rate
from mailkeep.bench.stage import Stage, all_uids, remove, renew, select

CONNECTIONS: Final = 50
MESSAGES: Final = 50  # in the mailbox of each connection
MAILBOX: Final = "BenchStore"


def store(stage: Stage) -> tuple[Row, ...]:
    """Commands per second on one connection, in the large mailbox."""
    mailbox = stage.large_mailbox()
    latencies: list[float] = []
    with stage.connect() as connection:
        select(connection, mailbox, stage.corpus.count)
        connection.command(b"UID STORE 1:* -FLAGS.SILENT (\\Flagged)")
        uids = all_uids(connection)
        meter = Meter(stage.target.pid)
        with meter:
            script = storing(connection, uids, perf_counter() + stage.seconds, latencies)
            drive([(connection, script)], stage.target.patience_s)
        row = rate("store", meter, latencies)
        _verify(connection, uids, len(latencies))
        connection.command(b"UID STORE 1:* -FLAGS.SILENT (\\Flagged)")
    return (row,)


def stores(stage: Stage) -> tuple[Row, ...]:
    """Commands per second on fifty connections, each in a small mailbox of its own."""
    latencies: tuple[list[float], ...] = tuple([] for _ in range(CONNECTIONS))
    with stage.connected(CONNECTIONS) as connections:
        boxes = tuple(f"{MAILBOX}{k // stage.target.users}" for k in range(CONNECTIONS))
        for connection, box in zip(connections, boxes, strict=True):
            _prepare(connection, box)
        stage.settle()
        uids = tuple(map(all_uids, connections))
        meter = Meter(stage.target.pid)
        with meter:
            until = perf_counter() + stage.seconds
            pairs = [
                (connection, storing(connection, mine, until, times))
                for connection, mine, times in zip(connections, uids, latencies, strict=True)
            ]
            drive(pairs, stage.target.patience_s)
        row = rate(f"store-{CONNECTIONS}", meter, list(itertools.chain(*latencies)))
        for connection, box, mine, times in zip(connections, boxes, uids, latencies, strict=True):
            _verify(connection, mine, len(times))
            connection.command(b"CLOSE")
            remove(connection, box)
    return (row,)


def _prepare(connection: Connection, mailbox: str) -> None:
    renew(connection, mailbox)
    for number in range(1, MESSAGES + 1):
        connection.append(mailbox, mail.exactly(number, 2048))
    select(connection, mailbox, MESSAGES)


def storing(connection: Connection, uids: tuple[int, ...], until: float, latencies: list[float]) -> Script:
    """Flag one message after the other, then unflag them, and so on."""
    rounds = itertools.chain.from_iterable(((uid, adding) for uid in uids) for adding in itertools.cycle((True, False)))
    start = perf_counter()
    for uid, adding in rounds:
        if start >= until:
            return
        tag = connection.tag()
        answer = yield (
            b"%s UID STORE %d %sFLAGS (\\Flagged)\r\n" % (tag, uid, b"+" if adding else b"-"),
            tag + b" ",
        )
        must_be_ok(answer, tag, b"UID STORE")
        if answer.count(b" FETCH (") != 1 or b"UID %d" % uid not in answer or (b"\\Flagged" in answer) is not adding:
            raise Wrong(f"UID STORE {uid} was answered {answer[:200]!r}")
        now = perf_counter()
        latencies.append(now - start)
        start = now


def _verify(connection: Connection, uids: tuple[int, ...], done: int) -> None:
    """After `done` commands of `storing`, exactly these are flagged."""
    rounds, rest = divmod(done, len(uids))
    flagged = uids[:rest] if rounds % 2 == 0 else uids[rest:]
    must_equal(uids_found(connection.command(b"UID SEARCH FLAGGED")), flagged, "flagged messages")
