"""A queue whose items are worked off together: prepared on the loop, finished there too while the disk is quick."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, Generic, TypeVar

from mailkeep import telemetry

log = telemetry.logger()

Item = TypeVar("Item")
Answer = TypeVar("Answer")

QUICK_S: Final = 0.0004  # below this moving average, waiting on the loop costs less than a hop to a thread
WEIGHT: Final = 0.1  # of the newest measurement
AT_MOST: Final = 100  # items in one batch: preparing them must not hold the loop for long
MANY_LAZY: Final = 200  # lazy items that are worked off without another reason


class Group(Generic[Item, Answer]):
    """Items that are queued in one turn of the loop, or while a batch is being worked on, form the next batch.

    `prepare` is the part that keeps the processor busy: it runs on the loop, where nothing else fights for it.
    `finish` waits for the disk, without the interpreter's lock: on the loop while that is quick and nobody else would
    use the time, else in a thread, so that meanwhile the loop reads what comes for the next batch.  It is given what
    `prepare` returned, and answers for each item, in order, with a result or an exception; if one of them raises, that
    is everybody's answer.  A batch with an item that `is_slow` says will take long goes to the thread as a whole.
    `cost` is called on the loop after each batch, and tells how many seconds it has waited for the disk.
    `unheard` is called, on the loop too, for an item that was done after whoever waited for it had gone.
    """

    def __init__(
        self,
        name: str,
        prepare: Callable[[Sequence[Item]], Any],
        finish: Callable[[Any], Sequence[Answer | BaseException]],
        cost: Callable[[], float],
        is_slow: Callable[[Item], bool],
        unheard: Callable[[Item], None] = lambda _: None,
    ) -> None:
        self._prepare = prepare
        self._finish = finish
        self._cost = cost
        self._is_slow = is_slow
        self._unheard = unheard
        self._worker = Worker(name)
        self._queue: deque[tuple[Item, asyncio.Future[Answer] | None]] = deque()
        self._scheduled = False  # a batch is being worked on, or about to be
        self._loop: asyncio.AbstractEventLoop | None = None
        self._average_s = 0.0
        self._idle = asyncio.Event()
        self._idle.set()
        self.last_used = time.monotonic()

    def submit(self, item: Item) -> asyncio.Future[Answer]:
        """The answer comes when the batch of `item` is done."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()  # asked once: that takes a call of the system
        future: asyncio.Future[Answer] = self._loop.create_future()
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
            (self._loop or asyncio.get_running_loop()).call_soon(self._work)

    def _work(self) -> None:
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), AT_MOST))]
        items = [item for item, _ in batch]
        if any(map(self._is_slow, items)):
            self._in_thread(batch, self._whole, items)
            return
        try:
            prepared = self._prepare(items)
        except Exception as error:  # noqa: BLE001  a bug, which must not leave anybody waiting for ever
            self._answer(batch, [error] * len(batch))
            return
        if len(batch) == 1 and self._average_s < QUICK_S:
            self._answer(batch, self._finished(prepared, 1))
        else:
            self._in_thread(batch, self._finished, prepared, len(batch))

    def _in_thread(
        self,
        batch: Sequence[tuple[Item, asyncio.Future[Answer] | None]],
        work: Callable[..., Sequence[Answer | BaseException]],
        *args: Any,
    ) -> None:
        try:
            self._worker.submit(partial(work, *args), partial(self._answer, batch))
        except RuntimeError as error:  # no further thread can be had, or all is closed
            self._answer(batch, [error] * len(batch))

    def _whole(self, items: Sequence[Item]) -> Sequence[Answer | BaseException]:
        try:
            return self._finish(self._prepare(items))
        except Exception as error:  # noqa: BLE001  as above
            return [error] * len(items)

    def _finished(self, prepared: Any, count: int) -> Sequence[Answer | BaseException]:
        try:
            return self._finish(prepared)
        except Exception as error:  # noqa: BLE001  as above
            return [error] * count

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
        unheard: list[Item] = []
        for (item, future), answer in zip(batch, answers, strict=True):
            if future is None:
                if isinstance(answer, Exception):
                    log.warning("store.lazy_write_failed", kind=type(answer).__name__, text=str(answer))
                continue
            if future.done():  # nobody waits any more
                if not isinstance(answer, BaseException):
                    unheard.append(item)
            elif isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        for item in unheard:
            self._unheard(item)

    async def drain(self) -> None:
        """Work off everything, lazy items too."""
        while self._queue or self._scheduled:
            self._schedule()
            await self._idle.wait()

    def close(self) -> None:
        """After `drain`."""
        self._worker.close()


class Worker:
    """A thread that does one thing after the other, and has the loop told of each.

    What an executor does besides (a future of its own, passed on to one of the loop, in two more turns of it) costs as
    much as a transaction.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._closed = False

    def submit(self, work: Callable[[], Answer], told: Callable[[Answer], None]) -> None:
        """Do `work`, which raises nothing, in the thread, then call `told` with what came of it on this loop.

        Raises: RuntimeError (there can be no thread).
        """
        if self._closed:
            raise RuntimeError("The worker has been closed")
        loop = asyncio.get_running_loop()
        if self._thread is None:
            thread = Thread(target=self._run, name=self._name, daemon=True)
            thread.start()
            self._thread = thread

        def do() -> None:
            answer = work()
            with suppress(RuntimeError):  # the loop is gone, and nobody waits
                loop.call_soon_threadsafe(told, answer)

        self._work.put(do)

    def _run(self) -> None:
        while (do := self._work.get()) is not None:
            do()
            del do  # it holds on to a whole batch

    def close(self) -> None:
        """Finish what has been begun, and end the thread."""
        self._closed = True
        if self._thread is not None:
            self._work.put(None)
            self._thread.join()
            self._thread = None
