"""One shard: its writer, its reader, its packs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import apsw

from mailkeep.model.errors import NotFound, Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.store.blobs.in_row import InRow
from mailkeep.store.blobs.packs import Packed, Packs
from mailkeep.store.contract import Blob, Op
from mailkeep.store.sqlite.connection import FAULTS, open_reader, unavailable
from mailkeep.store.sqlite.group import Group
from mailkeep.store.sqlite.run import run
from mailkeep.store.sqlite.writer import Job, Writer

T = TypeVar("T")

CHECKPOINT_PAGES: Final = 2000  # 16 MB of log: time to write back
RESTART_PAGES: Final = 4 * CHECKPOINT_PAGES  # the log grows and grows: writers wait once until it is written back


MANY: Final = 2000  # entries: changing more takes longer than the loop should wait
MANY_NEW: Final = 50  # new messages
SLOW_OCTETS: Final = 256 * 1024  # writing and syncing more does so too
SLOW: Final = frozenset(
    {
        "delete_mailbox",
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
    return any(
        len(value) > (MANY if type(value) is UidSet else MANY_NEW)
        for value in job.args
        if type(value) in (UidSet, tuple)
    )


class Shard:
    """Everything of the accounts that live here.  Needs a running loop for writes."""

    def __init__(self, data_dir: Path, number: int, wake: Callable[[], None]) -> None:
        """`wake` is called when there is maintenance to do that should not wait."""
        path = data_dir / f"shard-{number:04d}.db"
        self.path = path
        self.writer = Writer(path)
        self.packs = Packs(data_dir / "packs" / f"{number:04d}")
        self.writes: Group[Job, Any] = Group(f"shard-{number}", self.writer.commit, self._committed, is_slow)
        self.appends: Group[bytes, tuple[int, int]] = Group(
            f"packs-{number}", self.packs.append, lambda: self.packs.append_s, lambda blob: len(blob) > SLOW_OCTETS
        )
        self._wake = wake
        self._reader = open_reader(path)
        self._scanner = open_reader(path)
        self._scans = ThreadPoolExecutor(1, thread_name_prefix=f"scan-{number}")  # the only user of `_scanner`
        self._checkpointer: apsw.Connection | None = open_for_checkpoints(path)
        self._checkpointing = threading.Lock()

    def _committed(self) -> float:
        if self.writer.wal_pages >= CHECKPOINT_PAGES:
            self._wake()
        return self.writer.commit_s

    def read(self, op: Op[T]) -> T:
        """Carry out a reading operation in one snapshot.  Raises: what it raises, and Unavailable."""
        return _read(self._reader, op)

    async def scan(self, op: Op[T]) -> T:
        """As `read`, in a thread.  Raises: what it raises, and Unavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._scans, _read, self._scanner, op)

    def open_blob(self, account: AccountId, blob: int) -> Blob:
        """Raises: NotFound, Unavailable."""
        for _ in range(2):  # a pack may be rewritten between row and file: then the row knows the new place
            data, pack, offset, size = self._find_blob(account, blob)
            if data is not None:
                return InRow(data)
            try:
                return Packed(self.packs.open(pack), offset, size)
            except FileNotFoundError:
                continue
        raise Unavailable("The message's octets are missing")

    def _find_blob(self, account: AccountId, blob: int) -> tuple[bytes | None, int, int, int]:
        try:
            rows = self._reader.execute(
                'SELECT data, pack, "offset", size FROM blob WHERE account = ? AND blob = ?', (account, blob)
            ).fetchall()
        except FAULTS as error:
            raise unavailable(error) from error
        if not rows:
            raise NotFound("No such message")
        return cast(tuple[bytes | None, int, int, int], rows[0])

    def checkpoint(self) -> None:
        """Write the log back as far as no reader needs it; nobody waits for it.  Runs in a thread.

        Raises: Unavailable.
        """
        with self._checkpointing:
            if self._checkpointer is None:
                return
            try:
                self._checkpointer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except FAULTS as error:
                raise unavailable(error) from error

    async def drain(self) -> None:
        """Finish what is queued."""
        await self.appends.drain()
        await self.writes.drain()

    def close(self) -> None:
        """After `drain`."""
        self.appends.close()
        self.writes.close()
        self.packs.close()
        self._scans.shutdown(cancel_futures=True)
        self._scanner.close(force=True)
        self._reader.close(force=True)
        with self._checkpointing:  # its thread may still be at work
            if self._checkpointer is not None:
                self._checkpointer.close(force=True)
                self._checkpointer = None
        self.writer.close()


def _read(db: apsw.Connection, op: Op[T]) -> T:
    first = next(op)
    try:
        if first.alone:
            return run(db, op, first)
        db.execute("BEGIN").fetchall()
        try:
            return run(db, op, first)
        finally:
            if db.in_transaction:
                db.execute("COMMIT").fetchall()
    except FAULTS as error:
        raise unavailable(error) from error


def open_for_checkpoints(path: Path) -> apsw.Connection:
    """A connection that may write back the log, used by one thread at a time."""
    db = apsw.Connection(str(path))
    db.pragma("wal_autocheckpoint", 0)
    return db
