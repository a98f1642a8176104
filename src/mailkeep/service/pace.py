"""Work on the event loop that takes long, cut into turns."""

from __future__ import annotations

import asyncio
import time
from typing import Final

TURN_S: Final = 0.002  # how long work may hold the loop before others get their turn


class Pace:
    """Work calls `give_way` when `is_over` says that its turn is."""

    __slots__ = ("_late",)

    def __init__(self) -> None:
        self._late = time.perf_counter() + TURN_S

    @property
    def is_over(self) -> bool:
        """Whether this turn has lasted long enough."""
        return time.perf_counter() > self._late

    async def give_way(self) -> None:
        """Let others have their turn; the next one begins."""
        await asyncio.sleep(0)
        self._late = time.perf_counter() + TURN_S
