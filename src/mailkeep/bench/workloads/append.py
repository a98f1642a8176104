"""APPEND of 4 kB, one outstanding on each connection; each connection is another user's."""

from __future__ import annotations

from time import perf_counter
from typing import Final

from mailkeep.bench import mail
from mailkeep.bench.answer import fetched, messages_in_status, must_equal
from mailkeep.bench.connection import CONTINUE, Connection, Script, Wrong, drive, must_be_ok
from mailkeep.bench.meter import Meter
from mailkeep.bench.result import Row, rate
from mailkeep.bench.stage import Stage, remove, renew

OCTETS: Final = 4096
DIFFERENT: Final = 50
MAILBOX: Final = "BenchAppend"


def append(stage: Stage) -> tuple[Row, ...]:
    """Messages per second on one connection."""
    return (_run(stage, "append", 1),)


def appends(stage: Stage) -> tuple[Row, ...]:
    """Messages per second on eight connections."""
    return (_run(stage, "append-8", 8),)


def _run(stage: Stage, name: str, count: int) -> Row:
    messages = tuple(mail.exactly(number, OCTETS) for number in range(1, DIFFERENT + 1))
    latencies: list[float] = []
    with stage.connected(count) as connections:
        boxes = tuple(f"{MAILBOX}{k // stage.target.users}" for k in range(count))
        for connection, box in zip(connections, boxes, strict=True):
            renew(connection, box)
        meter = Meter(stage.target.pid)
        with meter:
            until = perf_counter() + stage.seconds
            scripts = [
                (connection, appending(connection, box, messages, until, latencies))
                for connection, box in zip(connections, boxes, strict=True)
            ]
            drive(scripts, stage.target.patience_s)
        meter.settle(stage.quiet_s)  # a message taken in may be indexed afterwards
        row = rate(name, meter, latencies)
        stored = sum(_verify(connection, box, messages) for connection, box in zip(connections, boxes, strict=True))
        must_equal(stored, len(latencies), "messages in the mailboxes")
        for connection, box in zip(connections, boxes, strict=True):
            remove(connection, box)
    return row


def appending(
    connection: Connection, mailbox: str, messages: tuple[bytes, ...], until: float, latencies: list[float]
) -> Script:
    """Append `messages` again and again."""
    plus = b"LITERAL+" in connection.capabilities
    name = mailbox.encode("ascii")
    number = 0
    start = perf_counter()
    while start < until:
        message = messages[number % len(messages)]
        number += 1
        tag = connection.tag()
        if plus:
            line = b'%s APPEND "%s" (\\Seen) {%d+}\r\n%s\r\n' % (tag, name, len(message), message)
            answer = yield line, tag + b" "
        else:
            answer = yield b'%s APPEND "%s" (\\Seen) {%d}\r\n' % (tag, name, len(message)), (CONTINUE, tag + b" ")
            if answer.startswith(CONTINUE):
                answer = yield message + b"\r\n", tag + b" "
        must_be_ok(answer, tag, b"APPEND")
        now = perf_counter()
        latencies.append(now - start)
        start = now


def _verify(connection: Connection, mailbox: str, messages: tuple[bytes, ...]) -> int:
    """How many are there; the first and the last must be what was sent."""
    count = messages_in_status(connection.command(b'STATUS "%s" (MESSAGES)' % mailbox.encode("ascii")))
    connection.command(b'EXAMINE "%s"' % mailbox.encode("ascii"))
    for number in {1, count}:
        rows = list(fetched(connection.command(b"FETCH %d (FLAGS BODY.PEEK[])" % number)))
        must_equal([row.number for row in rows], [number], "the message fetched back")
        if rows[0].need(b"BODY[]") != messages[(number - 1) % len(messages)]:
            raise Wrong(f"message {number} is not the one that was appended")
        if b"\\Seen" not in rows[0].need(b"FLAGS"):
            raise Wrong(f"message {number} lost its flag")
    connection.command(b"CLOSE")
    return count
