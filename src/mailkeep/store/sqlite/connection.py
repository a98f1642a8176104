"""Connections to a database file, with settings that are read back: a wrong one is refused, not worked with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from mailkeep.model.errors import NoSpace, Unavailable
from mailkeep.store.schema import migrations

PAGE_SIZE: Final = 8192
CACHE_KIB: Final = 32 * 1024
BUSY_MS: Final = 5000  # only a checkpoint or the command line can be in the way
STATEMENTS: Final = 256  # prepared ones kept per connection

# a passing fault of disk or memory, as opposed to a mistake in a statement
FAULTS: Final = (
    apsw.FullError,
    apsw.IOError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.InterruptError,
    apsw.ProtocolError,
)


class WrongSetting(Exception):
    """A database does not do what was asked of it; the text says which file and what."""


class NewerSchema(Exception):
    """A database was written by a newer program; the text says which."""


def unavailable(error: BaseException) -> Unavailable:
    """What callers are told of one of `FAULTS`."""
    if isinstance(error, apsw.FullError):
        return NoSpace("The disk is full")
    return Unavailable("The mail store is not available now")


def rows_of(db: apsw.Connection, text: str, args: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Run one statement to its end.  Raises: Unavailable."""
    try:
        return db.execute(text, args).fetchall()
    except FAULTS as error:
        raise unavailable(error) from error


@contextmanager
def transaction(db: apsw.Connection) -> Iterator[None]:
    """All or nothing.  Raises: Unavailable, also where the end of it cannot be written."""
    try:
        with db:
            yield
    except FAULTS as error:
        raise unavailable(error) from error


def open_writer(path: Path, *, make: bool = True) -> apsw.Connection:
    """Open for reading and writing; with `make`, make the file if there is none.

    Raises: WrongSetting, and `FAULTS`, which name the file.
    """
    new = not path.exists() or not path.stat().st_size
    if new:
        if not make:
            raise apsw.CantOpenError(f"{path} is missing or empty")
        path.touch(mode=0o600)  # SQLite would let everybody read it, and its log: the directory may be open to others
    try:
        return _open_writer(path, new=new)
    except FAULTS as error:
        raise type(error)(f"{path}: {error}") from error


def _open_writer(path: Path, *, new: bool) -> apsw.Connection:
    db = apsw.Connection(str(path), statementcachesize=STATEMENTS)
    _configure(db)
    if new:
        db.pragma("page_size", PAGE_SIZE)
    for name, value, expected in (
        ("journal_mode", "WAL", "wal"),
        ("synchronous", "FULL", 2),
        ("wal_autocheckpoint", 0, 0),
        ("cache_size", -CACHE_KIB, -CACHE_KIB),
        ("temp_store", "MEMORY", 2),
    ):
        db.pragma(name, value)
        _require(db, path, name, expected)
    _require(db, path, "page_size", PAGE_SIZE)
    if new:
        sync_directory(path.parent)
    return db


def open_reader(path: Path) -> apsw.Connection:
    """Open for reading only; the writer must be open.  Raises: WrongSetting, and `FAULTS`."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, statementcachesize=STATEMENTS)
    _configure(db)
    db.pragma("cache_size", -CACHE_KIB)
    _require(db, path, "cache_size", -CACHE_KIB)
    _require(db, path, "journal_mode", "wal")
    return db


def _configure(db: apsw.Connection) -> None:
    db.set_busy_timeout(BUSY_MS)
    # Plans never depend on bound values.  Otherwise this build of SQLite (STAT4) prepares every statement with a range
    # anew each time it runs, which takes longer than running it.
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def _require(db: apsw.Connection, path: Path, name: str, expected: object) -> None:
    actual = db.pragma(name)
    if actual != expected:
        raise WrongSetting(f"{path}: {name} is {actual}, not {expected}")


def migrate(db: apsw.Connection, path: Path, kind: str) -> None:
    """Bring the tables up to date, one transaction a step.  Raises: NewerSchema, and `FAULTS`."""
    db.execute("CREATE TABLE IF NOT EXISTS schema_version (number INTEGER NOT NULL PRIMARY KEY)").fetchall()
    numbers = {row[0] for row in db.execute("SELECT number FROM schema_version").fetchall()}
    have = len(numbers)
    steps = migrations(kind)
    if have > len(steps):
        raise NewerSchema(
            f"{path} has schema version {have}, but this program knows versions up to {len(steps)} only:"
            " run the newer program that wrote it"
        )
    for step in steps[have:]:
        with db:
            db.execute(step.script).fetchall()
            db.execute("INSERT INTO schema_version VALUES (?)", (step.number,)).fetchall()


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
