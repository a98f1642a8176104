"""Connect, LOGIN, SELECT, LOGOUT: what clients do all day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import Final

from mailkeep.bench.answer import exists
from mailkeep.bench.connection import GREETING, Connection, Wrong, login_line
from mailkeep.bench.meter import Meter
from mailkeep.bench.result import Row, rate
from mailkeep.bench.stage import Stage

AT_ONCE: Final = 4


def login(stage: Stage) -> tuple[Row, ...]:
    """Cycles per second, one after the other."""
    return (_run(stage, "login", 1),)


def logins(stage: Stage) -> tuple[Row, ...]:
    """Cycles per second, four at once."""
    return (_run(stage, f"login-{AT_ONCE}", AT_ONCE),)


def _run(stage: Stage, name: str, at_once: int) -> Row:
    for number in range(1, stage.target.users + 1):  # so that a server that remembers passwords has seen each once
        _cycle(stage, number)
    meter = Meter(stage.target.pid)
    with ThreadPoolExecutor(at_once) as threads, meter:
        until = perf_counter() + stage.seconds
        done = list(threads.map(partial(_cycles, stage, until), range(at_once)))
    return rate(name, meter, [latency for one in done for latency in one])


def _cycles(stage: Stage, until: float, offset: int) -> list[float]:
    latencies: list[float] = []
    number = 1 + offset * 7
    start = perf_counter()
    while start < until:
        _cycle(stage, number)
        number += 1
        now = perf_counter()
        latencies.append(now - start)
        start = now
    return latencies


def _cycle(stage: Stage, number: int) -> None:
    with Connection(stage.target, stage.context) as connection:
        if not connection.wait(GREETING).startswith(b"* OK"):
            raise Wrong("no greeting")
        connection.command(login_line(stage.target, number))
        exists(connection.command(b"SELECT INBOX"))
        connection.command(b"LOGOUT")
