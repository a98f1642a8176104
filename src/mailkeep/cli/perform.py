"""Carrying out a verb: by the running server, or, where none runs, by this very process."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final, TypeVar

import msgspec

from mailkeep import control, server
from mailkeep.administration import Verb, row_of, run
from mailkeep.config import Config
from mailkeep.lock import Locked

R = TypeVar("R")

PATIENCE_S: Final = 10.0  # for a server that is just starting or stopping: it holds the lock but does not answer
PAUSE_S: Final = 0.05


def perform(config: Config, verb: Verb[R]) -> R:
    """Carry out `verb` on the data of `config`.

    Raises: MailError, OutcomeUnknown, Locked (somebody holds the data but does not answer).
    """
    row = row_of(verb)
    arguments = msgspec.msgpack.encode(verb)
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer: Any = msgspec.msgpack.decode(
                control.call(config.control_socket, row.name, arguments), type=row.answer
            )
        except control.NotRunning:
            try:
                return asyncio.run(_alone(config, verb))
            except Locked:
                if time.monotonic() > until:
                    raise
            time.sleep(PAUSE_S)
        else:
            return answer  # type: ignore[no-any-return]  # the table pairs verbs with their answers


async def _alone(config: Config, verb: Verb[R]) -> R:
    async with server.open_offices(config, program=f"mailkeep {row_of(verb).name}") as offices:
        return await run(offices, verb)
