"""Options that all benchmarks share."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Final

from mailkeep.bench.corpus import Corpus
from mailkeep.bench.run import named
from mailkeep.bench.stage import Stage, Workload
from mailkeep.bench.target import Target
from mailkeep.bench.workloads import WORKLOADS

RESULTS: Final = Path(__file__).parent / "results"


def parser(description: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """With the options that say how much is to be done."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--messages", type=int, default=20_000, help="in the large mailbox (default: 20000)")
    made.add_argument("--seconds", type=float, default=3.0, help="each workload runs (default: 3)")
    made.add_argument("--rounds", type=int, default=rounds, help=f"of each; medians count (default: {rounds})")
    made.add_argument("--idle", type=int, default=1000, help="connections to see what one costs (default: 1000)")
    made.add_argument("--workloads", default="", help="only these, separated by commas")
    made.add_argument("--directory", type=Path, help="where the servers keep their data meanwhile (default: /var/tmp)")
    made.add_argument("--json", type=Path, help="the file of results (default: a new one in bench/results)")
    return made


def workloads(options: argparse.Namespace) -> tuple[Workload, ...]:
    """Those that the options name, or the default ones.  Raises: SystemExit (there is none of that name)."""
    try:
        return named(tuple(filter(None, options.workloads.split(","))))
    except KeyError as error:
        known = ", ".join(workload.name for workload in WORKLOADS)
        raise SystemExit(f"--workloads: {error} is none of {known}") from error


def stage(target: Target, corpus: Corpus, options: argparse.Namespace) -> Stage:
    """The target as the options want it measured."""
    return Stage(
        target=target,
        corpus=corpus,
        seconds=options.seconds,
        idle_connections=options.idle,
        context=target.context(),
    )


def write_json(path: Path | None, kind: str, started_at: int, content: dict[str, object]) -> Path:
    """Write results to `path`, or to a new file of that kind."""
    if path is None:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{kind}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(started_at))}.json"
    path.write_text(json.dumps({"kind": kind, "started_at": started_at, **content}, indent=1) + "\n", "utf-8")
    return path
