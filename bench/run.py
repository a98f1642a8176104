"""All workloads against a fresh mailkeep: prints the table, and writes it as JSON."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time

from rich.console import Console

from bench.arguments import parser, stage, workloads, write_json
from bench.machine import machine
from bench.servers import mailkeep, working_directory
from bench.variants import variants
from mailkeep.bench.corpus import Corpus
from mailkeep.bench.result import Failure, Report, Row, plain
from mailkeep.bench.run import run
from mailkeep.bench.table import WIDTH, table


def main() -> int:
    """Exit status 1: some answer was wrong."""
    options = parser(__doc__, rounds=1).parse_args()
    console = Console(width=WIDTH)
    chosen = workloads(options)
    corpus = Corpus(options.messages)
    started_at = int(time.time())
    rows: list[Row] = []
    failures: list[Failure] = []
    with working_directory(options.directory) as directory, contextlib.ExitStack() as stack:
        about = machine(directory)
        server = stack.enter_context(mailkeep(directory / "mailkeep"))
        status = stack.enter_context(console.status(""))
        for variant in variants(chosen, durable=False):
            with contextlib.ExitStack() as fresh:
                used = server
                if variant.restarted:
                    with mailkeep(directory / variant.name) as first:
                        stage(first.clear, corpus, options).large_mailbox()
                if variant.fresh or variant.restarted:
                    used = fresh.enter_context(mailkeep(directory / variant.name))
                target = used.tls if variant.tls else used.clear
                report = run(stage(target, corpus, options), (variant.workload,), options.rounds, status.update)
            rows += [dataclasses.replace(row, name=row.name + variant.suffix) for row in report.rows]
            failures += [dataclasses.replace(one, name=one.name + variant.suffix) for one in report.failures]
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


if __name__ == "__main__":
    sys.exit(main())
