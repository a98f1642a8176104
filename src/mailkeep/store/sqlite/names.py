"""Which domains and aliases there are: further tables of the directory's database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import apsw

from mailkeep.model.address import fold
from mailkeep.model.domain import Alias, Domain, SigningKey
from mailkeep.model.errors import AlreadyExists, Conflict, Invalid, NotFound
from mailkeep.model.ids import AccountId
from mailkeep.store.contract import AccountState
from mailkeep.store.sqlite.connection import rows_of, transaction

# What stands behind the last @.  Letter by letter as the indices have it, or they are not used.
DOMAIN_OF: Final = "substr(folded, 1 + length(rtrim(folded, replace(folded, '@', ''))))"


class SqliteNames:
    """See `mailkeep.store.contract.Names`.  Every method may raise Unavailable."""

    def __init__(self, db: apsw.Connection, changed: Callable[[], None]) -> None:
        """`changed` is called after each change."""
        self._db = db
        self._changed = changed

    def add_domain(self, domain: str, keys: tuple[SigningKey, ...], now: int) -> None:
        """See `Names.add_domain`."""
        with transaction(self._db):
            if self._rows("SELECT 1 FROM domain WHERE domain = ?", (domain,)):
                raise AlreadyExists("The domain has been added already")
            self._rows("INSERT INTO domain VALUES (?, ?)", (domain, now))
            for key in keys:
                self._put_key(key, now)
        self._changed()

    def remove_domain(self, domain: str) -> None:
        """See `Names.remove_domain`."""
        with transaction(self._db):
            if not self._rows("SELECT 1 FROM domain WHERE domain = ?", (domain,)):
                raise NotFound("No such domain has been added")
            for table, what in (("account", "accounts"), ("alias", "aliases")):
                if self._rows(f"SELECT 1 FROM {table} WHERE {DOMAIN_OF} = ? LIMIT 1", (domain,)):  # noqa: S608
                    raise Conflict(f"The domain has {what}: remove them first")
            self._rows("DELETE FROM signing_key WHERE domain = ?", (domain,))
            self._rows("DELETE FROM domain WHERE domain = ?", (domain,))
        self._changed()

    def list_domains(self) -> tuple[Domain, ...]:
        """See `Names.list_domains`."""
        return tuple(Domain(name, at) for name, at in self._rows("SELECT domain, created_at FROM domain ORDER BY 1"))

    def has_domain(self, domain: str) -> bool:
        """See `Names.has_domain`."""
        return bool(self._rows("SELECT 1 FROM domain WHERE domain = ?", (domain,)))

    def is_local(self, domain: str) -> bool:
        """See `Names.is_local`."""
        return self.has_domain(domain) or bool(
            self._rows(f"SELECT 1 FROM account WHERE {DOMAIN_OF} = ? LIMIT 1", (domain,))  # noqa: S608  a constant
        )

    def list_keys(self, domain: str) -> tuple[SigningKey, ...]:
        """See `Names.list_keys`."""
        return tuple(
            SigningKey(domain, selector, algorithm, private, bool(waiting))
            for selector, algorithm, private, waiting in self._rows(
                "SELECT selector, algorithm, private, waiting FROM signing_key WHERE domain = ? ORDER BY selector",
                (domain,),
            )
        )

    def add_keys(self, keys: tuple[SigningKey, ...], now: int) -> None:
        """See `Names.add_keys`."""
        with transaction(self._db):
            for key in keys:
                if not self.has_domain(key.domain):
                    raise NotFound("No such domain has been added")
                if any(key.selector == other.selector for other in self.list_keys(key.domain)):
                    raise AlreadyExists(f"There is a key {key.selector} already")
                self._put_key(key, now)
        self._changed()

    def turn_keys(self, domain: str) -> None:
        """See `Names.turn_keys`."""
        with transaction(self._db):
            if not self._rows("SELECT 1 FROM signing_key WHERE domain = ? AND waiting", (domain,)):
                raise NotFound("The domain has no keys that wait")
            self._rows("DELETE FROM signing_key WHERE domain = ? AND NOT waiting", (domain,))
            self._rows("UPDATE signing_key SET waiting = 0 WHERE domain = ?", (domain,))
        self._changed()

    def _put_key(self, key: SigningKey, now: int) -> None:
        self._rows(
            "INSERT INTO signing_key (domain, selector, algorithm, private, created_at, waiting)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (key.domain, key.selector, key.algorithm, key.private, now, int(key.waiting)),
        )

    def add_alias(self, address: str, account: AccountId, now: int) -> None:
        """See `Names.add_alias`."""
        folded = fold(address)
        local, _, domain = folded.rpartition("@")
        with transaction(self._db):
            if not self.is_local(domain):
                raise Invalid(f"{domain} is no domain of this server: add it first")
            if local and self._rows("SELECT 1 FROM account WHERE folded = ?", (folded,)):
                raise AlreadyExists("There is an account of that address")
            if not self._rows(
                "SELECT 1 FROM account WHERE account = ? AND state <> ?", (account, AccountState.REMOVING.value)
            ):
                raise NotFound("No such account")
            if self._rows("SELECT 1 FROM alias WHERE folded = ? AND account = ?", (folded, account)):
                raise AlreadyExists("The alias leads there already")
            self._rows("INSERT INTO alias VALUES (?, ?, ?)", (folded, account, now))
        self._changed()

    def remove_alias(self, address: str, account: AccountId | None = None) -> None:
        """See `Names.remove_alias`."""
        if not self._rows(
            "DELETE FROM alias WHERE folded = ?1 AND (?2 IS NULL OR account = ?2) RETURNING 1", (fold(address), account)
        ):
            raise NotFound("No such alias")
        self._changed()

    def find_alias(self, address: str) -> tuple[AccountId, ...]:
        """See `Names.find_alias`."""
        rows = self._rows("SELECT account FROM alias WHERE folded = ? ORDER BY account", (fold(address),))
        return tuple(AccountId(account) for (account,) in rows)

    def list_aliases(self) -> tuple[Alias, ...]:
        """See `Names.list_aliases`."""
        rows = self._rows("SELECT folded, account FROM alias ORDER BY folded, account")
        return tuple(Alias(folded, AccountId(account)) for folded, account in rows)

    def _rows(self, text: str, args: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return rows_of(self._db, text, args)
