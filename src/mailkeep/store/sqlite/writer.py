"""The one writer of a shard: a batch of operations, one transaction, one sync."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from mailkeep import telemetry
from mailkeep.model.errors import MailError, Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op
from mailkeep.store.sqlite.connection import BUSY_MS, FAULTS, migrate, open_writer, unavailable
from mailkeep.store.sqlite.run import run

log = telemetry.logger()


@dataclass(slots=True)
class Job:
    """An operation and its arguments.  Not frozen: one is made per write."""

    op: Callable[..., Op[Any]]
    account: AccountId
    args: tuple[Any, ...]


# Operations that decide who may write to an account: each in a transaction of its own.
TURNS: Final = frozenset({"hold_account", "release_account", "remove_account"})


@dataclass(slots=True)
class Batch:
    """Jobs that have been carried out: what each ended with, and whether their transaction has ended already.

    Or those that are yet to be carried out, one by one.
    """

    outcomes: Sequence[Any]
    ended: bool
    singly: Sequence[Job] = ()


class _AnotherFailed(Exception):
    """An operation of the batch failed after it had written: the others must run again."""


class Writer:
    """Owns the writing connection of one database file.  Not for two threads at a time."""

    def __init__(self, path: Path, number: int) -> None:
        """`number` is that of the shard."""
        self._path = path
        self._number = number
        self._db: apsw.Connection | None = None
        self._faulty = False  # the last transaction met a fault of disk or memory: said once, not for each
        self.wal_pages = 0
        self.restart_wal = False  # the log has grown while it was never idle: write it back and begin it anew
        self.commit_s = 0.0  # what the last COMMIT took
        self.commits = 0  # so far,
        self.committed = 0  # the operations in them,
        self.commits_s = 0.0  # and the time they took
        self._held: frozenset[AccountId] = frozenset()  # nobody may write to these: they are being moved
        self._open(make=True)

    def _open(self, *, make: bool = False) -> apsw.Connection:
        """A file that vanished while in use is not made anew: it would be empty, and look as if all were well."""
        db = open_writer(self._path, make=make)
        migrate(db, self._path, "shard")
        if not db.execute("SELECT 1 FROM place").fetchall():
            db.execute("INSERT INTO place VALUES (?)", (self._number,)).fetchall()
        db.set_wal_hook(self._committed)
        self._held = _read_held(db)
        self._db = db
        return db

    def _committed(self, db: apsw.Connection, name: str, pages: int) -> int:  # noqa: ARG002  SQLite's signature
        self.wal_pages = pages
        return apsw.SQLITE_OK

    def begin(self, jobs: Sequence[Job]) -> Batch:
        """Carry out the jobs; nothing is good before `commit` has returned what `begin` made."""
        try:
            if not any(job.op.__name__ in TURNS for job in jobs):
                return self._carry_out(jobs)
        except _AnotherFailed:
            pass
        return Batch((), ended=True, singly=jobs)  # a commit for each: that is for `commit`, not for the loop

    def commit(self, batch: Batch) -> Sequence[Any]:
        """The result of each job, or the exception it ended with.  Waits for the disk, and does little else."""
        if batch.singly:
            return [outcome for job in batch.singly for outcome in self._take_turn(job)]
        outcomes = batch.outcomes if batch.ended else self._commit(batch.outcomes)
        if self.restart_wal:
            self._restart_wal()
        return outcomes

    def _take_turn(self, job: Job) -> Sequence[Any]:
        outcomes = self.commit(self._carry_out([job]))
        if self._db is not None and job.op.__name__ in TURNS:
            self._held = _read_held(self._db)
        return outcomes

    def _restart_wal(self) -> None:
        self.restart_wal = False
        if self._db is not None:
            with suppress(apsw.Error):  # in use: another time
                self._db.set_busy_timeout(0)
                self._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
            self._db.set_busy_timeout(BUSY_MS)

    def _carry_out(self, jobs: Sequence[Job]) -> Batch:
        """One transaction, left open.  Raises: _AnotherFailed, when there are several and they must run one by one."""
        try:
            db = self._db or self._open()
            if db.in_transaction:  # the last batch ended halfway, for want of memory or by a bug
                db.execute("ROLLBACK").fetchall()
            db.execute("BEGIN IMMEDIATE").fetchall()
        except FAULTS as error:
            self._reopen()
            return Batch([self._caused(error)] * len(jobs), ended=True)
        outcomes: list[Any] = []
        for job in jobs:
            if job.account in self._held and job.op.__name__ not in TURNS:
                outcomes.append(Unavailable("The account is being moved: try again soon"))
                continue
            before = db.total_changes()
            try:
                outcomes.append(run(db, job.op(job.account, *job.args)))
            except Exception as error:  # it is handed to the one who asked
                # One that failed before it wrote anything leaves the others alone.  After a fault SQLite may have
                # rolled back by itself.
                if isinstance(error, MailError) and db.in_transaction and db.total_changes() == before:
                    outcomes.append(error)
                    continue
                self._rollback(db, error)
                if len(jobs) > 1:
                    raise _AnotherFailed from error
                return Batch([self._caused(error) if isinstance(error, FAULTS) else error], ended=True)
        return Batch(outcomes, ended=False)

    def _commit(self, outcomes: Sequence[Any]) -> Sequence[Any]:
        started = time.perf_counter()
        try:
            assert self._db is not None
            self._db.execute("COMMIT").fetchall()
        except apsw.Error as error:
            self._reopen()
            return [self._caused(error)] * len(outcomes)
        self.commit_s = time.perf_counter() - started
        self.commits += 1
        self.committed += len(outcomes)
        self.commits_s += self.commit_s
        if self._faulty:
            self._faulty = False
            log.info("store.recovered", file=self._path.name)
        return outcomes

    def _rollback(self, db: apsw.Connection, error: BaseException) -> None:
        try:
            if db.in_transaction:
                db.execute("ROLLBACK").fetchall()
        except apsw.Error:
            self._reopen()
            return
        if isinstance(error, FAULTS) and not isinstance(error, apsw.FullError):
            self._reopen()

    def _reopen(self) -> None:
        """What the connection believes of the file may be wrong after a fault: begin anew, now or at the next write."""
        self.close()
        try:
            self._open()
        except FAULTS:
            self._db = None

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            self._db.close(force=True)
            self._db = None

    def _caused(self, error: BaseException) -> Unavailable:
        if not self._faulty:
            self._faulty = True
            log.error("store.fault", file=self._path.name, kind=type(error).__name__, text=str(error))
        told = unavailable(error)
        told.__cause__ = error
        return told


def _read_held(db: apsw.Connection) -> frozenset[AccountId]:
    rows: list[tuple[int]] = db.execute("SELECT account FROM held").fetchall()  # type: ignore[assignment]  # as declared
    return frozenset(AccountId(account) for (account,) in rows)
