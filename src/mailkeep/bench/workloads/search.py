"""UID SEARCH in the large mailbox: by sender, and for a word that few bodies have; the answers are known.

A server without SEARCH=FUZZY is asked for the same word exactly: Dovecot has it only with an index of texts beside it.
"""

from __future__ import annotations

import statistics
from time import perf_counter
from typing import Final

from mailkeep.bench import mail
from mailkeep.bench.answer import must_equal, uids_found
from mailkeep.bench.meter import Meter
from mailkeep.bench.result import Row, Unit, measured
from mailkeep.bench.stage import Stage, all_uids, select

LEAST: Final = 3  # searches, however long they take
MOST: Final = 2000


def search_from(stage: Stage) -> tuple[Row, ...]:
    """Milliseconds of a search by sender."""
    key = f'FROM "{mail.SENDER.lower()}"'
    return (_run(stage, "search-from", key, stage.corpus.from_sender),)


def search_body(stage: Stage) -> tuple[Row, ...]:
    """Milliseconds of a search for a word in bodies."""
    return (_run(stage, "search-body", f'BODY "{mail.RARE_WORD}"', stage.corpus.with_rare_word),)


def search_fuzzy(stage: Stage) -> tuple[Row, ...]:
    """Milliseconds of a fuzzy search for a word anywhere, or of an exact one."""
    with stage.connect() as connection:
        fuzzy = "FUZZY " if b"SEARCH=FUZZY" in connection.capabilities else ""
    return (_run(stage, "search-fuzzy", f'{fuzzy}TEXT "{mail.RARE_WORD}"', stage.corpus.with_rare_word),)


def _run(stage: Stage, name: str, key: str, numbers: tuple[int, ...]) -> Row:
    mailbox = stage.large_mailbox()
    line = b"UID SEARCH " + key.encode("ascii")
    times: list[float] = []
    with stage.connect() as connection:
        select(connection, mailbox, stage.corpus.count)
        uids = all_uids(connection)
        wanted = tuple(uids[number - 1] for number in numbers)
        must_equal(uids_found(connection.command(line)), wanted, f"found by {key}")  # warms up
        meter = Meter(stage.target.pid)
        answers: list[bytes] = []
        with meter:
            start = begun = perf_counter()
            while len(times) < LEAST or (start - begun < stage.seconds and len(times) < MOST):
                answers.append(connection.command(line))
                now = perf_counter()
                times.append(now - start)
                start = now
        for answer in answers:
            must_equal(uids_found(answer), wanted, f"found by {key}")
    value = statistics.median(times) * 1e3
    return measured(name, meter, value=value, unit=Unit.MS, count=len(times), latencies_s=times)
