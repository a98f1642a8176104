"""The figures of one process, read from those who count them when somebody asks."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailkeep.administration import Offices
from mailkeep.dispatch import Dispatch
from mailkeep.figures import Figure, Figures
from mailkeep.reception import Reception
from mailkeep.service.indexer import Indexer
from mailkeep.store.sqlite.store import SqliteStore

PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Of one process, and what it has: the parent of workers has no reception, dispatch or indexer."""

    store: SqliteStore
    offices: Offices
    reception: Reception | None = None
    dispatch: Dispatch | None = None
    indexer: Indexer | None = None

    async def read(self) -> Figures:
        """As they are now."""
        return (*self._read(), *await self.offices.queue.figures())

    def _read(self) -> Iterator[Figure]:
        yield "processes", (), 1
        yield "cpu_seconds", (), time.process_time()
        yield "resident_memory_bytes", (), _resident()
        if self.reception is not None:
            yield from self.reception.figures()
        if self.dispatch is not None:
            yield from self.dispatch.figures()
        guard, messages = self.offices.authentication.guard, self.offices.messages
        yield "logins", ("ok",), guard.logins
        yield "logins", ("failed",), guard.failed
        yield "messages_taken_in", (), messages.taken_in
        yield "message_bytes_taken_in", (), messages.octets_taken_in
        views, entries = messages.views.count()
        yield "views", (), views
        yield "view_entries", (), entries
        yield from self.store.figures()
        if self.indexer is not None:
            yield "text_index_backlog_messages", (), self.indexer.backlog
            yield "text_index_segments", (), self.indexer.segments


def _resident() -> int:
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE
    except OSError:  # no such system
        return 0
