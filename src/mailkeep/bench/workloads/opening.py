"""SELECT of the large mailbox while nobody else has it open, so that its view has to be made."""

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
    line = b'SELECT "%s"' % stage.large_mailbox().encode("ascii")
    times: list[float] = []
    meter = Meter(stage.target.pid)
    while len(times) < LEAST or (meter.wall_s < stage.seconds and len(times) < MOST):
        with stage.connect() as connection:
            with meter:
                start = perf_counter()
                answer = connection.command(line)
                times.append(perf_counter() - start)
            connection.command(b"LOGOUT")
        must_equal(exists(answer), stage.corpus.count, "messages in the large mailbox")
    value = statistics.median(times) * 1e3
    return (measured("open", meter, value=value, unit=Unit.MS, count=len(times), latencies_s=times),)
