"""A queue whose items are worked off together, on the loop while that is quick and in one thread while it is not."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, TypeVar

from mailkeep import telemetry

log = telemetry.logger()

Item = TypeVar("Item")
Answer = TypeVar("Answer")

QUICK_S: Final = 0.0004  # below this moving average, waiting on the loop costs less than a hop to a thread
WEIGHT: Final = 0.1  # of the newest measurement
AT_MOST: Final = 1000  # items in one batch
MANY_LAZY: Final = 200  # lazy items that are worked off without another reason


class Group(Generic[Item, Answer]):
    """Items that are queued in one turn of the loop, or while a batch is being worked on, form the next batch.

    `process` answers for each item, in order, with a result or an exception; if it raises, that is everybody's answer.
    A batch with an item that `is_slow` says will take long goes to the thread in any case.
    `cost` is called on the loop after each batch, and tells how many seconds it has waited for the disk.
    """

    def __init__(
        self,
        name: str,
        process: Callable[[Sequence[Item]], Sequence[Answer | BaseException]],
        cost: Callable[[], float],
        is_slow: Callable[[Item], bool],
    ) -> None:
        self._process = process
        self._cost = cost
        self._is_slow = is_slow
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._queue: deque[tuple[Item, asyncio.Future[Answer] | None]] = deque()
        self._scheduled = False  # a batch is being worked on, or about to be
        self._average_s = 0.0
        self._idle = asyncio.Event()
        self._idle.set()
        self.last_used = time.monotonic()

    def submit(self, item: Item) -> asyncio.Future[Answer]:
        """The answer comes when the batch of `item` is done."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.append((item, future))
        self._schedule()
        return future

    def submit_lazily(self, item: Item) -> None:
        """Do `item` with the next batch that there is another reason for."""
        self._queue.append((item, None))
        if len(self._queue) >= MANY_LAZY:
            self._schedule()

    def work_off_lazy(self) -> None:
        """Nothing else has come: do lazy items now."""
        if self._queue:
            self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._idle.clear()
            asyncio.get_running_loop().call_soon(self._work)

    def _work(self) -> None:
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), AT_MOST))]
        items = [item for item, _ in batch]
        if self._average_s < QUICK_S and not any(map(self._is_slow, items)):
            self._answer(batch, self._process_all(items))
        else:
            loop = asyncio.get_running_loop()
            done = loop.run_in_executor(self._executor, self._process_all, items)
            done.add_done_callback(lambda future: self._answer(batch, future.result()))

    def _process_all(self, items: Sequence[Item]) -> Sequence[Answer | BaseException]:
        try:
            return self._process(items)
        except Exception as error:  # noqa: BLE001  a bug, which must not leave anybody waiting for ever
            return [error] * len(items)

    def _answer(
        self,
        batch: Sequence[tuple[Item, asyncio.Future[Answer] | None]],
        answers: Sequence[Answer | BaseException],
    ) -> None:
        self._average_s += WEIGHT * (self._cost() - self._average_s)
        self.last_used = time.monotonic()
        self._scheduled = False
        if any(future is not None for _, future in self._queue):
            self._schedule()
        else:
            self._idle.set()
        for (_, future), answer in zip(batch, answers, strict=True):
            if future is None:
                if isinstance(answer, Exception):
                    log.warning("store.lazy_write_failed", kind=type(answer).__name__, text=str(answer))
                continue
            if future.done():  # nobody waits any more
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def drain(self) -> None:
        """Work off everything, lazy items too."""
        while self._queue or self._scheduled:
            self._schedule()
            await self._idle.wait()

    def close(self) -> None:
        """After `drain`."""
        self._executor.shutdown()
