"""mailkeep beside Debian's Dovecot on this machine, in turn, workload by workload; needs root, for Dovecot.

Dovecot runs in two profiles, and each row compares with the better one.  Its default answers STORE before anything is
on disk, so the row of STORE on one connection compares with mail_fsync=always; the other is shown as well.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.arguments import parser, stage, write_json
from bench.goals import GOALS
from bench.machine import machine
from bench.servers import NotHere, Profile, Server, dovecot, dovecot_version, mailkeep, working_directory
from mailkeep.bench.corpus import Corpus
from mailkeep.bench.result import Failure, Row, median_of, plain
from mailkeep.bench.run import attempt, named
from mailkeep.bench.stage import Workload
from mailkeep.bench.table import WIDTH, figure, number, title

OVER_TLS_TOO: Final = ("noop", "idle-memory")
DURABLE: Final = ("store",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """One workload, in the clear or over TLS, and who takes part."""

    workload: Workload
    tls: bool
    suffix: str
    ours: Server
    peers: tuple[Server, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One row of both sides.  `ratio` above 1: mailkeep is better; likewise `cpu_ratio` by CPU per operation."""

    name: str
    ours: Row
    peer: Row
    peer_name: str
    ratio: float
    cpu_ratio: float | None


def main() -> int:
    """Exit status 1: some answer was wrong; 2: no Dovecot here."""
    options = parser(__doc__, rounds=3).parse_args()
    console = Console(width=WIDTH)
    corpus = Corpus(options.messages)
    started_at = int(time.time())
    compared: list[Compared] = []
    failures: list[Failure] = []
    rows: dict[str, list[Row]] = {}
    try:
        with contextlib.ExitStack() as stack:
            directory = stack.enter_context(working_directory(options.directory))
            about = {**machine(directory), "dovecot": dovecot_version() or ""}
            contests = _contests(stack, directory, named(tuple(filter(None, options.workloads.split(",")))))
            with console.status("") as status:
                for contest in contests:
                    name = contest.workload.name + contest.suffix
                    status.update(title(name))
                    outcome = _run(contest, corpus, options)
                    if isinstance(outcome, Failure):
                        failures.append(outcome)
                        console.print(f"{outcome.name}: wrong: {outcome.why}", markup=False)
                        continue
                    for server, got in outcome.items():
                        rows.setdefault(server, []).extend(got)
                    compared += compare(contest, outcome)
    except NotHere as error:
        console.print(f"bench-peer: {error}", markup=False)
        return 2
    console.print(drawn(compared))
    path = write_json(
        options.json,
        "peer",
        started_at,
        {
            "machine": about,
            "messages": options.messages,
            "seconds": options.seconds,
            "rounds": options.rounds,
            "idle": options.idle,
            "compared": [plain(one) for one in compared],
            "rows": {server: [plain(row) for row in got] for server, got in rows.items()},
            "failures": [plain(one) for one in failures],
        },
    )
    console.print(f"written to {path}", markup=False)
    return 1 if failures else 0


def _contests(stack: contextlib.ExitStack, directory: Path, workloads: tuple[Workload, ...]) -> Iterator[Contest]:
    ours = stack.enter_context(mailkeep(directory / "mailkeep"))
    peers = tuple(stack.enter_context(dovecot(directory / profile, profile)) for profile in Profile)
    for workload in workloads:
        yield Contest(workload=workload, tls=False, suffix="", ours=ours, peers=peers)
        if workload.name in OVER_TLS_TOO:
            yield Contest(workload=workload, tls=True, suffix="-tls", ours=ours, peers=peers)
        if workload.name in DURABLE:
            with dovecot(directory / "durable", Profile.HIGHPERF, "always") as durable:
                yield Contest(workload=workload, tls=False, suffix="-durable", ours=ours, peers=(durable,))


def _run(contest: Contest, corpus: Corpus, options: argparse.Namespace) -> dict[str, tuple[Row, ...]] | Failure:
    """Rows of each server: A B C A B C …, medians of all rounds."""
    rows: dict[str, list[Row]] = {}
    for _ in range(options.rounds):
        for server in (contest.ours, *contest.peers):
            target = server.tls if contest.tls else server.clear
            outcome = attempt(contest.workload, stage(target, corpus, options))
            if isinstance(outcome, Failure):
                return Failure(contest.workload.name + contest.suffix, f"{server.name}: {outcome.why}")
            rows.setdefault(server.name, []).extend(outcome)
    return {name: _suffixed(median_of(got), contest.suffix) for name, got in rows.items()}


def _suffixed(rows: tuple[Row, ...], suffix: str) -> tuple[Row, ...]:
    return tuple(dataclasses.replace(row, name=row.name + suffix) for row in rows)


def compare(contest: Contest, rows: dict[str, tuple[Row, ...]]) -> list[Compared]:
    """Ours with the better of the peers, for each figure of a workload."""
    compared = []
    for at, ours in enumerate(rows[contest.ours.name]):
        peers = [(server.name, rows[server.name][at]) for server in contest.peers]
        best = max(peers, key=lambda peer: ratio(peer[1].value, ours.value, more=ours.unit.more_is_better))
        name, peer = best
        cpu = ratio(ours.server_us, peer.server_us, more=False) if ours.server_us and peer.server_us else None
        by = ratio(ours.value, peer.value, more=ours.unit.more_is_better)
        compared.append(Compared(ours.name, ours, peer, name, by, cpu))
    return compared


def ratio(ours: float, theirs: float, *, more: bool) -> float:
    """How many times better `ours` is."""
    return (ours / max(theirs, 1e-9)) if more else (theirs / max(ours, 1e-9))


def drawn(compared: list[Compared]) -> Table:
    """The table of ratios."""
    made = Table()
    made.add_column("workload", no_wrap=True)
    for name in ("mailkeep", "dovecot", "ratio", "CPU ratio", "µs/op", "µs/op", "peak MB", "peak MB", "floor", "aim"):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("notes")
    for one in compared:
        made.add_row(*cells(one))
    return made


def cells(one: Compared) -> tuple[str, ...]:
    """A row as text."""
    goal = GOALS.get(one.name)
    ours, peer = one.ours, one.peer
    return (
        title(one.name),
        figure(ours.value, ours.unit),
        figure(peer.value, peer.unit),
        number(one.ratio),
        number(one.cpu_ratio),
        number(ours.server_us),
        number(peer.server_us),
        number(ours.peak_kb / 1024 if ours.peak_kb else None),
        number(peer.peak_kb / 1024 if peer.peak_kb else None),
        goal.floor if goal else "",
        goal.aim if goal else "",
        notes(one),
    )


def notes(one: Compared) -> str:
    """Which peer, and what makes the ratio doubtful."""
    told = [one.peer_name.removeprefix("dovecot ")]
    told += [f"client {row.client_cpu:.0%}" for row in (one.ours, one.peer) if (row.client_cpu or 0) > 0.85][:1]
    if max(one.ours.spread, one.peer.spread) > 0.2:
        told.append(f"spread {one.ours.spread:.0%}/{one.peer.spread:.0%}")
    return "; ".join(told)


if __name__ == "__main__":
    sys.exit(main())
