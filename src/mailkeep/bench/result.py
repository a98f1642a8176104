"""Figures: one row each, their medians over rounds, and the report as JSON."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailkeep.bench.connection import Wrong
from mailkeep.bench.meter import Memory, Meter


class Unit(StrEnum):
    """What a value counts."""

    PER_S = "/s"
    MS = "ms"
    KB = "kB"

    @property
    def more_is_better(self) -> bool:
        """Whether a larger value is the better one."""
        return self is Unit.PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure.

    Attributes: `count` is the number of operations behind it; `p50_ms`, `p99_ms` of one operation's latency;
    `client_cpu` the share of one core that this client used (near 1: it was the limit, not the server); `server_us`
    CPU of the server per operation; `peak_kb` the highest memory of the server's processes; `spread` of the rounds,
    (highest - lowest) / median.
    """

    name: str
    value: float
    unit: Unit
    count: int
    p50_ms: float | None = None
    p99_ms: float | None = None
    client_cpu: float | None = None
    server_us: float | None = None
    peak_kb: int | None = None
    rounds: int = 1
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A workload without a figure, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured, and what was not."""

    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    skipped: tuple[Failure, ...]


def measured(
    name: str, meter: Meter, *, value: float, unit: Unit, count: int, latencies_s: Sequence[float] = ()
) -> Row:
    """A row with the costs that `meter` has seen."""
    memory: Memory | None = meter.memory()
    return Row(
        name=name,
        value=value,
        unit=unit,
        count=count,
        p50_ms=percentile(latencies_s, 50) * 1e3 if latencies_s else None,
        p99_ms=percentile(latencies_s, 99) * 1e3 if latencies_s else None,
        client_cpu=meter.client_s / meter.wall_s if meter.wall_s else None,
        server_us=meter.server_s / count * 1e6 if meter.server_s is not None and count else None,
        peak_kb=memory.peak_kb if memory is not None else None,
    )


def rate(name: str, meter: Meter, latencies_s: Sequence[float]) -> Row:
    """Operations per second, one latency each.  Raises: Wrong (there was none)."""
    if not latencies_s:
        raise Wrong("nothing was done in that time")
    count = len(latencies_s)
    return measured(name, meter, value=count / meter.wall_s, unit=Unit.PER_S, count=count, latencies_s=latencies_s)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of a hundred lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def median_of(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows of several rounds → one of each name, every field its median; in order of first appearance."""
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    return tuple(_median(same) for same in by_name.values())


def _median(rows: Sequence[Row]) -> Row:
    values = [row.value for row in rows]
    middle = statistics.median(values)
    peak = _middle([row.peak_kb for row in rows])
    return Row(
        name=rows[0].name,
        value=middle,
        unit=rows[0].unit,
        count=int(statistics.median(row.count for row in rows)),
        p50_ms=_middle([row.p50_ms for row in rows]),
        p99_ms=_middle([row.p99_ms for row in rows]),
        client_cpu=_middle([row.client_cpu for row in rows]),
        server_us=_middle([row.server_us for row in rows]),
        peak_kb=int(peak) if peak is not None else None,
        rounds=len(rows),
        spread=(max(values) - min(values)) / middle if middle else 0.0,
    )


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def plain(value: object) -> object:
    """Values of this package → what JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value
