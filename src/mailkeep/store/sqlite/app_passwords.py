"""Which app passwords there are: a further table of the directory's database."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import apsw

from mailkeep.model.app_password import AppPassword
from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId
from mailkeep.store.sqlite.connection import rows_of, transaction

COLUMNS: Final = "number, account, label, digest, scram, services, read_only, created_at, expires_at, used_at"


class SqliteAppPasswords:
    """See `mailkeep.store.contract.AppPasswords`.  Every method may raise Unavailable."""

    def __init__(self, db: apsw.Connection, changed: Callable[[], None]) -> None:
        """`changed` is called after each change that others must hear of."""
        self._db = db
        self._changed = changed

    def add(self, new: AppPassword) -> AppPassword:
        """See `AppPasswords.add`."""
        [(number,)] = self._rows(
            f"INSERT INTO app_password ({COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, NULL) RETURNING number",  # noqa: S608  a constant
            (
                new.account,
                new.label,
                new.digest,
                new.scram,
                " ".join(sorted(new.services)),
                int(new.read_only),
                new.created_at,
                new.expires_at,
            ),
        )
        self._changed()
        return replace(new, number=number)

    def remove(self, account: AccountId, number: int) -> None:
        """See `AppPasswords.remove`."""
        if not self._rows("DELETE FROM app_password WHERE account = ? AND number = ? RETURNING 1", (account, number)):
            raise NotFound("There is no such app password")
        self._changed()

    def find(self, number: int) -> AppPassword | None:
        """See `AppPasswords.find`."""
        return self._one("number = ?", number)

    def find_digest(self, digest: bytes) -> AppPassword | None:
        """See `AppPasswords.find_digest`."""
        return self._one("digest = ?", digest)

    def list(self, account: AccountId) -> tuple[AppPassword, ...]:
        """See `AppPasswords.list`."""
        return self._all("account = ?", account)

    def list_expired(self, since: int, until: int) -> tuple[AppPassword, ...]:
        """See `AppPasswords.list_expired`."""
        return self._all("expires_at > ? AND expires_at <= ?", since, until)

    def note_use(self, used: Mapping[int, int]) -> None:
        """See `AppPasswords.note_use`."""
        with transaction(self._db):
            for number, at in used.items():
                self._rows(
                    "UPDATE app_password SET used_at = max(coalesce(used_at, 0), ?) WHERE number = ?", (at, number)
                )

    def _one(self, condition: str, *args: Any) -> AppPassword | None:
        found = self._all(condition, *args)
        return found[0] if found else None

    def _all(self, condition: str, *args: Any) -> tuple[AppPassword, ...]:
        text = f"SELECT {COLUMNS} FROM app_password WHERE {condition} ORDER BY number"  # noqa: S608  constants
        return tuple(_app_password(row) for row in self._rows(text, args))

    def _rows(self, text: str, args: tuple[Any, ...] = ()) -> builtins.list[tuple[Any, ...]]:
        return rows_of(self._db, text, args)


def _app_password(row: tuple[Any, ...]) -> AppPassword:
    number, account, label, digest, scram, services, read_only, created_at, expires_at, used_at = row
    return AppPassword(
        number=number,
        account=AccountId(account),
        label=label,
        digest=digest,
        scram=scram,
        services=frozenset(services.split()),
        read_only=bool(read_only),
        created_at=created_at,
        expires_at=expires_at,
        used_at=used_at,
    )
