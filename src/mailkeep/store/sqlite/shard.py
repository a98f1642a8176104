"""One shard as every process may use it: its readers, its packs, and the way to its one writer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast

import apsw

from mailkeep.model.errors import NotFound, Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.store.blobs.in_row import InRow
from mailkeep.store.blobs.packs import Packed, Packs
from mailkeep.store.contract import Blob, Op
from mailkeep.store.sqlite.connection import FAULTS, open_reader, unavailable
from mailkeep.store.sqlite.group import Group
from mailkeep.store.sqlite.owned import shard_path
from mailkeep.store.sqlite.run import run
from mailkeep.store.sqlite.writer import Job

T = TypeVar("T")

SLOW_OCTETS: Final = 256 * 1024  # writing and syncing more takes longer than the loop should wait


class Writes(Protocol):
    """Where writes of a shard go: to its owner, here or elsewhere."""

    def submit(self, item: Job, /) -> Awaitable[Any]:
        """The answer comes when it is on disk."""
        ...

    def submit_lazily(self, item: Job, /) -> None:
        """Do it with the next commit."""
        ...


class Shard:
    """Everything of the accounts that live here.  `writes` lead to the owner, who must have opened the database."""

    def __init__(self, data_dir: Path, number: int, writes: Writes) -> None:
        path = shard_path(data_dir, number)
        self.number = number
        self.path = path
        self.writes = writes
        self.packs = Packs(data_dir / "packs" / f"{number:04d}")
        self.appends: Group[bytes, tuple[int, int]] = Group(
            f"packs-{number}",
            list,
            self.packs.append,
            lambda: self.packs.append_s,
            lambda blob: len(blob) > SLOW_OCTETS,
        )
        self._reader = open_reader(path)
        self._scanner = open_reader(path)
        self._scans = ThreadPoolExecutor(1, thread_name_prefix=f"scan-{number}")  # the only user of `_scanner`

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

    def close(self) -> None:
        """After `appends.drain()`."""
        self.appends.close()
        self.packs.close()
        self._scans.shutdown(cancel_futures=True)
        self._scanner.close(force=True)
        self._reader.close(force=True)


def _read(db: apsw.Connection, op: Op[T]) -> T:
    try:
        first = next(op)
    except StopIteration as done:  # it knew without looking
        return cast(T, done.value)
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
