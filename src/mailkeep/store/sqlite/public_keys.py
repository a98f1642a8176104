"""OpenPGP keys of accounts: a further table of the directory's database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apsw

from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId
from mailkeep.store.contract import AccountState
from mailkeep.store.sqlite.connection import rows_of, transaction


class SqlitePublicKeys:
    """See `mailkeep.store.contract.PublicKeys`.  Every method may raise Unavailable."""

    def __init__(self, db: apsw.Connection, changed: Callable[[], None]) -> None:
        """`changed` is called after each change."""
        self._db = db
        self._changed = changed

    def put(self, account: AccountId, domain: str, hashed: str, octets: bytes, now: int) -> None:
        """See `PublicKeys.put`."""
        with transaction(self._db):
            if not self._rows(
                "SELECT 1 FROM account WHERE account = ? AND state <> ?", (account, AccountState.REMOVING.value)
            ):
                raise NotFound("No such account")
            self._rows(
                "INSERT OR REPLACE INTO public_key (account, domain, hashed, octets, created_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (account, domain, hashed, octets, now),
            )
        self._changed()

    def remove(self, account: AccountId) -> None:
        """See `PublicKeys.remove`."""
        if not self._rows("DELETE FROM public_key WHERE account = ? RETURNING 1", (account,)):
            raise NotFound("The account has no key")
        self._changed()

    def find(self, domain: str, hashed: str) -> bytes | None:
        """See `PublicKeys.find`."""
        return self._one("SELECT octets FROM public_key WHERE domain = ? AND hashed = ?", (domain, hashed))

    def find_of(self, account: AccountId) -> bytes | None:
        """See `PublicKeys.find_of`."""
        return self._one("SELECT octets FROM public_key WHERE account = ?", (account,))

    def _one(self, text: str, args: tuple[Any, ...]) -> bytes | None:
        rows = self._rows(text, args)
        return bytes(rows[0][0]) if rows else None

    def _rows(self, text: str, args: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return rows_of(self._db, text, args)
