"""Two sides of one row, and how it is shown; also read back from JSON, for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from rich import box
from rich.table import Table

from bench.goals import GOALS
from mailkeep.bench.result import Row, Unit
from mailkeep.bench.table import figure, number, title

NOISY: Final = 0.25  # a spread of rounds that makes a ratio doubtful
CLIENT_BOUND: Final = 0.85
LEAST: Final = {Unit.PER_S: 1e-9, Unit.MS: 1e-3, Unit.KB: 0.5}  # what cannot be told from nothing

HEADINGS: Final = ("workload", "mailkeep", "Dovecot", "ratio", "CPU ratio", "µs/op", "peak MB", "floor, aim", "notes")


@dataclass(frozen=True, slots=True)
class Compared:
    """One row of both sides.  `ratio` above 1: mailkeep is better; likewise `cpu_ratio` by CPU per operation."""

    name: str
    ours: Row
    peer: Row
    peer_name: str
    ratio: float
    cpu_ratio: float | None


def compare(ours: Sequence[Row], peers: Mapping[str, Sequence[Row]]) -> list[Compared]:
    """Each figure of a workload beside the better of the peers."""
    return [_beside_the_best(row, {name: rows[at] for name, rows in peers.items()}) for at, row in enumerate(ours)]


def _beside_the_best(ours: Row, peers: Mapping[str, Row]) -> Compared:
    name = min(peers, key=lambda name: ratio(ours, peers[name]))
    peer = peers[name]
    cpu = peer.server_us / ours.server_us if ours.server_us and peer.server_us else None
    return Compared(ours.name, ours, peer, name, ratio(ours, peer), cpu)


def ratio(ours: Row, peer: Row) -> float:
    """How many times better `ours` is."""
    mine, theirs = (max(row.value, LEAST[row.unit]) for row in (ours, peer))
    return mine / theirs if ours.unit.more_is_better else theirs / mine


def table(compared: Sequence[Compared]) -> Table:
    """For a terminal."""
    made = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for heading in HEADINGS:
        made.add_column(heading, no_wrap=True, justify="left" if heading in {"workload", "notes"} else "right")
    for one in compared:
        made.add_row(*cells(one))
    return made


def cells(one: Compared) -> tuple[str, ...]:
    """A row as text, under `HEADINGS`."""
    goal = GOALS.get(one.name)
    return (
        title(one.name),
        figure(one.ours.value, one.ours.unit),
        figure(one.peer.value, one.peer.unit),
        number(one.ratio),
        number(one.cpu_ratio),
        _both(one.ours.server_us, one.peer.server_us),
        _both(_mb(one.ours), _mb(one.peer)),
        f"{goal.floor}, {goal.aim}" if goal else "",
        "; ".join(_notes(one)),
    )


def _both(ours: float | None, peer: float | None) -> str:
    return f"{number(ours)} / {number(peer)}" if ours is not None and peer is not None else ""


def _mb(row: Row) -> float | None:
    return row.peak_kb / 1024 if row.peak_kb is not None else None


def _notes(one: Compared) -> list[str]:
    """Which peer, and what makes the ratio doubtful."""
    notes = [one.peer_name.removeprefix("dovecot ")]
    busy = max(one.ours.client_cpu or 0, one.peer.client_cpu or 0)
    if busy > CLIENT_BOUND:
        notes.append(f"client {busy:.0%}")
    if max(one.ours.spread, one.peer.spread) > NOISY:
        notes.append(f"spread {one.ours.spread:.0%} / {one.peer.spread:.0%}")
    return notes


def read(rows: object) -> list[Compared]:
    """What `plain` made of them.  Raises: msgspec.ValidationError."""
    return msgspec.convert(rows, list[Compared], strict=False)
