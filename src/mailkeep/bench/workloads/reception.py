"""Mail comes in by LMTP or SMTP, one transaction outstanding on each connection, each to another user's INBOX."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from time import perf_counter, sleep
from typing import Final

from mailkeep.bench import mail
from mailkeep.bench.answer import fetched, messages_in_status, must_equal
from mailkeep.bench.connection import Ask, Connection, Script, Wrong, drive
from mailkeep.bench.lmtp import Protocol, open_reception, pipelined, stuffed
from mailkeep.bench.meter import Meter
from mailkeep.bench.result import Row, rate
from mailkeep.bench.stage import Stage

SIZES: Final = (("", 4096), ("-100k", 100_000))
CONNECTIONS: Final = (1, 8, 50)
DIFFERENT: Final = 50
LOOK_S: Final = 0.02


def lmtp(stage: Stage) -> tuple[Row, ...]:
    """Messages per second by LMTP."""
    return _all(stage, Protocol.LMTP)


def smtp(stage: Stage) -> tuple[Row, ...]:
    """Messages per second by SMTP: as they are answered, and until the last is in its mailbox ("…-read")."""
    return _all(stage, Protocol.SMTP)


def _all(stage: Stage, protocol: Protocol) -> tuple[Row, ...]:
    rows: list[Row] = []
    for suffix, octets in SIZES:
        for count in CONNECTIONS:
            answered, read = _run(stage, protocol, f"{protocol}{suffix}-{count}", octets, count)
            rows.append(answered)
            if protocol is Protocol.SMTP:
                rows.append(read)
    return (dataclasses.replace(rows[0], name=str(protocol)), *rows[1:])


def _run(stage: Stage, protocol: Protocol, name: str, octets: int, count: int) -> tuple[Row, Row]:
    """Rows of two rates: messages answered with 250, and messages that can be read."""
    messages = tuple(mail.exactly(number, octets) for number in range(1, DIFFERENT + 1))
    sent = tuple(stuffed(message) for message in messages)
    users = min(count, stage.target.users)
    latencies: list[list[float]] = [[] for _ in range(users)]  # of each user's messages
    with ExitStack() as stack:
        readers = [stack.enter_context(stage.connect(number)) for number in range(1, users + 1)]
        for reader in readers:
            _empty(reader)
        senders = [stack.enter_context(open_reception(stage.target, protocol)) for _ in range(count)]
        answered, read = Meter(stage.target.pid), Meter(stage.target.pid)
        with read:
            with answered:
                until = perf_counter() + stage.seconds
                scripts = [
                    (sender, _sending(stage.target.name(number + 1), sent, until, latencies[number % users]))
                    for number, sender in enumerate(senders)
                ]
                drive(scripts, stage.target.patience_s)
            for reader, taken in zip(readers, latencies, strict=True):
                _wait_for(reader, len(taken), stage.target.patience_s)
        read.settle(stage.quiet_s)
        answered.server_s = read.server_s  # what a server put off is work for these messages too
        all_latencies = [latency for taken in latencies for latency in taken]
        rows = rate(name, answered, all_latencies), rate(f"{name}-read", read, all_latencies)
        for reader, taken in zip(readers, latencies, strict=True):
            _verify(reader, len(taken), messages)
            _empty(reader)
    return rows


def _sending(recipient: str, messages: Sequence[bytes], until: float, latencies: list[float]) -> Script:
    """Send `messages` again and again."""
    start = perf_counter()
    number = 0
    while start < until:
        transaction: Generator[Ask, bytes, None] = pipelined(recipient, messages[number % len(messages)])
        yield from transaction
        number += 1
        now = perf_counter()
        latencies.append(now - start)
        start = now


def _wait_for(reader: Connection, count: int, patience_s: float) -> None:
    """Until INBOX has that many messages."""
    until = perf_counter() + patience_s
    while (found := _count(reader)) != count:
        if found > count or perf_counter() > until:
            raise Wrong(f"{found} messages are in the mailbox, {count} were answered with 250")
        sleep(LOOK_S)


def _count(reader: Connection) -> int:
    return messages_in_status(reader.command(b'STATUS "INBOX" (MESSAGES)'))


def _verify(reader: Connection, count: int, messages: Sequence[bytes]) -> None:
    """The first and the last message end with what was sent."""
    reader.command(b'EXAMINE "INBOX"')
    for number in {1, count} - {0}:
        rows = list(fetched(reader.command(b"FETCH %d (BODY.PEEK[])" % number)))
        must_equal([row.number for row in rows], [number], "the message fetched back")
        octets = rows[0].need(b"BODY[]")
        # Several queue runners may pass each other: any of the messages will do.
        if not any(octets.endswith(message) for message in messages):
            raise Wrong(f"message {number} is none of those that were sent")
    reader.command(b"CLOSE")


def _empty(reader: Connection) -> None:
    """Remove all mail of INBOX."""
    if _count(reader):
        reader.command(b'SELECT "INBOX"')
        reader.command(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
        reader.command(b"CLOSE")
