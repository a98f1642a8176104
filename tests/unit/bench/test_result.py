import json
import os
import time

import pytest

from mailkeep.bench.connection import Wrong
from mailkeep.bench.corpus import Corpus
from mailkeep.bench.meter import Meter, cpu_s, memory, tree
from mailkeep.bench.result import Failure, Row, Unit, median_of, percentile, plain, rate
from mailkeep.bench.run import named, run
from mailkeep.bench.stage import Stage, Workload
from mailkeep.bench.table import figure, table, title
from mailkeep.bench.target import Target
from mailkeep.bench.workloads import TITLES, WORKLOADS

STAGE = Stage(target=Target(host="127.0.0.1", port=1), corpus=Corpus(0))


def row(value: float, name: str = "noop") -> Row:
    return Row(name=name, value=value, unit=Unit.PER_S, count=10, client_cpu=0.5)


def test_a_workload_that_is_wrong_once_has_no_row_and_the_next_one_runs() -> None:
    rounds = iter([(row(1),), Wrong("one answer too many")])

    def sometimes(_: Stage) -> tuple[Row, ...]:
        outcome = next(rounds)
        if isinstance(outcome, Wrong):
            raise outcome
        return outcome

    bad = Workload("bad", "bad", sometimes)
    good = Workload("good", "good", lambda _: (row(2, "good"),))
    report = run(STAGE, (bad, good), rounds=2)
    assert [one.name for one in report.rows] == ["good"]
    assert report.failures == (Failure("bad", "one answer too many"),)


def test_a_server_that_is_not_there_is_a_failure_of_each_workload() -> None:
    report = run(STAGE, named(("noop", "open")), rounds=1)
    assert not report.rows
    assert [one.name for one in report.failures] == ["noop", "open"]


def test_what_needs_more_than_there_is_does_not_run() -> None:
    report = run(STAGE, named(("idle-memory", "idle-lmtp")), rounds=1)
    assert report.skipped == (Failure("idle-memory", "needs --pid"), Failure("idle-lmtp", "needs --lmtp"))


def test_rounds_become_medians() -> None:
    (one,) = median_of([row(1), row(4), row(2)])
    assert (one.value, one.rounds, one.spread) == (2, 3, 1.5)
    assert one.p99_ms is None


def test_percentiles_are_values_that_occurred() -> None:
    assert [percentile(range(1, 101), p) for p in (0, 50, 99, 100)] == [1, 51, 100, 100]
    assert percentile([3.0], 99) == 3.0


def test_a_row_becomes_json() -> None:
    text = json.dumps(plain((row(1 / 3),)))
    assert json.loads(text) == [
        {
            "name": "noop", "value": 0.3333, "unit": "/s", "count": 10, "p50_ms": None, "p99_ms": None,
            "client_cpu": 0.5, "server_us": None, "peak_kb": None, "rounds": 1, "spread": 0.0,
        }
    ]  # fmt: skip


def test_a_rate_counts_latencies() -> None:
    meter = Meter(None)
    with meter:
        time.perf_counter()
    made = rate("noop", meter, [0.001, 0.002])
    assert (made.count, made.unit, made.server_us) == (2, Unit.PER_S, None)
    assert made.p99_ms == pytest.approx(2)


def test_names_are_unique_and_an_unknown_one_is_refused() -> None:
    assert len({workload.name for workload in WORKLOADS}) == len(WORKLOADS)
    assert all(workload.default for workload in named(()))
    with pytest.raises(KeyError):
        named(("noop", "nonsense"))


def test_a_title_says_how_it_was_run() -> None:
    assert title("noop-tls") == TITLES["noop"] + ", TLS"
    assert title("unknown") == "unknown"


def test_a_table_has_a_line_for_each_row() -> None:
    report = run(STAGE, (Workload("good", "good", lambda _: (row(2), row(3, "mixed-noop"))),), rounds=1)
    assert table(report).row_count == 2
    assert [figure(v, Unit.MS) for v in (1234.5, 12.34, 0.123)] == ["1,234 ms", "12.3 ms", "0.12 ms"]


def test_cost_of_a_process_is_seen_from_outside() -> None:
    pid = os.getpid()
    assert pid in tree(os.getppid())
    before = cpu_s((pid,))
    sum(range(300_000))
    assert before < cpu_s((pid,)) <= before + 10
    found = memory((pid,))
    assert found is not None
    assert 1_000 < found.pss_kb <= found.peak_kb


def test_a_process_that_has_ended_costs_nothing() -> None:
    assert memory((2**22,)) is None
    assert cpu_s((2**22,)) == 0
