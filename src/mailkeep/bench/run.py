"""Running workloads: what is right becomes rows, what is wrong a failure, and the next one runs all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mailkeep.bench.connection import Wrong
from mailkeep.bench.meter import wait_until_quiet
from mailkeep.bench.result import Failure, Report, Row, median_of
from mailkeep.bench.stage import Stage, Workload
from mailkeep.bench.workloads import WORKLOADS


def named(names: Sequence[str]) -> tuple[Workload, ...]:
    """The workloads of these names, or the default ones.  Raises: KeyError (an unknown name)."""
    if not names:
        return tuple(workload for workload in WORKLOADS if workload.default)
    known = {workload.name: workload for workload in WORKLOADS}
    return tuple(known[name] for name in names)


def attempt(workload: Workload, stage: Stage) -> tuple[Row, ...] | Failure:
    """Run it once; what the server put off before is not of this workload."""
    try:
        if stage.target.pid is not None:
            wait_until_quiet(stage.target.pid)
        return workload.run(stage)
    except (Wrong, OSError) as error:
        return Failure(workload.name, str(error) or type(error).__name__)


def run(
    stage: Stage, workloads: Iterable[Workload], rounds: int, tell: Callable[[str], None] = lambda _: None
) -> Report:
    """Every workload `rounds` times; one that is wrong once has no figure.  `tell` hears what is being done."""
    rows: list[Row] = []
    failures: list[Failure] = []
    skipped: list[Failure] = []
    for workload in workloads:
        if (missing := workload.missing(stage.target)) is not None:
            skipped.append(Failure(workload.name, f"needs --{missing}"))
            continue
        got: list[Row] = []
        for number in range(1, rounds + 1):
            tell(workload.title if rounds == 1 else f"{workload.title} ({number} of {rounds})")
            outcome = attempt(workload, stage)
            if isinstance(outcome, Failure):
                failures.append(outcome)
                break
            got += outcome
        else:
            rows += median_of(got)
    return Report(tuple(rows), tuple(failures), tuple(skipped))
