"""Where mail to an address goes, and who may send as it: accounts, aliases, details, catch-all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from mailkeep.model.address import Address, parse_address, parse_domain
from mailkeep.model.domain import Alias
from mailkeep.model.errors import Invalid, NotFound, Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.store.contract import AccountState, Directory, DirectoryEntry

POSTMASTER: Final = "postmaster"
# Every domain has these (RFC 5321 §4.5.1, RFC 2142 §4): they lead to a postmaster of another domain, if need be.
ALWAYS_THERE: Final = (POSTMASTER, "abuse")


class Addresses:
    """Looks up addresses.  What is found first counts:

    1. the account with exactly this address, or the alias; never are both there;
    2. the same without ``+detail`` (RFC 5233);
    3. the alias ``@domain``, to which everything else in the domain goes;
    4. for ``postmaster`` and ``abuse`` of a local domain, and for ``postmaster`` alone: the postmaster of the first
       domain that has one.
    """

    def __init__(self, directory: Directory, *, now: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._names = directory.names
        self._now = now

    def is_local(self, domain: str) -> bool:
        """Whether mail to `domain` stays here: it has been added, or an account has its address in it.

        Raises: Unavailable.
        """
        try:
            return self._names.is_local(parse_domain(domain))
        except Invalid:
            return False

    def resolve(self, recipient: str) -> tuple[AccountId, ...]:
        """The accounts that get mail to `recipient`, ascending; at least one.

        Raises: NotFound; Unavailable where one of them is just being created or moved.
        """
        entries = self._entries(recipient)
        if not entries:
            raise NotFound("No such user here")
        for entry in entries:
            if entry.state is AccountState.CREATING:
                raise Unavailable("The account is being created")
            if entry.state is AccountState.MOVING:
                raise Unavailable("The account is being moved: try again soon")
        return tuple(entry.account for entry in entries)

    def may_send(self, account: AccountId, address: str) -> bool:
        """Whether `account` may call itself `address`: mail to it reaches this account.  Raises: Unavailable."""
        return any(entry.account == account for entry in self._entries(address))

    def _entries(self, recipient: str) -> tuple[DirectoryEntry, ...]:
        """What `recipient` leads to; accounts that are being removed no longer count."""
        if recipient.lower() == POSTMASTER:  # RFC 5321 §4.1.1.3
            return self._postmaster()
        try:
            exact = parse_address(recipient)
        except Invalid:
            return ()
        for key in _keys(exact):
            if entries := self._living(key):
                return entries
        if exact.base.local in ALWAYS_THERE and self._names.is_local(exact.domain):
            return self._postmaster()
        return ()

    def _postmaster(self) -> tuple[DirectoryEntry, ...]:
        domains = self._names.list_domains()
        found = (self._living(f"{POSTMASTER}@{domain.name}") for domain in domains)
        return next((entries for entries in found if entries), ())

    def _living(self, key: str) -> tuple[DirectoryEntry, ...]:
        own = self._directory.find(key)
        found = (own,) if own is not None else map(self._find, self._names.find_alias(key))
        return tuple(entry for entry in found if entry is not None and entry.state is not AccountState.REMOVING)

    def _find(self, account: AccountId) -> DirectoryEntry | None:
        try:
            return self._directory.get(account)
        except NotFound:  # it went between the two looks
            return None

    # --- managing aliases

    def add_alias(self, alias: str, account: str) -> Alias:
        """Let `alias` (``@domain``: whatever nobody else has) lead to `account`, besides others.

        Raises: Invalid (no address; its domain is not local), NotFound (no such account), AlreadyExists.
        """
        entry = self._directory.find(str(parse_address(account)))
        if entry is None:
            raise NotFound(f"There is no account {account}: an alias leads to accounts of this server")
        key = parse_alias(alias)
        self._names.add_alias(key, entry.account, int(self._now()))
        return Alias(key, entry.account)

    def remove_alias(self, alias: str, account: str | None = None) -> None:
        """Let `alias` no longer lead to `account`, or to nobody.  Raises: Invalid, NotFound."""
        entry = None if account is None else self._directory.find(str(parse_address(account)))
        if account is not None and entry is None:
            raise NotFound(f"There is no account {account}")
        self._names.remove_alias(parse_alias(alias), None if entry is None else entry.account)

    def list_aliases(self) -> tuple[tuple[str, str], ...]:
        """(alias, address of an account), ascending."""
        pairs = ((alias.address, self._find(alias.account)) for alias in self._names.list_aliases())
        return tuple((alias, entry.address) for alias, entry in pairs if entry is not None)

    def check(self) -> tuple[tuple[str, str], ...]:
        """Aliases that lead to no account, as (alias, what is wrong)."""
        return tuple(
            (alias.address, f"leads to account {alias.account}, which is not there")
            for alias in self._names.list_aliases()
            if self._find(alias.account) is None
        )


def parse_alias(text: str) -> str:
    """The key of an alias, ``local@domain`` or ``@domain``.  Raises: Invalid."""
    return f"@{parse_domain(text[1:])}" if text.startswith("@") else str(parse_address(text))


def _keys(address: Address) -> Iterator[str]:
    yield str(address)
    if address.base != address:
        yield str(address.base)
    yield f"@{address.domain}"
