"""Long work on numbers, cut into pieces: in a thread, between whose pieces others have their turn.

A *work* is a generator that yields wherever it may be interrupted, every few milliseconds, and returns its result.
"""

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_left
from collections.abc import Callable, Generator, Sequence
from math import isqrt
from typing import Any, Final, TypeVar

from mailkeep.service.lanes import cut

T = TypeVar("T")

Work = Generator[None, None, T]

RUN: Final = 2048  # items that are sorted at once: about a millisecond
SAMPLED: Final = 64  # one of so many items is looked at to know where to cut


class Stopped(Exception):
    """Nobody wants the result any more."""


def at_once(work: Work[T]) -> T:
    """Carry it out here and now."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


async def in_thread(work: Work[T]) -> T:
    """Carry it out in a thread, which ends at the next piece when this is cancelled."""
    stopped = threading.Event()
    try:
        return await asyncio.to_thread(_run, work, stopped)
    finally:
        stopped.set()


def _run(work: Work[T], stopped: threading.Event) -> T:
    while not stopped.is_set():
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
    work.close()
    raise Stopped


def sort_in_pieces(items: Sequence[int], key: Callable[[int], Any]) -> Work[list[int]]:
    """`items` by their keys, equal ones in the order they came in.

    Runs are sorted one by one, and cut at the same keys; what lies between two cuts is sorted as a whole, which is
    quick, as it consists of runs.
    """
    size = max(RUN, 8 * isqrt(len(items)))
    runs: list[list[int]] = []
    for some in cut(items, size):
        runs.append(sorted(some, key=key))
        yield
    if len(runs) <= 1:
        return runs[0] if runs else []
    sample = sorted(key(run[at]) for run in runs for at in range(0, len(run), SAMPLED))
    pivots = sample[size // SAMPLED :: size // SAMPLED]
    starts = [0] * len(runs)
    result: list[int] = []
    for pivot in (*pivots, None):
        some = []
        for number, run in enumerate(runs):
            end = len(run) if pivot is None else bisect_left(run, pivot, starts[number], key=key)
            some += run[starts[number] : end]
            starts[number] = end
        some.sort(key=key)
        result += some
        yield
    return result
