"""What a store does in the background, counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from mailkeep.figures import Figure

SHARE: Final = 0.2  # of one processor, while a chore is done
MAX_REST_S: Final = 0.25


async def rest(since: float, share: float) -> None:
    """Wait: the longer, the more time (`perf_counter`) has gone by since, so that so much of it is worked."""
    await asyncio.sleep(min(MAX_REST_S, (time.perf_counter() - since) * (1 / share - 1)))


@dataclass(slots=True)
class Chore:
    """One kind of work so far: when it was last done (UTC), in how many pieces, and what came of it."""

    last_at: float = 0.0
    pieces: int = 0
    rows: int = 0
    octets: int = 0  # of room that was given back
    seconds: float = 0.0

    @contextmanager
    def piece(self) -> Iterator[None]:
        """Some of it is done now."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.pieces += 1
            self.seconds += time.perf_counter() - started

    async def rest(self, since: float) -> None:
        """Let others have their turn."""
        await rest(since, SHARE)


@dataclass(frozen=True, slots=True)
class Chores:
    """All of them."""

    checkpoint: Chore = field(default_factory=Chore)
    tombstones: Chore = field(default_factory=Chore)  # and what only they kept alive, and old rows of the log
    packs: Chore = field(default_factory=Chore)
    removals: Chore = field(default_factory=Chore)  # of accounts, and of what a move left behind

    def figures(self) -> Iterator[Figure]:
        """See `mailkeep.figures`."""
        for name in ("checkpoint", "tombstones", "packs", "removals"):
            chore: Chore = getattr(self, name)
            yield "housekeeping_last_run_timestamp_seconds", (name,), chore.last_at
            yield "housekeeping_pieces", (name,), chore.pieces
            yield "housekeeping_rows", (name,), chore.rows
            yield "housekeeping_reclaimed_bytes", (name,), chore.octets
            yield "housekeeping_seconds", (name,), chore.seconds
