"""Carrying out a verb: by the running server, or, where none runs, by this very process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from mailkeep import control, server
from mailkeep.administration import Offices, Progress, Verb, row_of, run
from mailkeep.config import Config
from mailkeep.lock import Locked
from mailkeep.model.errors import MailError

R = TypeVar("R")

PATIENCE_S: Final = 10.0  # for a server that is just starting or stopping: it holds the lock but does not answer
PAUSE_S: Final = 0.05
ANSWER_S: Final = 600.0
LONG_S: Final = 7 * 86400.0  # for what may take long, and tells how far it is
LOOK_S: Final = 0.2  # between two looks at that


@dataclass(frozen=True, slots=True)
class Watch:
    """Ask this verb now and then how far another one is, and tell (done, total)."""

    verb: Verb[Progress]
    tell: Callable[[int, int], None]


def perform(config: Config, verb: Verb[R], watch: Watch | None = None) -> R:
    """Carry out `verb` on the data of `config`.

    Raises: MailError, OutcomeUnknown, Locked (somebody holds the data but does not answer).
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return _ask(config, verb) if watch is None else _ask_and_watch(config, verb, watch)
        except control.NotRunning:
            try:
                return asyncio.run(_alone(config, verb, watch))
            except Locked:
                if time.monotonic() > until:
                    raise
            time.sleep(PAUSE_S)


def _ask(config: Config, verb: Verb[R], timeout_s: float = ANSWER_S) -> R:
    """Have the running server do it.  Raises: MailError, NotRunning, OutcomeUnknown."""
    row = row_of(verb)
    arguments = msgspec.msgpack.encode(verb)
    octets = control.call(config.control_socket, row.name, arguments, timeout_s=timeout_s)
    answer: Any = msgspec.msgpack.decode(octets, type=row.answer)
    return answer  # type: ignore[no-any-return]  # the table pairs verbs with their answers


def _ask_and_watch(config: Config, verb: Verb[R], watch: Watch) -> R:
    with ThreadPoolExecutor(1) as executor:
        answer: Future[R] = executor.submit(_ask, config, verb, LONG_S)
        while not answer.done():
            with suppress(TimeoutError, MailError, control.NotRunning, control.OutcomeUnknown):  # raised below
                answer.exception(LOOK_S)
                progress = _ask(config, watch.verb)
                watch.tell(progress.done, progress.total)
        return answer.result()


async def _alone(config: Config, verb: Verb[R], watch: Watch | None) -> R:
    async with server.open_offices(config, program=f"mailkeep {row_of(verb).name}") as offices:
        if watch is None:
            return await run(offices, verb)
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(_look(offices, watch))
            answer.add_done_callback(lambda _: looking.cancel())
            await _settle(answer, offices, verb)
        return answer.result()


async def _settle(answer: asyncio.Future[R], offices: Offices, verb: Verb[R]) -> None:
    """A TaskGroup would wrap what is raised in it."""
    try:
        answer.set_result(await run(offices, verb))
    except MailError as error:
        answer.set_exception(error)


async def _look(offices: Offices, watch: Watch) -> None:
    while True:
        with suppress(MailError):
            progress = await run(offices, watch.verb)
            watch.tell(progress.done, progress.total)
        await asyncio.sleep(LOOK_S)
