"""Checking an account down to its octets, and a file down to its pages: on a connection of their own, in a thread."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import apsw

from mailkeep.model.errors import Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.store.blobs.packs import PackFile, Packs
from mailkeep.store.ops.check import check
from mailkeep.store.sqlite.connection import FAULTS, open_reader, unavailable
from mailkeep.store.sqlite.run import run

BlobRow = tuple[int, bytes, int, bytes | None, int, int]

BLOBS: Final = (
    'SELECT blob, sha256, size, data, pack, "offset" FROM blob WHERE account = ? AND blob > ? ORDER BY blob LIMIT 100'
)


def verify_account(path: Path, packs: Packs, account: AccountId) -> tuple[str, ...]:
    """`check`, and every blob read and hashed.  Raises: NotFound, Unavailable."""
    db = open_reader(path)
    try:
        db.execute("BEGIN").fetchall()
        return (*run(db, check(account)), *_verify_blobs(db, packs, account))
    except FAULTS as error:
        raise unavailable(error) from error
    finally:
        db.close(force=True)


def _verify_blobs(db: apsw.Connection, packs: Packs, account: AccountId) -> Iterator[str]:
    last = 0
    while rows := db.execute(BLOBS, (account, last)).fetchall():
        for row in rows:
            last, sha256, size, data, pack, offset = cast(BlobRow, row)
            try:
                octets = data if data is not None else PackFile(packs.path(pack)).read(offset, size)
            except (Unavailable, FileNotFoundError):
                yield f"blob {last} cannot be read from pack {pack}"
                continue
            if len(octets) != size or hashlib.sha256(octets).digest() != sha256:
                yield f"blob {last} is not what was stored"


def verify_file(path: Path) -> tuple[str, ...]:
    """SQLite's own opinion of a database file.  Raises: Unavailable."""
    try:
        db = open_reader(path)
        try:
            found = [str(row[0]) for row in db.execute("PRAGMA integrity_check").fetchall()]
        finally:
            db.close(force=True)
    except FAULTS as error:
        raise unavailable(error) from error
    return tuple(f"{path.name}: {text}" for text in found if text != "ok")
