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
MAPPED: Final = 1024 * 1024  # octets from which memory is asked of the system, and given back; dear where it is often
KEPT: Final = 8 * 1024 * 1024  # octets free at the top of the heap before they are given back
TLS_BUFFER: Final = 256 * 1024  # of each connection, for as long as it lives


class OwnLoop(uvloop.Loop):
    """The loop of a process that does nothing but serve, which may therefore be told how to use memory."""

    def __init__(self) -> None:
        super().__init__()
        self._mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it, others need it less
        self._map_less()
        if self._mallopt is not None:
            self._mallopt(M_TRIM_THRESHOLD, KEPT)  # naming one threshold switches off how the other was found

    def map_tls_buffer(self) -> None:
        """A TLS connection is about to be made: its buffer shall be memory of its own.

        It uses a page or two of it, and only what is used counts.  In the heap other things settle in between, and an
        idle connection takes 50 kB instead of 30.
        """
        if self._mallopt is not None:
            self._mallopt(M_MMAP_THRESHOLD, TLS_BUFFER)
            self.call_soon(self._map_less)

    def _map_less(self) -> None:
        if self._mallopt is not None:
            self._mallopt(M_MMAP_THRESHOLD, MAPPED)


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` on uvloop."""
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(COLLECT_AFTER)
    with asyncio.Runner(loop_factory=OwnLoop) as runner:
        runner.run(main)
