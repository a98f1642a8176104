"""mailkeep beside Debian's Dovecot on this machine, in turn, workload by workload; needs root, for Dovecot.

Dovecot runs in two profiles, and each row compares with the better one.  Its default answers STORE before anything is
on disk, so STORE on one connection is compared with mail_fsync=always besides.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bench.arguments import parser, stage, workloads, write_json
from bench.comparison import Compared, cells, compare, table
from bench.machine import machine
from bench.servers import NotHere, Profile, Server, dovecot, dovecot_version, starters, working_directory
from bench.variants import Variant, variants
from mailkeep.bench.corpus import Corpus
from mailkeep.bench.result import Failure, Row, median_of, plain
from mailkeep.bench.run import attempt
from mailkeep.bench.table import title

WIDTH = 160


def main() -> int:
    """Exit status 1: some answer was wrong; 2: no Dovecot here."""
    options = parser(__doc__, rounds=3).parse_args()
    console = Console(width=WIDTH)
    started_at = int(time.time())
    try:
        with working_directory(options.directory) as directory:
            about = {**machine(directory), "dovecot": dovecot_version() or ""}
            compared, rows, failures = _all(directory, options, console)
    except NotHere as error:
        console.print(f"bench-peer: {error}", markup=False)
        return 2
    console.print(table(compared))
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
            "compared": plain(tuple(compared)),
            "rows": {server: plain(tuple(got)) for server, got in rows.items()},
            "failures": plain(tuple(failures)),
        },
    )
    console.print(f"written to {path}", markup=False)
    return 1 if failures else 0


def _all(
    directory: Path, options: argparse.Namespace, console: Console
) -> tuple[list[Compared], dict[str, list[Row]], list[Failure]]:
    """Rows beside each other, all rows by server, and what went wrong."""
    compared: list[Compared] = []
    rows: dict[str, list[Row]] = {}
    failures: list[Failure] = []
    corpus = Corpus(options.messages)
    chosen = workloads(options)
    with contextlib.ExitStack() as stack:
        servers = stack.enter_context(_servers(directory))
        for variant in variants(chosen, durable=True):
            begun = time.monotonic()
            if variant.restarted:
                outcome = _run_restarted(variant, directory / variant.name, corpus, options)
            else:
                with _taking_part(variant, servers, directory) as taking_part:
                    outcome = _run(variant, taking_part, corpus, options)
            if isinstance(outcome, Failure):
                failures.append(outcome)
                console.print(f"{title(outcome.name)}: wrong: {outcome.why}", markup=False)
                continue
            for server, got in outcome.items():
                rows.setdefault(server, []).extend(got)
            ours = outcome.pop(servers[0].name)
            for one in compare(ours, outcome):
                compared.append(one)
                told = "  ".join(filter(None, cells(one)))
                console.print(f"{told}  ({time.monotonic() - begun:.0f} s)", markup=False)
    return compared, rows, failures


@contextlib.contextmanager
def _servers(directory: Path) -> Iterator[tuple[Server, ...]]:
    """mailkeep, and Dovecot in each profile."""
    with contextlib.ExitStack() as stack:
        yield tuple(stack.enter_context(start()) for start in starters(directory))


@contextlib.contextmanager
def _taking_part(variant: Variant, servers: tuple[Server, ...], directory: Path) -> Iterator[tuple[Server, ...]]:
    """Ours first."""
    with contextlib.ExitStack() as stack:
        if variant.durable:
            yield servers[0], stack.enter_context(dovecot(directory / "durable", Profile.HIGHPERF, "always"))
        elif variant.behind_postfix:
            both = dovecot(directory / "both", Profile.HIGHPERF, behind_postfix=True)
            yield servers[0], stack.enter_context(both)
        elif variant.one_session_each:
            yield tuple(server for server in servers if Profile.SHARED not in server.name)
        else:
            yield servers


def _run(
    variant: Variant, servers: tuple[Server, ...], corpus: Corpus, options: argparse.Namespace
) -> dict[str, tuple[Row, ...]] | Failure:
    """Rows of each server: A B C A B C …, medians of all rounds."""
    rows: dict[str, list[Row]] = {}
    for _ in range(options.rounds):
        for server in servers:
            failure = _add(rows, variant, server, corpus, options)
            if failure is not None:
                return failure
    return {name: median_of(got) for name, got in rows.items()}


def _run_restarted(
    variant: Variant, directory: Path, corpus: Corpus, options: argparse.Namespace
) -> dict[str, tuple[Row, ...]] | Failure:
    """The same, each server started anew before each round, on data that is there."""
    starts = starters(directory)
    for start in starts:
        with start() as server:
            variant.prepare(stage(server.clear, corpus, options))
    rows: dict[str, list[Row]] = {}
    for _ in range(options.rounds):
        for start in starts:
            with start() as server:
                failure = _add(rows, variant, server, corpus, options)
            if failure is not None:
                return failure
    return {name: median_of(got) for name, got in rows.items()}


def _add(
    rows: dict[str, list[Row]], variant: Variant, server: Server, corpus: Corpus, options: argparse.Namespace
) -> Failure | None:
    """Run it once and add to the server's rows what it gives."""
    outcome = attempt(variant.workload, stage(server.tls if variant.tls else server.clear, corpus, options))
    if isinstance(outcome, Failure):
        return Failure(variant.name, f"{server.name}: {outcome.why}")
    rows.setdefault(server.name, []).extend(dataclasses.replace(row, name=row.name + variant.suffix) for row in outcome)
    return None


if __name__ == "__main__":
    sys.exit(main())
