"""UID SORT and UID THREAD of the whole large mailbox: asked again and again, and each time after one more message.

Of an order by size, date or sender all is known (not by arrival: Dovecot takes no internal date that is to come); of
the others it is known that nothing is left out or comes twice, and
that it is the same each time.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final

from mailkeep.bench import mail
from mailkeep.bench.answer import must_equal, responses
from mailkeep.bench.connection import Connection, Wrong
from mailkeep.bench.corpus import Corpus
from mailkeep.bench.meter import Meter
from mailkeep.bench.result import Row, Unit, measured
from mailkeep.bench.stage import Stage, all_uids, select

LEAST: Final = 3  # commands, however long they take
MOST: Final = 1000
PROGRAMS: Final = (  # the first one's row has the workload's own name
    ("sort", "SUBJECT"),
    ("sort-date", "DATE"),
    ("sort-arrival", "REVERSE ARRIVAL"),
    ("sort-size", "SIZE"),
    ("sort-from", "FROM"),
    ("sort-to", "TO"),
    ("sort-cc", "CC"),
    ("sort-display", "DISPLAYFROM"),
    ("sort-two", "SUBJECT REVERSE DATE"),
)
ALGORITHMS: Final = (
    ("thread", "REFERENCES"),
    ("thread-refs", "REFS"),
    ("thread-subject", "ORDEREDSUBJECT"),
)
_NUMBER: Final = re.compile(rb"[0-9]+")


def sort(stage: Stage) -> tuple[Row, ...]:
    """Milliseconds of a sort by each key; at the end by subject, after a message has come."""
    lines = [(name, b"UID SORT (%b) UTF-8 ALL" % program.encode("ascii")) for name, program in PROGRAMS]
    return _run(stage, lines, b"* SORT", "sort-new")


def thread(stage: Stage) -> tuple[Row, ...]:
    """Milliseconds of threading by each algorithm; at the end by references, after a message has come."""
    lines = [(name, b"UID THREAD %b UTF-8 ALL" % algorithm.encode("ascii")) for name, algorithm in ALGORITHMS]
    return _run(stage, lines, b"* THREAD", "thread-new")


def _run(stage: Stage, lines: Sequence[tuple[str, bytes]], kind: bytes, name_of_new: str) -> tuple[Row, ...]:
    mailbox = stage.large_mailbox()
    with stage.connect() as connection:
        select(connection, mailbox, stage.corpus.count)
        uids = all_uids(connection)
        rows = [
            _again(stage, connection, name, line, kind, _known_order(stage.corpus, name, uids)) for name, line in lines
        ]
        rows.append(_with_new(stage, connection, mailbox, name_of_new, lines[0][1]))
    return tuple(rows)


def _again(
    stage: Stage, connection: Connection, name: str, line: bytes, kind: bytes, wanted: tuple[int, ...] | None
) -> Row:
    first = _one(connection.command(line), kind)  # warms up
    found = tuple(map(int, _NUMBER.findall(first)))
    must_equal(sorted(found), list(all_uids(connection)), f"messages of {line.decode()}")
    if wanted is not None:
        must_equal(found, wanted, f"order of {line.decode()}")
    return _measure(
        stage, name, lambda: None, lambda: connection.command(line), lambda answer: _same(answer, first, kind)
    )


def _with_new(stage: Stage, connection: Connection, mailbox: str, name: str, line: bytes) -> Row:
    """Each time one message more than the time before; they are removed at the end."""
    many = stage.corpus.count
    added = checked = 0

    def append() -> None:
        nonlocal added
        added += 1
        connection.append(mailbox, mail.message(many + added), internaldate=mail.internaldate(many + added))
        connection.command(b"NOOP")

    def check(answer: bytes) -> None:
        nonlocal checked
        checked += 1
        must_equal(len(_NUMBER.findall(answer.partition(b"\r\n")[0])), many + checked, "messages, and the new ones")

    row = _measure(stage, name, append, lambda: connection.command(line), check)
    connection.command(b"STORE %d:* +FLAGS.SILENT (\\Deleted)" % (many + 1))
    connection.command(b"EXPUNGE")
    return row


def _measure(
    stage: Stage, name: str, before: Callable[[], None], ask: Callable[[], bytes], check: Callable[[bytes], None]
) -> Row:
    times: list[float] = []
    answers: list[bytes] = []
    meter = Meter(stage.target.pid)
    with meter:
        begun = perf_counter()
        while len(times) < LEAST or (perf_counter() - begun < stage.seconds / 2 and len(times) < MOST):
            before()
            start = perf_counter()
            answers.append(ask())
            times.append(perf_counter() - start)
    for answer in answers:
        check(answer)
    value = statistics.median(times) * 1e3
    return measured(name, meter, value=value, unit=Unit.MS, count=len(times), latencies_s=times)


def _one(answer: bytes, kind: bytes) -> bytes:
    for response in responses(answer):
        if response.startswith(kind):
            return response
    raise Wrong(f"there is no {kind.decode()}")


def _same(answer: bytes, first: bytes, kind: bytes) -> None:
    if _one(answer, kind) != first:
        raise Wrong("the order is another one than before")


def _known_order(corpus: Corpus, name: str, uids: Sequence[int]) -> tuple[int, ...] | None:
    """The UIDs in an order that is known beforehand."""
    numbers = range(1, corpus.count + 1)
    match name:
        case "sort-date":
            order: Sequence[int] = numbers
        case "sort-size":
            order = sorted(numbers, key=corpus.size)
        case "sort-from":
            order = sorted(numbers, key=lambda number: mail.local_part(*mail.sender(number)).upper())
        case _:
            return None
    return tuple(uids[number - 1] for number in order)
