"""What mail programs do all day, all at once: a mix of commands on many connections, one outstanding on each.

The second workload has deliveries besides and people who think between commands, runs as long as it is told, and looks
whether memory grows.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from time import perf_counter
from typing import Final

from mailkeep.bench import mail
from mailkeep.bench.answer import exists, fetched, messages_in_status, must_equal, uids_found
from mailkeep.bench.connection import CONTINUE, Ask, Connection, Script, Wrong, drive, must_be_ok
from mailkeep.bench.corpus import Corpus
from mailkeep.bench.lmtp import delivery, open_lmtp
from mailkeep.bench.meter import Meter
from mailkeep.bench.result import Row, Unit, measured, rate
from mailkeep.bench.stage import Stage, all_uids, fill, holds, remove, renew, select
from mailkeep.bench.workloads.bodies import verify_bodies
from mailkeep.bench.workloads.listing import FIELDS

CONNECTIONS: Final = 20
SOAK_CONNECTIONS: Final = 50
SOAK_DELIVERERS: Final = 2
THINK_S: Final = 0.05  # on average; with so many connections about a thousand commands a second
WARM_UP: Final = 0.25  # of the time, before memory is looked at first
MESSAGES: Final = 300  # in the mailbox of each, which is its own
MAILBOX: Final = "BenchMixed"
IN: Final = "BenchMixedIn"
SEED: Final = 7

Latencies = dict[str, list[float]]
Step = Callable[["Worker", random.Random], Script]


@dataclasses.dataclass(frozen=True, slots=True)
class Worker:
    """One connection with its mailbox selected; `mine` is the corpus in it, `small` what it appends."""

    connection: Connection
    mailbox: str
    uids: tuple[int, ...]
    mine: Corpus
    small: tuple[bytes, ...]


def mixed(stage: Stage) -> tuple[Row, ...]:
    """Commands per second with twenty connections, and p99 of the NOOPs among them."""
    with ExitStack() as stack:
        workers = _workers(stage, stack, CONNECTIONS)
        meter = Meter(stage.target.pid)
        latencies: Latencies = {name: [] for name in MIX}
        _work(stage, workers, stage.seconds, meter, latencies)
        rows = (
            rate("mixed", meter, list(itertools.chain(*latencies.values()))),
            _p99("mixed-noop", meter, latencies["noop"]),
        )
        _clear(workers)
    return rows


def soak(stage: Stage) -> tuple[Row, ...]:
    """Fifty connections that do not saturate the server, and deliveries: p99 of NOOP, and by how much memory grew."""
    with ExitStack() as stack:
        workers = _workers(stage, stack, SOAK_CONNECTIONS)
        lmtp = [stack.enter_context(open_lmtp(stage.target)) for _ in range(SOAK_DELIVERERS)]
        latencies: Latencies = {name: [] for name in MIX}
        meter = Meter(stage.target.pid)
        _work(stage, workers, stage.seconds * WARM_UP, Meter(None), latencies, lmtp, THINK_S)
        before = meter.memory()
        latencies = {name: [] for name in MIX}
        _work(stage, workers, stage.seconds * (1 - WARM_UP), meter, latencies, lmtp, THINK_S)
        after = meter.memory()
        count = sum(map(len, latencies.values()))
        rows = [
            rate("soak", meter, list(itertools.chain(*latencies.values()))),
            _p99("soak-noop", meter, latencies["noop"]),
        ]
        if before is not None and after is not None:
            growth = float(after.pss_kb - before.pss_kb)
            rows.append(measured("soak-growth", meter, value=growth, unit=Unit.KB, count=count))
        _clear(workers)
    return tuple(rows)


def _p99(name: str, meter: Meter, latencies_s: list[float]) -> Row:
    row = measured(name, meter, value=0, unit=Unit.MS, count=len(latencies_s), latencies_s=latencies_s)
    if row.p99_ms is None:
        raise Wrong("not one NOOP: the time was too short")
    return dataclasses.replace(row, value=row.p99_ms, server_us=None)


def _workers(stage: Stage, stack: ExitStack, count: int) -> list[Worker]:
    corpus = Corpus(min(MESSAGES, stage.corpus.count))
    filled = False
    small = tuple(mail.exactly(number, 2500) for number in range(1, 21))
    workers = []
    for number in range(1, count + 1):
        connection = stack.enter_context(stage.connect(number))
        mailbox = f"{MAILBOX}{(number - 1) // stage.target.users}"
        if not holds(connection, mailbox, corpus.count):
            renew(connection, mailbox)
            fill(connection, mailbox, corpus)
            filled = True
        if number <= stage.target.users:
            renew(connection, IN)
        select(connection, mailbox, corpus.count)
        workers.append(Worker(connection, mailbox, all_uids(connection), corpus, small))
    if filled:
        stage.settle()
    return workers


def _work(
    stage: Stage,
    workers: list[Worker],
    seconds: float,
    meter: Meter,
    latencies: Latencies,
    lmtp: Sequence[Connection] = (),
    think_s: float = 0.0,
) -> None:
    with meter:
        until = perf_counter() + seconds
        pairs = [(worker.connection, _script(worker, k, until, latencies, think_s)) for k, worker in enumerate(workers)]
        pairs += [(one, _deliveries(stage, k, until, think_s)) for k, one in enumerate(lmtp)]
        drive(pairs, stage.target.patience_s)


def _clear(workers: list[Worker]) -> None:
    for worker in workers:
        remove(worker.connection, IN)


def _script(worker: Worker, number: int, until: float, latencies: Latencies, think_s: float) -> Script:
    r = random.Random(SEED + number)  # noqa: S311  no secret
    names, weights = tuple(MIX), tuple(weight for weight, _ in MIX.values())
    for name in itertools.chain.from_iterable(r.choices(names, weights, k=100) for _ in itertools.count()):
        if think_s:
            yield r.expovariate(1 / think_s)
        start = perf_counter()
        if start >= until:
            return
        yield from MIX[name][1](worker, r)
        latencies[name].append(perf_counter() - start)


def _deliveries(stage: Stage, number: int, until: float, think_s: float) -> Script:
    message = mail.exactly(number + 1, 4096)
    user = number
    while perf_counter() < until:
        user += 1
        yield think_s
        yield from delivery(stage.target.name(user), message)


def _command(worker: Worker, line: bytes) -> Generator[Ask, bytes, bytes]:
    """Run it and keep the answer in hand: ``answer = yield from _command(…)``."""
    tag = worker.connection.tag()
    answer = yield tag + b" " + line + b"\r\n", tag + b" "
    must_be_ok(answer, tag, line)
    return answer


def _noop(worker: Worker, _: random.Random) -> Script:
    yield from _command(worker, b"NOOP")


def _flags(worker: Worker, _: random.Random) -> Script:
    last = worker.uids[-50:]
    answer = yield from _command(worker, b"UID FETCH %d:%d (UID FLAGS)" % (last[0], last[-1]))
    must_equal(tuple(row.uid for row in fetched(answer)), last, "UIDs of the flags")


def _headers(worker: Worker, r: random.Random) -> Script:
    first = r.randrange(max(1, len(worker.uids) - 20))
    some = worker.uids[first : first + 20]
    line = b"UID FETCH %d:%d (UID FLAGS INTERNALDATE RFC822.SIZE %s)" % (some[0], some[-1], FIELDS)
    answer = yield from _command(worker, line)
    must_equal(tuple(row.uid for row in fetched(answer)), some, "UIDs of the header fields")


def _body(worker: Worker, r: random.Random) -> Script:
    number = r.randrange(1, len(worker.uids) + 1)
    answer = yield from _command(worker, b"UID FETCH %d (UID BODY.PEEK[])" % worker.uids[number - 1])
    verify_bodies(worker.mine, worker.uids, range(number, number + 1), answer)


def _store(worker: Worker, r: random.Random) -> Script:
    sign = b"+" if r.random() < 0.5 else b"-"
    yield from _command(worker, b"UID STORE %d %sFLAGS.SILENT (\\Seen)" % (r.choice(worker.uids), sign))


def _search(worker: Worker, r: random.Random) -> Script:
    if r.random() < 0.7:
        uids_found((yield from _command(worker, b"UID SEARCH UNSEEN")))
        return
    answer = yield from _command(worker, f'UID SEARCH FROM "{mail.SENDER}"'.encode("ascii"))
    wanted = tuple(worker.uids[number - 1] for number in worker.mine.from_sender)
    must_equal(uids_found(answer), wanted, "found by FROM")


def _status(worker: Worker, _: random.Random) -> Script:
    messages_in_status((yield from _command(worker, b"STATUS INBOX (MESSAGES UNSEEN UIDNEXT)")))


def _append(worker: Worker, r: random.Random) -> Script:
    connection, message = worker.connection, r.choice(worker.small)
    tag = connection.tag()
    if b"LITERAL+" in connection.capabilities:
        line = b"%s APPEND %s () {%d+}\r\n%s\r\n" % (tag, IN.encode("ascii"), len(message), message)
        answer = yield line, tag + b" "
    else:
        answer = yield b"%s APPEND %s () {%d}\r\n" % (tag, IN.encode("ascii"), len(message)), (CONTINUE, tag + b" ")
        if answer.startswith(CONTINUE):
            answer = yield message + b"\r\n", tag + b" "
    must_be_ok(answer, tag, b"APPEND")


def _select(worker: Worker, _: random.Random) -> Script:
    answer = yield from _command(worker, b"SELECT " + worker.mailbox.encode("ascii"))
    must_equal(exists(answer), len(worker.uids), f"messages in {worker.mailbox}")


MIX: Final[dict[str, tuple[int, Step]]] = {
    "noop": (15, _noop),
    "flags": (12, _flags),
    "headers": (10, _headers),
    "body": (28, _body),
    "store": (14, _store),
    "search": (4, _search),
    "status": (9, _status),
    "append": (5, _append),
    "select": (3, _select),
}
