"""What a connection in IDLE costs: growth of the server's proportional memory, divided by their number."""

from __future__ import annotations

from contextlib import ExitStack
from time import sleep
from typing import Final

from mailkeep.bench.connection import Wrong
from mailkeep.bench.files import raise_file_limit
from mailkeep.bench.meter import Meter
from mailkeep.bench.result import Row, Unit, measured
from mailkeep.bench.stage import Stage
from mailkeep.bench.workloads.idle import end_idle, start_idle

SETTLE_S: Final = 1.0
WARM: Final = 4  # connections before the first look, so that what is made once is made


def idle_memory(stage: Stage) -> tuple[Row, ...]:
    """kB for each idle connection, INBOX selected; over TLS where the target is."""
    raise_file_limit(stage.idle_connections + 200)
    count = stage.idle_connections
    for number in range(1, stage.target.users + 1):  # what a first login takes is not of the connection
        stage.connect(number).close()
    with ExitStack() as stack:
        for number in range(1, WARM + 1):
            start_idle(stack.enter_context(stage.connect(number)), "INBOX")
        meter = Meter(stage.target.pid)
        sleep(SETTLE_S)
        before = meter.memory()
        with meter:
            connections = [stack.enter_context(stage.connect(1 + k)) for k in range(count)]
            tags = [start_idle(connection, "INBOX") for connection in connections]
        sleep(SETTLE_S)
        after = meter.memory()
        if before is None or after is None:
            raise Wrong("the memory of the server's processes cannot be read")
        value = (after.pss_kb - before.pss_kb) / count
        row = measured("idle-memory", meter, value=value, unit=Unit.KB, count=count)
        for connection, tag in zip(connections, tags, strict=True):
            end_idle(connection, tag)
    return (row,)
