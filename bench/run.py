"""All workloads against a fresh mailkeep: prints the table, and writes it as JSON."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
import time
from functools import partial
from pathlib import Path

from rich.console import Console

from bench.arguments import parser, stage, workloads, write_json
from bench.machine import machine
from bench.servers import Server, mailkeep, working_directory
from bench.variants import Variant, variants
from mailkeep.bench.corpus import Corpus
from mailkeep.bench.result import Failure, Report, Row, median_of, plain
from mailkeep.bench.run import attempt
from mailkeep.bench.table import WIDTH, table, title


def main() -> int:
    """Exit status 1: some answer was wrong."""
    options = parser(__doc__, rounds=1).parse_args()
    console = Console(width=WIDTH)
    corpus = Corpus(options.messages)
    started_at = int(time.time())
    rows: list[Row] = []
    failures: list[Failure] = []
    with working_directory(options.directory) as directory, contextlib.ExitStack() as stack:
        about = machine(directory)
        server = stack.enter_context(mailkeep(directory / "mailkeep"))
        status = stack.enter_context(console.status(""))
        for variant in variants(workloads(options), durable=False):
            status.update(title(variant.name))
            outcome = _run(variant, server, directory, corpus, options)
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                rows += outcome
    console.print(table(Report(tuple(rows), tuple(failures), ())))
    for one in failures:
        console.print(f"{one.name}: wrong: {one.why}", markup=False)
    path = write_json(
        options.json,
        "bench",
        started_at,
        {
            "machine": about,
            "messages": options.messages,
            "seconds": options.seconds,
            "rounds": options.rounds,
            "rows": plain(tuple(rows)),
            "failures": plain(tuple(failures)),
        },
    )
    console.print(f"written to {path}", markup=False)
    return 1 if failures else 0


def _run(
    variant: Variant, server: Server, directory: Path, corpus: Corpus, options: argparse.Namespace
) -> tuple[Row, ...] | Failure:
    """Medians of all rounds."""
    again = partial(mailkeep, directory / variant.name)
    if variant.restarted:
        with again() as first:
            variant.prepare(stage(first.clear, corpus, options))
    rows: list[Row] = []
    for _ in range(options.rounds):
        with again() if variant.restarted else contextlib.nullcontext(server) as used:
            outcome = attempt(variant.workload, stage(used.tls if variant.tls else used.clear, corpus, options))
        if isinstance(outcome, Failure):
            return Failure(variant.name, outcome.why)
        rows += (dataclasses.replace(row, name=row.name + variant.suffix) for row in outcome)
    return median_of(rows)


if __name__ == "__main__":
    sys.exit(main())
