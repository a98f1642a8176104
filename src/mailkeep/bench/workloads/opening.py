"""SELECT of the large mailbox while nobody else has it open: again and again, or once after the server's start."""

from __future__ import annotations

import statistics
from time import perf_counter
from typing import Final

from mailkeep.bench.answer import exists, must_equal
from mailkeep.bench.meter import Meter
from mailkeep.bench.result import Row, Unit, measured
from mailkeep.bench.stage import Stage

LEAST: Final = 3
MOST: Final = 200


def opening(stage: Stage) -> tuple[Row, ...]:
    """Milliseconds of SELECT, each time on a new connection."""
    return (_run(stage, "open", LEAST, MOST),)


def first_opening(stage: Stage) -> tuple[Row, ...]:
    """Milliseconds of the first SELECT: the server must just have been started, on data that is there."""
    return (_run(stage, "open-first", 1, 1),)


def _run(stage: Stage, name: str, least: int, most: int) -> Row:
    line = b'SELECT "%s"' % stage.large_mailbox().encode("ascii")
    times: list[float] = []
    meter = Meter(stage.target.pid)
    while len(times) < least or (meter.wall_s < stage.seconds and len(times) < most):
        with stage.connect() as connection:
            with meter:
                start = perf_counter()
                answer = connection.command(line)
                times.append(perf_counter() - start)
            connection.command(b"LOGOUT")
        must_equal(exists(answer), stage.corpus.count, "messages in the large mailbox")
    value = statistics.median(times) * 1e3
    return measured(name, meter, value=value, unit=Unit.MS, count=len(times), latencies_s=times)
