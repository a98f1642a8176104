"""Which accounts there are: a small database of its own."""

from __future__ import annotations

import builtins
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from mailkeep.model.address import fold
from mailkeep.model.errors import AlreadyExists, Invalid, NotFound
from mailkeep.model.ids import AccountId
from mailkeep.store.contract import AccountState, DirectoryEntry
from mailkeep.store.sqlite.app_passwords import SqliteAppPasswords
from mailkeep.store.sqlite.connection import migrate, open_reader, open_writer, rows_of, transaction
from mailkeep.store.sqlite.names import SqliteNames
from mailkeep.store.sqlite.public_keys import SqlitePublicKeys
from mailkeep.store.sqlite.ticks import Ticks

COLUMNS: Final = "account, address, shard, state, password, created_at, other_shard, shared, scram, epoch"
MAX_ADDRESS: Final = 320  # octets


class SqliteDirectory:
    """See `mailkeep.store.contract.Directory`.  Every method may raise Unavailable."""

    def __init__(self, path: Path, shards: int, *, writes: bool = True, ticks: Ticks | None = None) -> None:
        """Accounts made from now on go to the first `shards` shards.

        Without `writes` another process changes the directory, and has opened it already; `ticks` tell of that.
        """
        self.writes = writes
        self._spread = shards
        self._ticks = ticks
        self._changes = 0
        self._db = open_writer(path) if writes else open_reader(path)
        if writes:
            migrate(self._db, path, "directory")
        self.names = SqliteNames(self._db, self._changed)
        self.public_keys = SqlitePublicKeys(self._db, self._changed)
        self.app_passwords = SqliteAppPasswords(self._db, self._changed)
        self._seen = self.changes  # when `_shard_of` was right
        self._shard_of: dict[AccountId, int] = {
            AccountId(a): shard for a, shard in self._rows("SELECT account, shard FROM account")
        }
        # However few are asked for: shards that hold accounts are there.
        [(most,)] = self._rows("SELECT max(max(shard), max(coalesce(other_shard, 0))) FROM account")
        self.shards = max(shards, 1 + (most or 0))

    @property
    def changes(self) -> int:
        """See `Directory.changes`."""
        return self._ticks.of_directory() if self._ticks else self._changes

    @property
    def secret(self) -> bytes:
        """See `Directory.secret`."""
        [(octets,)] = self._rows("SELECT octets FROM secret")
        return bytes(octets)

    def _changed(self) -> None:
        self._changes += 1
        if self._ticks:
            self._ticks.count_directory()

    def shard_of(self, account: AccountId) -> int:
        """The shard that holds an account.  Raises: NotFound."""
        if not self.writes and self._seen != (changes := self.changes):  # it may have been moved
            self._seen = changes
            self._shard_of.clear()
        shard = self._shard_of.get(account)
        if shard is None:
            if self.writes:
                raise NotFound("No such account")
            shard = self._shard_of[account] = self.get(account).shard
        return shard

    def add(
        self, address: str, password: str | None, now: int, *, shared: bool = False, scram: str | None = None
    ) -> DirectoryEntry:
        """See `Directory.add`."""
        local, at, domain = address.rpartition("@")
        if not (local and at and domain) or len(address.encode()) > MAX_ADDRESS or not address.isprintable():
            raise Invalid("Not a mail address")
        with transaction(self._db):
            if self._rows("SELECT 1 FROM account WHERE folded = ?", (fold(address),)):
                raise AlreadyExists("There is an account of that address already")
            if self._rows("SELECT 1 FROM alias WHERE folded = ?", (fold(address),)):
                raise AlreadyExists("There is an alias of that address: remove it first")
            [(number,)] = self._rows("UPDATE counter SET next_account = next_account + 1 RETURNING next_account - 1")
            shard = number % self._spread
            self._rows(
                f"INSERT INTO account (folded, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, 0)",  # noqa: S608  a constant
                (fold(address), number, address, shard, AccountState.CREATING.value, password, now, int(shared), scram),
            )
        self._shard_of[AccountId(number)] = shard
        self._changed()
        return self.get(AccountId(number))

    def find(self, address: str) -> DirectoryEntry | None:
        """See `Directory.find`."""
        rows = self._rows(f"SELECT {COLUMNS} FROM account WHERE folded = ?", (fold(address),))  # noqa: S608  a constant
        return _entry(rows[0]) if rows else None

    def get(self, account: AccountId) -> DirectoryEntry:
        """See `Directory.get`."""
        rows = self._rows(f"SELECT {COLUMNS} FROM account WHERE account = ?", (account,))  # noqa: S608  a constant
        if not rows:
            raise NotFound("No such account")
        return _entry(rows[0])

    def list(self) -> builtins.list[DirectoryEntry]:
        """See `Directory.list`."""
        return [_entry(row) for row in self._rows(f"SELECT {COLUMNS} FROM account ORDER BY folded")]  # noqa: S608

    def set_password(self, account: AccountId, password: str | None, scram: str | None = None) -> None:
        """See `Directory.set_password`."""
        self._change(
            "UPDATE account SET password = ?, scram = ?, epoch = epoch + 1 WHERE account = ? RETURNING 1",
            (password, scram, account),
        )

    def replace_hash(self, account: AccountId, old: str, new: str, scram: str | None) -> None:
        """See `Directory.replace_hash`."""
        with suppress(NotFound):
            self._change(
                "UPDATE account SET password = ?, scram = ? WHERE account = ? AND password = ? RETURNING 1",
                (new, scram, account, old),
            )

    def set_state(self, account: AccountId, state: AccountState) -> None:
        """See `Directory.set_state`."""
        self._change("UPDATE account SET state = ? WHERE account = ? RETURNING 1", (state.value, account))

    def begin_move(self, account: AccountId, shard: int) -> None:
        """State MOVING, to `shard`.  Raises: NotFound."""
        self._change(
            "UPDATE account SET state = ?, other_shard = ? WHERE account = ? RETURNING 1",
            (AccountState.MOVING.value, shard, account),
        )

    def finish_move(self, account: AccountId) -> None:
        """It is where it was to go to; rows of it lie in the old place.  Raises: NotFound."""
        self._change(
            "UPDATE account SET state = ?, shard = other_shard, other_shard = shard WHERE account = ? RETURNING 1",
            (AccountState.ACTIVE.value, account),
        )
        self._shard_of[account] = self.get(account).shard

    def forget_other_shard(self, account: AccountId) -> None:
        """It has rows in one shard only.  Raises: NotFound."""
        self._change("UPDATE account SET other_shard = NULL WHERE account = ? RETURNING 1", (account,))

    def list_unsettled(self) -> builtins.list[DirectoryEntry]:
        """Accounts with an `other_shard`."""
        return [
            _entry(row)
            for row in self._rows(f"SELECT {COLUMNS} FROM account WHERE other_shard IS NOT NULL")  # noqa: S608
        ]

    def remove(self, account: AccountId) -> None:
        """See `Directory.remove`."""
        with transaction(self._db):
            self._rows("DELETE FROM alias WHERE account = ?", (account,))
            self._rows("DELETE FROM public_key WHERE account = ?", (account,))
            self._rows("DELETE FROM app_password WHERE account = ?", (account,))
            self._rows("DELETE FROM account WHERE account = ?", (account,))
        self._shard_of.pop(account, None)
        self._changed()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close(force=True)

    def _change(self, text: str, args: tuple[Any, ...]) -> None:
        if not self._rows(text, args):
            raise NotFound("No such account")
        self._changed()

    def _rows(self, text: str, args: tuple[Any, ...] = ()) -> builtins.list[tuple[Any, ...]]:
        return rows_of(self._db, text, args)


def _entry(row: tuple[Any, ...]) -> DirectoryEntry:
    number, address, shard, state, password, created_at, other_shard, shared, scram, epoch = row
    return DirectoryEntry(
        account=AccountId(number),
        address=address,
        shard=shard,
        state=AccountState(state),
        password=password,
        created_at=created_at,
        other_shard=other_shard,
        shared=bool(shared),
        scram=scram,
        epoch=epoch,
    )
