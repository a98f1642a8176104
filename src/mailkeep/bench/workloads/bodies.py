"""Whole messages: one at a time, and in sets of a hundred."""

from __future__ import annotations

import random
from collections.abc import Callable
from time import perf_counter
from typing import Final

from mailkeep.bench.answer import fetched, must_equal
from mailkeep.bench.connection import Connection
from mailkeep.bench.corpus import Corpus, checksum
from mailkeep.bench.meter import Meter
from mailkeep.bench.result import Row, Unit, measured
from mailkeep.bench.stage import Stage, all_uids, select

SET: Final = 100
BETWEEN_CHECKS: Final = 1000  # messages: while they are checked the clock stands still
SEED: Final = 3

Numbers = range  # consecutive messages


def body(stage: Stage) -> tuple[Row, ...]:
    """Messages per second, one in each command, in random order."""
    return (_run(stage, "body", 1),)


def bodies(stage: Stage) -> tuple[Row, ...]:
    """Messages per second, a hundred in each command."""
    return (_run(stage, "bodies", SET),)


def _run(stage: Stage, name: str, size: int) -> Row:
    mailbox = stage.large_mailbox()
    corpus = stage.corpus
    size = min(size, corpus.count)
    r = random.Random(SEED)  # noqa: S311  no secret
    with stage.connect() as connection:
        select(connection, mailbox, corpus.count)
        uids = all_uids(connection)

        def some() -> range:
            first = r.randrange(1, corpus.count - size + 2)
            return range(first, first + size)

        _batch(connection, corpus, uids, some, Meter(None), BETWEEN_CHECKS // size)  # warms up
        meter = Meter(stage.target.pid)
        latencies: list[float] = []
        while meter.wall_s < stage.seconds:
            latencies += _batch(connection, corpus, uids, some, meter, BETWEEN_CHECKS // size)
    count = len(latencies) * size
    return measured(name, meter, value=count / meter.wall_s, unit=Unit.PER_S, count=count, latencies_s=latencies)


def _batch(
    connection: Connection,
    corpus: Corpus,
    uids: tuple[int, ...],
    some: Callable[[], range],
    meter: Meter,
    commands: int,
) -> list[float]:
    latencies: list[float] = []
    asked = [some() for _ in range(commands)]
    answers: list[bytes] = []
    with meter:
        for numbers in asked:
            start = perf_counter()
            first, last = uids[numbers[0] - 1], uids[numbers[-1] - 1]
            answers.append(connection.command(b"UID FETCH %d:%d (UID BODY.PEEK[])" % (first, last)))
            latencies.append(perf_counter() - start)
    for numbers, answer in zip(asked, answers, strict=True):
        verify_bodies(corpus, uids, numbers, answer)
    return latencies


def verify_bodies(corpus: Corpus, uids: tuple[int, ...], numbers: range, answer: bytes) -> None:
    """All these messages, octet by octet, and no other.  Raises: Wrong."""
    rows = list(fetched(answer))
    must_equal([row.uid for row in rows], [uids[number - 1] for number in numbers], "UIDs of the bodies")
    for number, row in zip(numbers, rows, strict=True):
        must_equal(checksum(row.need(b"BODY[]")), corpus.checksum(number), f"checksum of message {number}")
