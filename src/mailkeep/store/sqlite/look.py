"""A short look at a database, by whoever asks, while others use it or nobody does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from mailkeep.store.schema import migrations
from mailkeep.store.sqlite.connection import BUSY_MS, FAULTS

STEPS: Final = 1000  # of SQLite's machine, less than a millisecond, between two looks at the clock
SHOWN: Final = 3  # faults of one database


@dataclass(frozen=True, slots=True)
class Look:
    """`faults` in words; `whole`: the time was enough to see everything."""

    faults: tuple[str, ...]
    whole: bool


def look_at(path: Path, seconds: float) -> Look:
    """Whether the database at `path` can be read and its pages are sound, as far as `seconds` go.

    It reads only; an index that does not fit its table is not noticed (`mailkeep check` compares them).
    """
    until = time.monotonic() + seconds
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    except FAULTS as error:
        return Look((f"cannot be opened: {error}",), whole=True)
    try:
        db.set_busy_timeout(BUSY_MS)
        newer = _newer(db, "directory" if path.name == "directory.db" else "shard")
        if newer:
            return Look((newer,), whole=True)
        db.set_progress_handler(lambda: time.monotonic() > until, STEPS)
        said = [str(row[0]) for row in db.execute(f"PRAGMA quick_check({SHOWN})")]
        return Look(tuple(line for line in said if line != "ok"), whole=True)
    except apsw.InterruptError:
        return Look((), whole=False)
    except (*FAULTS, apsw.SQLError) as error:
        return Look((f"cannot be read: {error}",), whole=True)
    finally:
        db.close()


def _newer(db: apsw.Connection, kind: str) -> str:
    have = len(db.execute("SELECT number FROM schema_version").fetchall())
    know = len(migrations(kind))
    if have <= know:
        return ""
    return f"was written by a newer program (version {have} of its tables; this one knows {know})"
