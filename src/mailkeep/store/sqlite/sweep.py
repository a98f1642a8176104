"""Packs in which nothing, or little, is alive."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.sqlite.shard import Shard
from mailkeep.store.sqlite.writer import Job

UNTOUCHED_S: Final = 3600  # a younger pack may hold octets whose row is still on its way, or be read by an old row
WORTHWHILE: Final = 0.5  # a pack is rewritten when less than this part of it is alive
BATCH: Final = 8 * 1024 * 1024  # octets copied at a time

Move = tuple[AccountId, int, int, int, int]  # account, blob, the pack it leaves, new pack, new offset


async def sweep_packs(shard: Shard, now: int) -> int:
    """Remove packs that no row names, and empty those that are mostly dead; returns how many were removed.

    May be stopped anywhere and begun again: rows name the old place until the new one is on disk.
    """
    removed = 0
    for pack in sorted(shard.packs.list()):
        path = shard.packs.path(pack)
        state = path.stat()
        if now - state.st_mtime < UNTOUCHED_S or shard.packs.is_being_filled(pack):
            continue
        alive = shard.read(_alive(pack))
        if not alive:
            shard.packs.unlink(pack)
            removed += 1
        elif sum(size for *_, size in alive) < state.st_size * WORTHWHILE:
            await _rewrite(shard, pack, alive)
            os.utime(path)  # it is removed when whoever reads it now has had time to finish
    return removed


async def _rewrite(shard: Shard, pack: int, alive: Sequence[tuple[AccountId, int, int, int]]) -> None:
    source = shard.packs.open(pack)
    moves: list[Move] = []
    at = 0
    while at < len(alive):
        octets = 0
        copied = []
        while at < len(alive) and octets < BATCH:
            account, blob, offset, size = alive[at]
            copied.append((account, blob, shard.appends.submit(source.read(offset, size))))
            octets += size
            at += 1
        for account, blob, place in copied:
            moves.append((account, blob, pack, *(await place)))
    await shard.writes.submit(Job(_switch, AccountId(0), (tuple(moves),)))


def _alive(pack: int) -> Op[list[tuple[AccountId, int, int, int]]]:
    rows = yield Sql('SELECT account, blob, "offset", size FROM blob WHERE pack = ? ORDER BY "offset"', (pack,))
    return [(AccountId(account), blob, offset, size) for account, blob, offset, size in rows]


def _switch(_: AccountId, moves: tuple[Move, ...]) -> Op[None]:
    """All rows at once; those removed meanwhile are passed over."""
    for account, blob, old, new, offset in moves:
        yield Sql(
            'UPDATE blob SET pack = ?, "offset" = ? WHERE account = ? AND blob = ? AND pack = ?',
            (new, offset, account, blob, old),
        )
