"""IDLE: how soon after the OK for a new message each of a hundred watchers is told EXISTS."""

from __future__ import annotations

import re
import select as system
from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter, sleep
from typing import Final

from mailkeep.bench import mail
from mailkeep.bench.answer import exists, messages_in_status, must_equal
from mailkeep.bench.connection import CONTINUE, Connection, Wrong
from mailkeep.bench.lmtp import deliver, open_lmtp
from mailkeep.bench.meter import Meter
from mailkeep.bench.result import Row, Unit, measured, percentile
from mailkeep.bench.stage import Stage, remove, renew

WATCHERS: Final = 100
LEAST: Final = 5  # messages
# Dovecot misses changes that come sooner after IDLE or after one another, and tells them half a minute later.
SETTLE_S: Final = 1.2
PAUSE_S: Final = 0.7
MAILBOX: Final = "BenchIdle"


def idle_append(stage: Stage) -> tuple[Row, ...]:
    """Milliseconds from the OK of APPEND, p99."""
    with stage.connect() as writer:
        renew(writer, MAILBOX)
        row = _run(stage, "idle", MAILBOX, 0, lambda message: writer.append(MAILBOX, message))
        remove(writer, MAILBOX)
    return (row,)


def idle_lmtp(stage: Stage) -> tuple[Row, ...]:
    """Milliseconds from the reply to a delivery by LMTP, p99."""
    with stage.connect() as reader, open_lmtp(stage.target) as lmtp:
        before = messages_in_status(reader.command(b"STATUS INBOX (MESSAGES)"))
        recipient = stage.target.name(1)
        row = _run(stage, "idle-lmtp", "INBOX", before, lambda message: deliver(lmtp, recipient, message))
        after = exists(reader.command(b"SELECT INBOX"))
        reader.command(b"STORE %d:%d +FLAGS.SILENT (\\Deleted)" % (before + 1, after))
        reader.command(b"CLOSE")
    return (row,)


def _run(stage: Stage, name: str, mailbox: str, before: int, put: Callable[[bytes], object]) -> Row:
    message = mail.exactly(1, 2048)
    latencies: list[float] = []
    with ExitStack() as stack:
        watchers = [stack.enter_context(stage.connect()) for _ in range(WATCHERS)]
        tags = [start_idle(watcher, mailbox) for watcher in watchers]
        meter = Meter(stage.target.pid)
        sleep(SETTLE_S)
        begun = perf_counter()
        told = 0
        while told < LEAST or perf_counter() - begun < stage.seconds:
            sleep(PAUSE_S)
            told += 1
            with meter:
                put(message)
                latencies += _hear(watchers, before + told, perf_counter(), stage.target.patience_s)
        for watcher, tag in zip(watchers, tags, strict=True):
            end_idle(watcher, tag)
        must_equal(len(latencies), told * WATCHERS, "watchers told")
    # the value is p99: whoever waits for mail notices the slowest
    value = percentile(latencies, 99) * 1e3
    return measured(name, meter, value=value, unit=Unit.MS, count=len(latencies), latencies_s=latencies)


def start_idle(connection: Connection, mailbox: str) -> bytes:
    """SELECT and IDLE; the tag of IDLE."""
    connection.command(b'SELECT "%s"' % mailbox.encode("ascii"))
    tag = connection.tag()
    answer = connection.ask(tag + b" IDLE\r\n", (CONTINUE, tag + b" "))
    if answer.startswith(tag):
        raise Wrong(f"IDLE was answered {answer[:200]!r}")
    return tag


def end_idle(connection: Connection, tag: bytes) -> None:
    """DONE, and its OK."""
    answer = connection.ask(b"DONE\r\n", tag + b" ")
    if b"OK" not in answer[answer.rfind(tag) :]:
        raise Wrong(f"DONE was answered {answer[-200:]!r}")


def _hear(watchers: list[Connection], count: int, since: float, patience_s: float) -> list[float]:
    """Seconds from `since` until each has been told that there are `count` messages."""
    told = re.compile(rb"(?:\A|\n)\* %d EXISTS\r\n" % count)
    latencies: list[float] = []
    waiting = {watcher.fileno(): watcher for watcher in watchers}
    heard: dict[int, bytes] = dict.fromkeys(waiting, b"")
    with system.epoll() as poll:
        for number in waiting:
            poll.register(number, system.EPOLLIN)
        while waiting:
            events = poll.poll(patience_s)
            if not events:
                raise Wrong(f"{len(waiting)} of {len(watchers)} watchers were told nothing within {patience_s:g} s")
            for number, _ in events:
                heard[number] += waiting[number].read()
                if told.search(heard[number]):
                    latencies.append(perf_counter() - since)
                    poll.unregister(number)
                    del waiting[number]
    return latencies
