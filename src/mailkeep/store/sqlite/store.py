"""The embedded store, as `mailkeep.store.contract.Store` promises it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Self, TypeVar, TypeVarTuple, cast

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import IN_ROW_LIMIT, KEEP_S, AccountState, Blob, NewBlob, Op
from mailkeep.store.ops.remove_account import remove_account
from mailkeep.store.ops.sweep import sweep
from mailkeep.store.sqlite.connection import sync_directory
from mailkeep.store.sqlite.directory import SqliteDirectory
from mailkeep.store.sqlite.shard import CHECKPOINT_PAGES, RESTART_PAGES, Shard
from mailkeep.store.sqlite.sweep import sweep_packs
from mailkeep.store.sqlite.verify import verify_account, verify_file
from mailkeep.store.sqlite.writer import Job

T = TypeVar("T")
Args = TypeVarTuple("Args")

IDLE_S: Final = 5.0  # a shard nobody has written to for so long may write back its log
SWEEP_S: Final = 3600.0  # how often `maintain` sweeps
LOOK_S: Final = 1.0  # how often `maintain` looks, if nothing wakes it


class SqliteStore:
    """All shards and the directory of one data directory; whoever opens it holds the directory's lock.

    Attributes: `directory`.
    """

    def __init__(self, data_dir: Path, *, shards: int = 1, clock: Callable[[], float] = time.time) -> None:
        """Open, or make what is not there.  Blocks for some milliseconds.

        Raises: WrongSetting, NewerSchema, apsw.Error and OSError (disk).
        """
        self._spool_dir = data_dir / "spool"
        for directory in (data_dir, self._spool_dir, data_dir / "packs"):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_directory(directory.parent)
        for left_over in self._spool_dir.iterdir():
            left_over.unlink()
        self.directory = SqliteDirectory(data_dir / "directory.db", shards)
        self._wake = asyncio.Event()
        self._shards = [Shard(data_dir, number, self._wake.set) for number in range(shards)]
        self._clock = clock

    @property
    def spool_dir(self) -> Path:
        """See `Store.spool_dir`."""
        return self._spool_dir

    def _shard(self, account: AccountId) -> Shard:
        return self._shards[self.directory.shard_of(account)]

    async def write(self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args) -> T:
        """See `Store.write`."""
        return cast(T, await self._shard(account).writes.submit(Job(op, account, args)))

    def later(self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args) -> None:
        """See `Store.later`."""
        self._shard(account).writes.submit_lazily(Job(op, account, args))

    async def read(self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args) -> T:
        """See `Store.read`; never suspends."""
        return self._shard(account).read(op(account, *args))

    async def scan(self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args) -> T:
        """See `Store.scan`; runs in a thread."""
        return await self._shard(account).scan(op(account, *args))

    async def put_blob(self, account: AccountId, octets: bytes | Path, sha256: bytes | None = None) -> NewBlob:
        """See `Store.put_blob`."""
        shard = self._shard(account)
        if isinstance(octets, Path):
            return await asyncio.to_thread(_adopt, shard, octets, sha256)
        digest = sha256 or hashlib.sha256(octets).digest()
        if len(octets) < IN_ROW_LIMIT:
            return NewBlob(digest, len(octets), data=octets)
        pack, offset = await shard.appends.submit(octets)
        return NewBlob(digest, len(octets), pack=pack, offset=offset)

    def open_blob(self, account: AccountId, blob: int) -> Blob:
        """See `Store.open_blob`."""
        return self._shard(account).open_blob(account, blob)

    async def maintain(self) -> None:
        """Write logs back, by size or when idle, and sweep now and then; until cancelled.

        One task runs this as long as the store is open.  Raises: Unavailable; it may be called again then.
        """
        swept = -SWEEP_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            self._wake.clear()
            if time.monotonic() - swept > SWEEP_S:
                swept = time.monotonic()
                await self.sweep(int(self._clock()))
            for shard in self._shards:
                shard.writes.work_off_lazy()
                idle = time.monotonic() - shard.writes.last_used > IDLE_S
                pages = shard.writer.wal_pages
                if pages >= CHECKPOINT_PAGES or (pages and idle):
                    await self._checkpoint(shard)

    async def checkpoint(self) -> None:
        """Write all logs back, in a thread.  Raises: Unavailable."""
        for shard in self._shards:
            await self._checkpoint(shard)

    async def _checkpoint(self, shard: Shard) -> None:
        written = shard.writer.wal_pages
        await asyncio.to_thread(shard.checkpoint)
        if shard.writer.wal_pages == written:
            shard.writer.wal_pages = 0
        elif shard.writer.wal_pages >= RESTART_PAGES:
            shard.writer.restart_wal = True

    async def check(self, account: AccountId) -> tuple[str, ...]:
        """What is wrong with an account: rows that disagree, octets that are missing or changed.  Runs in a thread.

        Raises: NotFound, Unavailable.
        """
        shard = self._shard(account)
        return await asyncio.to_thread(verify_account, shard.path, shard.packs, account)

    async def check_files(self) -> tuple[str, ...]:
        """What is wrong with the database files themselves.  Runs in a thread.  Raises: Unavailable."""
        found = [await asyncio.to_thread(verify_file, shard.path) for shard in self._shards]
        return tuple(problem for problems in found for problem in problems)

    async def sweep(self, now: int, *, keep_s: int = KEEP_S) -> None:
        """Forget tombstones older than `keep_s` and what only they kept alive; give back the room in packs.

        Also goes on with removals that were interrupted.  May be stopped anywhere.  Raises: Unavailable.
        """
        for entry in self.directory.list():
            match entry.state:
                case AccountState.ACTIVE:
                    while not await self.write(sweep, entry.account, now, keep_s):
                        pass
                case AccountState.REMOVING:
                    await self.remove_account(entry.account)
                case AccountState.CREATING:
                    pass
        for shard in self._shards:
            await sweep_packs(shard, now)

    async def remove_account(self, account: AccountId) -> None:
        """Remove all rows of an account, then its place in the directory; go on where an earlier call stopped.

        Octets in packs go with a later `sweep`.  Raises: NotFound, Unavailable.
        """
        self.directory.set_state(account, AccountState.REMOVING)
        while not await self.write(remove_account, account):
            pass
        self.directory.remove(account)

    async def close(self) -> None:
        """Finish what is queued, lazy writes too, and let go of the files."""
        for shard in self._shards:
            await shard.drain()
            shard.close()
        self.directory.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _adopt(shard: Shard, path: Path, sha256: bytes | None) -> NewBlob:
    if sha256 is None:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").digest()
    size = path.stat().st_size
    return NewBlob(sha256, size, pack=shard.packs.adopt(path), offset=0)
