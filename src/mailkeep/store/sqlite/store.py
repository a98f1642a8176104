"""The embedded store, as `mailkeep.store.contract.Store` promises it."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar, TypeVarTuple, cast

from mailkeep.figures import Figure
from mailkeep.model.errors import Conflict, Invalid, NotFound, Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.store.contract import IN_ROW_LIMIT, KEEP_S, AccountState, Blob, DirectoryEntry, NewBlob, Op
from mailkeep.store.ops.release_account import release_account
from mailkeep.store.ops.remove_account import remove_account
from mailkeep.store.ops.sweep import sweep
from mailkeep.store.sqlite.chores import Chores
from mailkeep.store.sqlite.connection import FAULTS, sync_directory, unavailable
from mailkeep.store.sqlite.directory import SqliteDirectory
from mailkeep.store.sqlite.forwarded import Carrier, ForwardedWrites
from mailkeep.store.sqlite.move import copy_account
from mailkeep.store.sqlite.owned import Owned, shard_path
from mailkeep.store.sqlite.shard import Shard
from mailkeep.store.sqlite.sweep import sweep_packs
from mailkeep.store.sqlite.ticks import Ticks
from mailkeep.store.sqlite.verify import verify_account, verify_file
from mailkeep.store.sqlite.writer import Job

T = TypeVar("T")
Args = TypeVarTuple("Args")

IDLE_S: Final = 5.0  # a shard nobody has written to for so long may write back its log
SWEEP_S: Final = 3600.0  # how often `tidy` sweeps
TIDY_S: Final = 10.0  # how often `tidy` looks
GRACE_S: Final = 60.0  # after a move: for whoever has just begun to read at the old place
LOOK_S: Final = 1.0  # how often `maintain` looks, if nothing wakes it


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one of several processes has of a store that they all serve.

    `owned`: the shards it writes to.  `directory`: whether it is the one that changes the directory.  `spool`: a name
    of its own, for what is on its way in.
    """

    owned: frozenset[int]
    directory: bool
    spool: str
    carrier: Carrier
    ticks: Ticks


class SqliteStore:
    """All shards and the directory of one data directory; whoever opens it holds the directory's lock.

    Or, with `part`, what one of several processes has of it.  Attributes: `directory`; `on_unheard`, called with an
    account of which something has been committed that nobody may have told of: whoever asked had gone.
    """

    def __init__(
        self, data_dir: Path, *, shards: int = 1, clock: Callable[[], float] = time.time, part: Part | None = None
    ) -> None:
        """Open, or make what is not there.  Blocks for some milliseconds.

        Raises: WrongSetting, NewerSchema, apsw.Error, OSError (disk), Unavailable (another process owns a shard).
        """
        self._data_dir = data_dir
        self._part = part
        self._ticks = part.ticks if part else None
        self._spool_dir = data_dir / "spool" / part.spool if part else data_dir / "spool"
        for directory in (data_dir, self._spool_dir.parent, self._spool_dir, data_dir / "packs"):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_directory(directory.parent)
        _empty(self._spool_dir)
        self.directory = SqliteDirectory(
            data_dir / "directory.db", shards, writes=part is None or part.directory, ticks=self._ticks
        )
        _require_shards(data_dir, self.directory)
        self._wake = asyncio.Event()
        self.on_unheard: Callable[[AccountId], None] = lambda _: None
        self._owned = {
            number: Owned(data_dir, number, self._wake.set, self._ticks, lambda job: self.on_unheard(job.account))
            for number in range(self.directory.shards)
            if part is None or number in part.owned
        }
        self._shards = {number: Shard(data_dir, number, owned.writes) for number, owned in self._owned.items()}
        self._clock = clock
        self._chores = Chores()
        self._moving: set[AccountId] = set()  # by this process, now
        self._moved_at: dict[AccountId, float] = {}  # when this process switched the account to another shard

    @property
    def spool_dir(self) -> Path:
        """See `Store.spool_dir`."""
        return self._spool_dir

    def _shard(self, account: AccountId) -> Shard:
        return self._numbered(self.directory.shard_of(account))

    def _numbered(self, number: int) -> Shard:
        return self._shards.get(number) or self._open_foreign(number)

    def _every_shard(self) -> list[Shard]:
        return [self._numbered(number) for number in range(self.directory.shards)]

    def _open_foreign(self, number: int) -> Shard:
        """A shard of another process, which has opened it by now: whoever waits for all is told so."""
        if self._part is None:
            raise Unavailable("The account is in a shard that is not there")
        try:
            shard = Shard(self._data_dir, number, ForwardedWrites(number, self._part.carrier))
        except FAULTS as error:
            raise unavailable(error) from error
        self._shards[number] = shard
        return shard

    def owns(self, account: AccountId) -> bool:
        """Whether this process writes to the account's shard."""
        try:
            return self.directory.shard_of(account) in self._owned
        except NotFound:
            return False

    def counter(self, account: AccountId) -> Callable[[], int] | None:
        """See `Store.counter`."""
        return self._ticks.counter(account, self.directory.shard_of) if self._ticks else None

    async def carry_out(self, shard: int, op: Callable[..., Op[T]], account: AccountId, args: tuple[Any, ...]) -> T:
        """Carry out what another process forwarded.  Raises: what the operation says, and Unavailable (not ours)."""
        return cast(T, await self._own(shard).writes.submit(Job(op, account, args)))

    def carry_out_later(self, shard: int, op: Callable[..., Op[T]], account: AccountId, args: tuple[Any, ...]) -> None:
        """The same with the next commit."""
        self._own(shard).writes.submit_lazily(Job(op, account, args))

    def _own(self, shard: int) -> Owned:
        try:
            return self._owned[shard]
        except KeyError:
            raise Unavailable("This process does not own the shard") from None

    async def write(self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args) -> T:
        """See `Store.write`."""
        answer = self._shard(account).writes.submit(Job(op, account, args))
        try:
            return cast(T, await answer)
        except asyncio.CancelledError:
            # The answer and the end of whoever waits for it may come in the same turn of the loop.
            if not (isinstance(answer, asyncio.Future) and answer.cancelled()):
                self.on_unheard(account)
            raise

    def later(self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args) -> None:
        """See `Store.later`."""
        with suppress(NotFound, Unavailable):  # the account has been removed, or its shard is away: a loss without harm
            self._shard(account).writes.submit_lazily(Job(op, account, args))

    async def read(self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args) -> T:
        """See `Store.read`; never suspends."""
        return self._shard(account).read(op(account, *args))

    async def scan(self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args) -> T:
        """See `Store.scan`; runs in a thread."""
        return await self._shard(account).scan(op(account, *args))

    async def survey(
        self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args
    ) -> tuple[T, ...]:
        """See `Store.survey`; never suspends."""
        return tuple([shard.read(op(account, *args)) for shard in self._every_shard()])

    async def survey_slowly(
        self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args
    ) -> tuple[T, ...]:
        """See `Store.survey_slowly`; runs in threads."""
        return tuple(await asyncio.gather(*(shard.scan(op(account, *args)) for shard in self._every_shard())))

    async def survey_own(
        self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args
    ) -> tuple[T, ...]:
        """See `Store.survey_own`; never suspends."""
        return tuple([self._shards[number].read(op(account, *args)) for number in self._owned])

    async def put_blob(self, account: AccountId, octets: bytes | Path, sha256: bytes | None = None) -> NewBlob:
        """See `Store.put_blob`."""
        shard = self._shard(account)
        if isinstance(octets, Path):
            return await asyncio.to_thread(_adopt, shard, octets, sha256)
        digest = sha256 or hashlib.sha256(octets).digest()
        if len(octets) < IN_ROW_LIMIT:
            return NewBlob(digest, len(octets), data=octets)
        pack, offset = await shard.appends.submit(octets)
        return NewBlob(digest, len(octets), shard=shard.number, pack=pack, offset=offset)

    def open_blob(self, account: AccountId, blob: int) -> Blob:
        """See `Store.open_blob`."""
        return self._shard(account).open_blob(account, blob)

    def figures(self) -> Iterator[Figure]:
        """What the writers of this process have done, and what was done in the background."""
        writers = [owned.writer for owned in self._owned.values()]
        yield "commits", (), sum(writer.commits for writer in writers)
        yield "commit_operations", (), sum(writer.committed for writer in writers)
        yield "commit_seconds", (), sum(writer.commits_s for writer in writers)
        yield "wal_pages", (), sum(writer.wal_pages for writer in writers)
        yield from self._chores.figures()

    async def maintain(self) -> None:
        """Write logs back, by size or when idle, and lazy writes with them; until cancelled.

        One task runs this as long as the store is open.  Raises: Unavailable; it may be called again then.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            self._wake.clear()
            for owned in self._owned.values():
                owned.writes.work_off_lazy()
                idle = time.monotonic() - owned.writes.last_used > IDLE_S
                pages = owned.writer.wal_pages
                if owned.log_is_long or (pages and idle):
                    await self._write_back(owned, pages)

    async def _write_back(self, owned: Owned, pages: int) -> None:
        chore = self._chores.checkpoint
        with chore.piece():
            await owned.checkpoint()
        chore.rows += pages
        chore.last_at = self._clock()

    async def tidy(self) -> None:
        """Sweep now and then, and remove what moves left behind, in pieces with rests between them; until cancelled.

        One task runs this as long as the store is open.  Raises: Unavailable; it may be called again then.
        """
        swept = -SWEEP_S
        while True:
            await asyncio.sleep(TIDY_S)
            if time.monotonic() - swept > SWEEP_S:
                swept = time.monotonic()
                await self.sweep(int(self._clock()))
            if self.directory.writes:
                await self.clear_moved()

    async def checkpoint(self) -> None:
        """Write all logs back, in a thread.  Raises: Unavailable."""
        for owned in self._owned.values():
            await owned.checkpoint()

    async def check(self, account: AccountId) -> tuple[str, ...]:
        """What is wrong with an account: rows that disagree, octets that are missing or changed.  Runs in a thread.

        Raises: NotFound, Unavailable.
        """
        shard = self._shard(account)
        return await asyncio.to_thread(verify_account, shard.path, shard.packs, account)

    async def check_files(self) -> tuple[str, ...]:
        """What is wrong with the database files themselves.  Runs in a thread.  Raises: Unavailable."""
        paths = [shard_path(self._data_dir, number) for number in range(self.directory.shards)]
        found = [await asyncio.to_thread(verify_file, path) for path in paths]
        return tuple(problem for problems in found for problem in problems)

    async def sweep(self, now: int, *, keep_s: int = KEEP_S) -> None:
        """Forget tombstones older than `keep_s` and what only they kept alive; give back the room in packs.

        Also goes on with removals that were interrupted.  May be stopped anywhere.  Raises: Unavailable.
        """
        for entry in self.directory.list():
            if entry.state is AccountState.ACTIVE and entry.shard in self._owned:
                await self._sweep_account(entry.account, now, keep_s)
            elif entry.state is AccountState.REMOVING and self.directory.writes:
                await self.remove_account(entry.account)
        self._chores.tombstones.last_at = self._clock()
        for number, shard in tuple(self._shards.items()):
            if number in self._owned:
                await sweep_packs(shard, now, self._chores.packs)
            else:
                shard.packs.forget_unlinked()
        self._chores.packs.last_at = self._clock()

    async def _sweep_account(self, account: AccountId, now: int, keep_s: int) -> None:
        try:
            done = False
            while not done:
                done = await self._sweep_piece(account, now, keep_s)
        except NotFound:  # it has been removed meanwhile
            return
        except Unavailable:
            if self.directory.get(account).state is not AccountState.MOVING:
                raise

    async def _sweep_piece(self, account: AccountId, now: int, keep_s: int) -> bool:
        chore, started = self._chores.tombstones, time.perf_counter()
        with chore.piece():
            swept = await self.write(sweep, account, now, keep_s)
        chore.rows += swept.rows
        chore.octets += swept.octets
        if swept.rows:
            await chore.rest(started)
        return swept.done

    async def move_account(self, account: AccountId, shard: int, tell: Callable[[int, int], None]) -> None:
        """See `Store.move_account`."""
        entry = self.directory.get(account)
        if not 0 <= shard < self.directory.shards:
            raise Invalid(f"There are {self.directory.shards} shards, numbered from 0")
        if account in self._moving or entry.state is not AccountState.ACTIVE:
            raise Conflict("The account is being made, moved or removed")
        if shard == entry.shard:
            return
        self._moving.add(account)
        try:
            await self._clear(entry)
            if self.directory.get(account).state is not AccountState.ACTIVE:
                raise Conflict("The account is being removed")
            self.directory.begin_move(account, shard)
            source, target = self._numbered(entry.shard), self._numbered(shard)
            try:
                await copy_account(source, target, account, self._spool_dir, tell)
            except Exception:
                await self._undo(self.directory.get(account))
                raise
            self.directory.finish_move(account)
            self._moved_at[account] = time.monotonic()
        finally:
            self._moving.discard(account)

    async def _undo(self, entry: DirectoryEntry) -> None:
        await self._numbered(entry.shard).writes.submit(Job(release_account, entry.account, ()))
        self.directory.set_state(entry.account, AccountState.ACTIVE)

    async def undo_moves(self) -> list[AccountId]:
        """See `Store.undo_moves`."""
        undone = []
        for entry in self.directory.list_unsettled():
            if entry.state is AccountState.MOVING and entry.account not in self._moving:
                await self._undo(entry)
                undone.append(entry.account)
        return undone

    async def clear_moved(self, *, grace_s: float = GRACE_S) -> None:
        """See `Store.clear_moved`.  `grace_s`: how long after a move somebody may still be reading at the old place."""
        await self.undo_moves()
        for entry in self.directory.list_unsettled():
            account, since = entry.account, self._moved_at.get(entry.account)
            if account not in self._moving and (since is None or time.monotonic() - since >= grace_s):
                self._moving.add(account)
                try:
                    await self._clear(entry)
                finally:
                    self._moving.discard(account)

    async def _clear(self, entry: DirectoryEntry) -> None:
        """Remove what lies in the other shard, in pieces."""
        if entry.other_shard is None:
            return
        assert entry.state is not AccountState.MOVING
        assert entry.shard != entry.other_shard
        other = self._numbered(entry.other_shard)
        await self._remove_rows(other, entry.account)
        with suppress(NotFound):  # it has been removed meanwhile
            self.directory.forget_other_shard(entry.account)
        self._moved_at.pop(entry.account, None)

    async def remove_account(self, account: AccountId) -> None:
        """Remove all rows of an account, then its place in the directory; go on where an earlier call stopped.

        Octets in packs go with a later `sweep`.  Raises: NotFound, Unavailable.
        """
        self.directory.set_state(account, AccountState.REMOVING)
        await self._clear(self.directory.get(account))
        await self._remove_rows(self._shard(account), account)
        self.directory.remove(account)

    async def _remove_rows(self, shard: Shard, account: AccountId) -> None:
        """In pieces: a big account takes long, and others write meanwhile."""
        chore, done = self._chores.removals, False
        while not done:
            started = time.perf_counter()
            with chore.piece():
                done = await shard.writes.submit(Job(remove_account, account, ()))
            if not done:
                await chore.rest(started)
        chore.last_at = self._clock()

    async def close(self) -> None:
        """Finish what is queued, lazy writes too, and let go of the files."""
        for shard in self._shards.values():
            await shard.appends.drain()
        for owned in self._owned.values():
            await owned.writes.drain()
        for shard in self._shards.values():
            shard.close()
        for owned in self._owned.values():
            owned.close()
        self.directory.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _empty(spool: Path) -> None:
    """Nobody is waiting any more for what lies there."""
    for left_over in spool.iterdir():
        if left_over.is_dir():
            shutil.rmtree(left_over)
        else:
            left_over.unlink()


def _require_shards(data_dir: Path, directory: SqliteDirectory) -> None:
    """Raises: FileNotFoundError, when accounts have their mail in a file that is missing: it must not be made anew."""
    full = (AccountState.ACTIVE, AccountState.MOVING)
    for number in {entry.shard for entry in directory.list() if entry.state in full}:
        path = shard_path(data_dir, number)
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing, with the mail of accounts in it: restore it from a backup")


def _adopt(shard: Shard, path: Path, sha256: bytes | None) -> NewBlob:
    if sha256 is None:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").digest()
    size = path.stat().st_size
    return NewBlob(sha256, size, shard=shard.number, pack=shard.packs.adopt(path), offset=0)
