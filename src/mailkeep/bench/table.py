"""Rows as people read them."""

from __future__ import annotations

from typing import Final

from rich.table import Table

from mailkeep.bench.result import Report, Row, Unit
from mailkeep.bench.workloads import TITLES

WIDTH: Final = 132  # columns; a narrower terminal wraps


def table(report: Report) -> Table:
    """All rows of a report."""
    drawn = Table()
    drawn.add_column("workload", no_wrap=True)
    for name in ("figure", "p50 ms", "p99 ms", "client CPU", "server µs/op", "peak MB", "spread"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for row in report.rows:
        drawn.add_row(title(row.name), *cells(row))
    return drawn


def title(name: str) -> str:
    """What people call a row; a suffix says how it was run."""
    for suffix, words in (("-tls", ", TLS"), ("-durable", ", durable"), ("-read", ", until readable")):
        if name.endswith(suffix):
            return title(name.removesuffix(suffix)) + words
    return TITLES.get(name, name)


def cells(row: Row) -> tuple[str, ...]:
    """Everything of a row but its name."""
    return (
        figure(row.value, row.unit),
        number(row.p50_ms),
        number(row.p99_ms),
        share(row.client_cpu),
        number(row.server_us),
        number(row.peak_kb / 1024 if row.peak_kb is not None else None),
        f"{row.spread:.0%}" if row.rounds > 1 else "",
    )


def figure(value: float, unit: Unit) -> str:
    """A value with its unit."""
    return f"{number(value)}{unit}" if unit is Unit.PER_S else f"{number(value)} {unit}"


def number(value: float | None) -> str:
    """Three digits that count; nothing for None."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def share(value: float | None) -> str:
    """Of one core; marked where the client, not the server, was the limit."""
    return "" if value is None else f"{value:.0%}{' !' if value > 0.85 else ''}"
