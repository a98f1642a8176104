"""The writing side of a shard, which exactly one process has."""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import apsw

from mailkeep.model.errors import Unavailable
from mailkeep.model.uidset import UidSet
from mailkeep.store.sqlite.connection import rows_of
from mailkeep.store.sqlite.group import Group
from mailkeep.store.sqlite.ticks import Ticks
from mailkeep.store.sqlite.writer import Batch, Job, Writer

CHECKPOINT_PAGES: Final = 2000  # 16 MB of log: time to write back
FEW_PAGES: Final = 128  # that came meanwhile: the writer itself writes them back, and begins the log anew
RESTART_PAGES: Final = 4 * CHECKPOINT_PAGES  # the log grows and grows: the writer does so however many there are
PATIENCE_S: Final = 10.0  # for the last owner, which is just ending

MANY: Final = 2000  # entries: changing more takes longer than the loop should wait
MANY_NEW: Final = 50  # new messages
SLOW: Final = frozenset(
    {
        "delete_mailbox",
        "drop_text",
        "guest_delete_mailbox",
        "put_rows",
        "put_text",
        "remove_account",
        "rename_inbox",
        "save_snapshot",
        "sweep",
        "undelete",
    }  # as much as there is
)


def is_slow(job: Job) -> bool:
    """Whether an operation may take so long that it should not run on the loop."""
    if job.op.__name__ in SLOW:
        return True
    for value in job.args:
        kind = type(value)
        if (kind is UidSet and len(value) > MANY) or (kind is tuple and len(value) > MANY_NEW):
            return True
    return False


def shard_path(data_dir: Path, number: int) -> Path:
    """The database of a shard."""
    return data_dir / f"shard-{number:04d}.db"


class Owned:
    """A shard's one writer, locked against every other process.  Needs a running loop for writes."""

    def __init__(
        self,
        data_dir: Path,
        number: int,
        wake: Callable[[], None],
        ticks: Ticks | None,
        unheard: Callable[[Job], None],
    ) -> None:
        """`wake` is called when there is maintenance to do that should not wait; `unheard`: see `Group`.

        Raises: Unavailable (another process owns the shard), and what `Writer` raises.
        """
        self.path = shard_path(data_dir, number)
        self._number = number
        self._ticks = ticks
        self._wake = wake
        self._lock = _lock(self.path.with_suffix(".lock"))
        try:
            self.writer = Writer(self.path, number)
        except BaseException:
            os.close(self._lock)
            raise
        self.writes: Group[Job, Any] = Group(
            f"shard-{number}", self._begin, self._commit, self._committed, is_slow, unheard
        )
        self._checkpointer: apsw.Connection | None = open_for_checkpoints(self.path)
        self._checkpointing = threading.Lock()
        self._due = CHECKPOINT_PAGES  # of log: time to write it back, again

    def _begin(self, jobs: Sequence[Job]) -> tuple[Sequence[Job], Batch]:
        return jobs, self.writer.begin(jobs)

    def _commit(self, begun: tuple[Sequence[Job], Batch]) -> Sequence[Any]:
        jobs, batch = begun
        outcomes = self.writer.commit(batch)
        if self._ticks is not None:  # before anybody is answered: who is told, and looks elsewhere, must find it there
            for account in {job.account for job in jobs}:
                self._ticks.count(self._number, account)
        return outcomes

    def _committed(self) -> float:
        pages = self.writer.wal_pages
        if pages < CHECKPOINT_PAGES:
            self._due = CHECKPOINT_PAGES
        elif pages >= self._due:
            self._wake()
        return self.writer.commit_s

    @property
    def log_is_long(self) -> bool:
        """Whether it is time to write the log back."""
        return self.writer.wal_pages >= self._due

    async def checkpoint(self) -> None:
        """Write the log back as far as no reader needs it, in a thread; nobody waits for it.  Raises: Unavailable.

        SQLite begins the log anew only when all of it has been written back, which never happens to one that grows all
        the time.  So the little that came meanwhile is left to the writer, after one of its next transactions; much is
        written back in the thread again.
        """
        written = await asyncio.to_thread(self._checkpoint)
        pages = self.writer.wal_pages
        left = pages - written
        if left <= 0:
            self.writer.wal_pages = 0
        elif left <= FEW_PAGES or pages >= RESTART_PAGES:
            self.writer.restart_wal = True
        self._due = pages + FEW_PAGES

    def _checkpoint(self) -> int:
        """How many pages of log have been written back."""
        with self._checkpointing:
            if self._checkpointer is None:
                return 0
            [(_, _, written)] = rows_of(self._checkpointer, "PRAGMA wal_checkpoint(PASSIVE)")
        return int(written)

    def close(self) -> None:
        """After `writes.drain()`."""
        self.writes.close()
        with self._checkpointing:  # its thread may still be at work
            if self._checkpointer is not None:
                self._checkpointer.close(force=True)
                self._checkpointer = None
        self.writer.close()
        os.close(self._lock)


def _lock(path: Path) -> int:
    """The lock of a shard, until the descriptor is closed or the process ends.  Raises: Unavailable."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(descriptor)
                raise Unavailable(f"{path} is held by another process") from None
            time.sleep(0.02)
        else:
            return descriptor


def open_for_checkpoints(path: Path) -> apsw.Connection:
    """A connection that may write back the log, used by one thread at a time."""
    db = apsw.Connection(str(path))
    db.pragma("wal_autocheckpoint", 0)
    return db
