"""Copying an account from one shard to another, while it can be read and nobody writes to it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from mailkeep.model.errors import Unavailable, storage_fault
from mailkeep.model.ids import AccountId
from mailkeep.store.contract import SPOOL_LIMIT, Blob, Row, Value
from mailkeep.store.ops.count_rows import count_rows
from mailkeep.store.ops.hold_account import hold_account
from mailkeep.store.ops.put_rows import put_rows
from mailkeep.store.ops.read_rows import read_rows
from mailkeep.store.sqlite.chores import rest
from mailkeep.store.sqlite.shard import Shard
from mailkeep.store.sqlite.writer import Job
from mailkeep.store.steps.tables import TABLES, key_of

FEW: Final = 32  # rows of the first page
MANY: Final = 2048
AIM: Final = 512 * 1024  # octets of a page; rows differ from 30 octets to megabytes
SHARE: Final = 0.5  # of the target's writer
BATCH: Final = 8 * 1024 * 1024  # octets of packs in memory at a time
CHUNK: Final = 1024 * 1024

Tell = Callable[[int, int], None]


async def copy_account(source: Shard, target: Shard, account: AccountId, spool: Path, tell: Tell) -> None:
    """Hold the account in `source`, and copy all that it has into `target`, where nothing of it may be.

    Its own row comes last: until then nobody can use it there.
    Raises: NotFound, Unavailable; the account is to be released then, and what has been copied to be removed.
    """
    await source.writes.submit(Job(hold_account, account, ()))
    counts = await source.scan(count_rows(account))
    copying = _Copying(source, target, account, spool, tell, sum(count for _, count in counts))
    for table, _ in TABLES:
        await copying.table(table)
    if counts != await target.scan(count_rows(account)):
        raise Unavailable("The copy of the account is not complete")
    await copying.table("account")


class _Copying:
    def __init__(self, source: Shard, target: Shard, account: AccountId, spool: Path, tell: Tell, total: int) -> None:
        self._source = source
        self._target = target
        self._account = account
        self._spool = spool
        self._tell = tell
        self._total = total
        self._done = 0

    async def table(self, table: str) -> None:
        """All rows, in pages of about the same size."""
        columns = 1 + key_of(table).count(",")
        after: tuple[Value, ...] = ()
        limit = FEW
        while rows := await self._source.scan(read_rows(self._account, table, after, limit)):
            after = rows[-1][:columns]
            page = tuple(row[columns:] for row in rows)
            if table == "blob":
                page = await self._bring(page)
            started = time.perf_counter()
            await self._target.writes.submit(Job(put_rows, self._account, (table, page)))
            await rest(started, SHARE)
            self._done += len(rows)
            self._tell(self._done, self._total)
            limit = max(FEW, min(MANY, limit * AIM // max(AIM // 4, _size(page))))

    async def _bring(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        """Put the octets of blobs, where they are in packs, into packs of the target; rows with the new places."""
        places: list[Awaitable[tuple[int, int]] | None] = []
        octets = 0
        for _, number, _, size, _, pack, _ in rows:
            if pack is None:
                places.append(None)
                continue
            if octets + size > BATCH:
                await asyncio.gather(*(place for place in places if place is not None))
                octets = 0
            blob = self._source.open_blob(self._account, number)
            octets += size
            places.append(await self._put(blob))
        return tuple(
            [row if place is None else (*row[:5], *(await place)) for row, place in zip(rows, places, strict=True)]
        )

    async def _put(self, blob: Blob) -> Awaitable[tuple[int, int]]:
        if blob.size <= SPOOL_LIMIT:
            return self._target.appends.submit(await asyncio.to_thread(blob.read))
        place: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
        place.set_result((await asyncio.to_thread(self._adopt, blob), 0))
        return place

    def _adopt(self, blob: Blob) -> int:
        """A large one becomes a pack of its own, as it was."""
        try:
            with tempfile.NamedTemporaryFile(dir=self._spool, delete=False) as file:
                for start in range(0, blob.size, CHUNK):
                    file.write(blob.read(start, CHUNK))
        except OSError as error:
            raise storage_fault(error, "The message cannot be stored now") from error
        return self._target.packs.adopt(Path(file.name))


def _size(rows: Sequence[Row]) -> int:
    return sum(len(value) if isinstance(value, bytes | str) else 8 for row in rows for value in row)
