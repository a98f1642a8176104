"""All workloads against a fresh mailkeep: prints the table, and writes it as JSON."""

from __future__ import annotations

import dataclasses
import sys
import time

from rich.console import Console

from bench.arguments import parser, stage, write_json
from bench.machine import machine
from bench.servers import mailkeep, working_directory
from mailkeep.bench.corpus import Corpus
from mailkeep.bench.result import Report, plain
from mailkeep.bench.run import named, run
from mailkeep.bench.table import WIDTH, table

OVER_TLS_TOO = ("noop", "idle-memory")


def main() -> int:
    """Exit status 1: some answer was wrong."""
    options = parser(__doc__, rounds=1).parse_args()
    console = Console(width=WIDTH)
    workloads = named(tuple(filter(None, options.workloads.split(","))))
    corpus = Corpus(options.messages)
    started_at = int(time.time())
    with working_directory(options.directory) as directory:
        about = machine(directory)
        with mailkeep(directory / "mailkeep") as server, console.status("") as status:
            clear = run(stage(server.clear, corpus, options), workloads, options.rounds, status.update)
            again = tuple(workload for workload in workloads if workload.name in OVER_TLS_TOO)
            tls = run(stage(server.tls, corpus, options), again, options.rounds, lambda t: status.update(f"{t}, TLS"))
    report = together(clear, tls)
    console.print(table(report))
    for one in report.failures:
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
            "rows": plain(report.rows),
            "failures": plain(report.failures),
        },
    )
    console.print(f"written to {path}", markup=False)
    return 1 if report.failures else 0


def together(clear: Report, tls: Report) -> Report:
    """One report; the rows over TLS say so."""
    return Report(
        (*clear.rows, *(dataclasses.replace(row, name=f"{row.name}-tls") for row in tls.rows)),
        (*clear.failures, *(dataclasses.replace(one, name=f"{one.name}-tls") for one in tls.failures)),
        (*clear.skipped, *tls.skipped),
    )


if __name__ == "__main__":
    sys.exit(main())
