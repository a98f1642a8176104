"""A lane beside the handlers: what needs a task is run in one, and a handler, which has none, waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Starts a task in a TaskGroup that lives as long as the server."""


class Lane:
    """Runs coroutines as tasks of the server.

    Handlers are stepped by their connection without a task, so `asyncio.timeout`, task groups and libraries that use
    them refuse to run there.
    """

    def __init__(self, spawn: Spawn) -> None:
        self._spawn = spawn

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns, or raises; it is cancelled when whoever waits is."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        task = self._spawn(_settle(work, done))
        try:
            return await done
        except asyncio.CancelledError:
            task.cancel()
            raise


async def _settle(work: Coroutine[Any, Any, T], done: asyncio.Future[T]) -> None:
    """Run `work` and tell; nothing that it raises reaches the TaskGroup, which it would end."""
    try:
        result = await work
    except asyncio.CancelledError:
        done.cancel()
        raise
    except Exception as error:  # noqa: BLE001  raised where the result is waited for
        if not done.done():
            done.set_exception(error)
    else:
        if not done.done():
            done.set_result(result)
