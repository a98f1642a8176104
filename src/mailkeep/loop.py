"""The event loop of a process that serves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, Final

import uvloop

SWITCH_S: Final = 0.0005  # how long a thread at work (an index, a password) may keep the loop waiting; Python's is 5 ms


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` on uvloop."""
    sys.setswitchinterval(SWITCH_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
