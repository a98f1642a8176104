"""NOOP, one outstanding on each of eight connections."""

from __future__ import annotations

from time import perf_counter
from typing import Final

from mailkeep.bench.connection import Connection, Script, drive, must_be_ok
from mailkeep.bench.meter import Meter
from mailkeep.bench.result import Row, rate
from mailkeep.bench.stage import Stage

CONNECTIONS: Final = 8


def noop(stage: Stage) -> tuple[Row, ...]:
    """Commands per second of all connections together."""
    latencies: list[float] = []
    with stage.connected(CONNECTIONS) as connections:
        for connection in connections:
            connection.command(b"SELECT INBOX")
        meter = Meter(stage.target.pid)
        with meter:
            until = perf_counter() + stage.seconds
            drive([(one, _noops(one, until, latencies)) for one in connections], stage.target.patience_s)
        return (rate("noop", meter, latencies),)


def _noops(connection: Connection, until: float, latencies: list[float]) -> Script:
    start = perf_counter()
    while start < until:
        tag = connection.tag()
        must_be_ok((yield tag + b" NOOP\r\n", tag + b" "), tag, b"NOOP")
        now = perf_counter()
        latencies.append(now - start)
        start = now
