"""The event loop of a process that serves, and how that process uses memory."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
from collections.abc import Coroutine
from typing import Any, Final

import uvloop

SWITCH_S: Final = 0.0005  # how long a thread at work (an index, a password) may keep the loop waiting; Python's is 5 ms

# Nearly all objects here die by themselves; looking for cycles after every 700 new ones is time lost.
COLLECT_AFTER: Final = 10_000

# glibc's <malloc.h>
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
MAPPED: Final = 192 * 1024  # octets
KEPT: Final = 8 * 1024 * 1024  # octets free at the top of the heap before they are given back


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` on uvloop."""
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(COLLECT_AFTER)
    _map_large_buffers()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def _map_large_buffers() -> None:
    """Have every large buffer be memory of its own, of which only what is used counts.

    Each TLS connection has one of 256 kB and uses a page or two.  Left alone, glibc puts such buffers into its heap as
    soon as one has been freed, where other things settle between them: 50 kB for an idle connection instead of 30.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it, others need it less
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MAPPED)
        mallopt(M_TRIM_THRESHOLD, KEPT)  # naming the one switches off how the other was found
