"""Listing a whole mailbox, warm: each time by a new connection, which has selected it before the clock starts."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Final

from mailkeep.bench import mail
from mailkeep.bench.answer import Fetched, fetched, must_equal
from mailkeep.bench.connection import Wrong
from mailkeep.bench.corpus import Corpus, checksum
from mailkeep.bench.meter import Meter
from mailkeep.bench.result import Row, Unit, measured
from mailkeep.bench.stage import Stage, all_uids, select

LEAST: Final = 3  # listings, however long they take

FULL: Final = b"UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"
FIELDS: Final = (
    b"BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups"
    b" In-Reply-To Content-Type Reply-To)]"
)
HEADERS: Final = b"UID FETCH 1:* (UID RFC822.SIZE FLAGS " + FIELDS + b")"  # as Thunderbird asks
FLAGS: Final = b"FETCH 1:* (FLAGS)"
UID_FLAGS: Final = b"UID FETCH 1:* (FLAGS)"

Check = Callable[[Corpus, int, Fetched], None]  # the corpus, a message's number, and its row


def full_list(stage: Stage) -> tuple[Row, ...]:
    """Messages per second of a list with everything a mail program shows."""
    return (_run(stage, "list", FULL, _check_full),)


def headers(stage: Stage) -> tuple[Row, ...]:
    """Messages per second of Thunderbird's header fields."""
    return (_run(stage, "headers", HEADERS, _check_headers),)


def flags(stage: Stage) -> tuple[Row, ...]:
    """Messages per second of flags."""
    return (_run(stage, "flags", FLAGS, _check_flags),)


def uid_flags(stage: Stage) -> tuple[Row, ...]:
    """Messages per second of UIDs and flags."""
    return (_run(stage, "uid-flags", UID_FLAGS, _check_flags),)


def _run(stage: Stage, name: str, line: bytes, check: Check) -> Row:
    mailbox = stage.large_mailbox()
    verified: set[int] = set()
    meter = Meter(stage.target.pid)
    times: list[float] = []
    listings = _listings(stage, mailbox, line, meter)
    for spent_s, uids, answer in listings:
        times.append(spent_s)
        if (known := checksum(answer.rpartition(b"\r\n")[0].rpartition(b"\r\n")[0])) not in verified:
            _verify(stage.corpus, uids, answer, check)
            verified.add(known)
    times = times[1:]  # the first one warms up
    count = stage.corpus.count
    return measured(
        name,
        meter,
        value=count / statistics.median(times),
        unit=Unit.PER_S,
        count=count * len(times),
        latencies_s=times,
    )


def _listings(stage: Stage, mailbox: str, line: bytes, meter: Meter) -> Iterator[tuple[float, tuple[int, ...], bytes]]:
    """Seconds, UIDs, answer; the first outside of `meter`."""
    idle_meter = Meter(None)
    number = 0
    while number <= LEAST or meter.wall_s < stage.seconds:
        with stage.connect() as connection:
            select(connection, mailbox, stage.corpus.count)
            uids = all_uids(connection)
            with meter if number else idle_meter:
                start = perf_counter()
                answer = connection.command(line)
                spent_s = perf_counter() - start
        yield spent_s, uids, answer
        number += 1


def _verify(corpus: Corpus, uids: tuple[int, ...], answer: bytes, check: Check) -> None:
    number = 0
    for number, row in enumerate(fetched(answer), 1):
        must_equal(row.number, number, "sequence number")
        if number > corpus.count:
            break
        if b"UID" in row.items:
            must_equal(row.uid, uids[number - 1], f"UID of message {number}")
        check(corpus, number, row)
    must_equal(number, corpus.count, "FETCH responses")


def _check_flags(_: Corpus, number: int, row: Fetched) -> None:
    """The flags a message was seeded with; \\Flagged is what other workloads set and clear."""
    found = {flag.decode("ascii") for flag in row.need(b"FLAGS")[1:-1].split()} - {"\\Recent", "\\Flagged"}
    must_equal(found, set(mail.flags(number)), f"flags of message {number}")


def _check_full(corpus: Corpus, number: int, row: Fetched) -> None:
    _check_flags(corpus, number, row)
    must_equal(int(row.need(b"RFC822.SIZE")), corpus.size(number), f"size of message {number}")
    date = row.need(b"INTERNALDATE").decode("ascii").strip()
    if date != mail.internaldate(number):  # else in another zone
        moment = dt.datetime.strptime(date, "%d-%b-%Y %H:%M:%S %z")
        wanted = dt.datetime.strptime(mail.internaldate(number), "%d-%b-%Y %H:%M:%S %z")
        must_equal(moment, wanted, f"INTERNALDATE of message {number}")
    if mail.message_id(number).encode("ascii") not in row.need(b"ENVELOPE"):
        raise Wrong(f"the ENVELOPE of message {number} lacks its Message-ID")
    if not row.need(b"BODYSTRUCTURE").startswith(b"("):
        raise Wrong(f"the BODYSTRUCTURE of message {number} is no list")


def _check_headers(corpus: Corpus, number: int, row: Fetched) -> None:
    _check_flags(corpus, number, row)
    must_equal(int(row.need(b"RFC822.SIZE")), corpus.size(number), f"size of message {number}")
    block = next((value for name, value in row.items.items() if name.startswith(b"BODY[HEADER.FIELDS")), b"")
    wanted = b"\r\nMessage-ID: " + mail.message_id(number).encode("ascii") + b"\r\n"
    if wanted not in b"\r\n" + block or not block.endswith(b"\r\n\r\n") or b"\r\nReceived:" in block:
        raise Wrong(f"the header fields of message {number} are {block[:200]!r}")
