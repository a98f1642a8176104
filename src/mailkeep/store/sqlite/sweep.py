"""Packs in which nothing, or little, is alive."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from typing import Final

from mailkeep import telemetry
from mailkeep.model.errors import Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.store.blobs.packs import PackFile
from mailkeep.store.contract import Op, Sql
from mailkeep.store.sqlite.chores import Chore
from mailkeep.store.sqlite.shard import Shard
from mailkeep.store.sqlite.writer import Job

UNTOUCHED_S: Final = 3600  # a younger pack may hold octets whose row is still on its way, or be read by an old row
WORTHWHILE: Final = 0.5  # a pack is rewritten when less than this part of it is alive
OCTETS: Final = 2 * 1024 * 1024  # copied and switched at a time,
BLOBS: Final = 128  # or so many

log = telemetry.logger()

Alive = tuple[AccountId, int, int, int]  # account, blob, offset, size
Move = tuple[AccountId, int, int, int, int]  # account, blob, the pack it leaves, new pack, new offset


async def sweep_packs(shard: Shard, now: int, chore: Chore) -> None:
    """Remove packs that no row names, and empty those that are mostly dead, in pieces, with rests between them.

    May be stopped anywhere and begun again: each row names the old place until the new one is on disk.
    """
    for pack in sorted(shard.packs.list()):
        path = shard.packs.path(pack)
        state = path.stat()
        if now - state.st_mtime < UNTOUCHED_S or shard.packs.is_being_filled(pack):
            continue
        started = time.perf_counter()
        with chore.piece():
            alive = await shard.scan(_alive(pack))
            if not alive:
                shard.packs.unlink(pack)
                chore.octets += state.st_size
        await chore.rest(started)
        if alive and sum(size for *_, size in alive) < state.st_size * WORTHWHILE:
            try:
                await _rewrite(shard, pack, alive, chore)
            except Unavailable as error:  # damaged, perhaps: the packs behind it are looked at all the same
                log.warning("store.pack_not_rewritten", pack=pack, shard=shard.number, text=error.text)
            else:
                os.utime(path)  # it is removed when whoever reads it now has had time to finish


async def _rewrite(shard: Shard, pack: int, alive: Sequence[Alive], chore: Chore) -> None:
    """Copy what is alive into the pack that is being filled, and let its rows know."""
    source = shard.packs.open(pack)
    at = 0
    while at < len(alive):
        some: list[Alive] = []
        octets = 0
        while at < len(alive) and octets < OCTETS and len(some) < BLOBS:
            some.append(alive[at])
            octets += alive[at][3]
            at += 1
        started = time.perf_counter()
        with chore.piece():
            await _rewrite_some(shard, pack, source, some)
        chore.rows += len(some)
        await chore.rest(started)


async def _rewrite_some(shard: Shard, pack: int, source: PackFile, some: Sequence[Alive]) -> None:
    octets = await asyncio.to_thread(_read, source, some)
    places = await asyncio.gather(*map(shard.appends.submit, octets))
    moves: tuple[Move, ...] = tuple(
        (account, blob, pack, *place) for (account, blob, _, _), place in zip(some, places, strict=True)
    )
    await shard.writes.submit(Job(_switch, AccountId(0), (moves,)))


def _read(source: PackFile, some: Sequence[Alive]) -> list[bytes]:
    return [source.read(offset, size) for _, _, offset, size in some]


def _alive(pack: int) -> Op[list[Alive]]:
    rows = yield Sql('SELECT account, blob, "offset", size FROM blob WHERE pack = ? ORDER BY "offset"', (pack,))
    return [(AccountId(account), blob, offset, size) for account, blob, offset, size in rows]


def _switch(_: AccountId, moves: tuple[Move, ...]) -> Op[None]:
    """Those removed meanwhile are passed over."""
    for account, blob, old, new, offset in moves:
        yield Sql(
            'UPDATE blob SET pack = ?, "offset" = ? WHERE account = ? AND blob = ? AND pack = ?',
            (new, offset, account, blob, old),
        )
