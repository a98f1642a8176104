"""Who may do what with a mailbox: reading and changing access control lists (RFC 4314).

- An identifier is an account's address, or ``anyone``; with ``-`` before it, what is taken away.
- The list names accounts by number: who gets an address later does not get the rights of who had it.
- The owner is not on the list: he has all rights always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mailkeep.model.change import Hint
from mailkeep.model.errors import Invalid
from mailkeep.model.ids import AccountId, ModSeq
from mailkeep.model.rights import ALL, NONE, Rights
from mailkeep.service.accounts import Accounts
from mailkeep.service.bus import Bus
from mailkeep.service.pace import Pace
from mailkeep.service.places import Place
from mailkeep.store import ops
from mailkeep.store.contract import How, Store

__all__ = ["How", "Sharing"]

ANYONE: Final = "anyone"
MINUS: Final = "-"


@dataclass(frozen=True, slots=True)
class _Named:
    """An identifier: `who` as the list has it."""

    who: str
    is_owner: bool


class Sharing:
    """The verbs on access control lists; rights are checked."""

    def __init__(self, accounts: Accounts, store: Store, bus: Bus) -> None:
        self._accounts = accounts
        self._store = store
        self._bus = bus

    async def list(self, place: Place) -> tuple[tuple[str, Rights], ...]:
        """Identifiers and their rights, the owner first.  Raises: NotFound, Forbidden (needs ``a``)."""
        place.require("a")
        owner = self._accounts.find_by_number(place.account)
        entries = [] if owner is None or owner.shared else [(owner.address, ALL)]
        pace = Pace()
        for who, rights in await self._store.read(ops.read_acl, place.account, place.mailbox.id):
            if (identifier := self._identifier(who)) is not None:
                entries.append((identifier, rights))
            if pace.is_over:
                await pace.give_way()
        return tuple(entries)

    def _identifier(self, who: str) -> str | None:
        """The identifier of an entry; None when its account is no more."""
        name = who.removeprefix(MINUS)
        if name == ANYONE:
            return who
        account = self._accounts.find_by_number(AccountId(int(name))) if name.isdecimal() else None
        return None if account is None else who[: len(who) - len(name)] + account.address

    def grantable(self, place: Place, identifier: str) -> tuple[Rights, Rights]:
        """The rights that `identifier` always has, and those that it can be given, each by itself.

        Raises: NotFound, Forbidden (needs ``a``), Invalid (no such user).
        """
        place.require("a")
        named = self._named(place, identifier)
        return (ALL, NONE) if named.is_owner else (NONE, ALL)

    async def change(self, place: Place, identifier: str, how: How, rights: Rights) -> None:
        """Change the rights of `identifier`; without any it is taken off the list.

        Raises: NotFound, Forbidden (needs ``a``), Invalid (no such user; rights of the owner), LimitReached.
        """
        place.require("a")
        named = self._named(place, identifier)
        if named.is_owner:
            if identifier.startswith(MINUS) or how is How.REMOVE or (how is How.REPLACE and rights != ALL):
                raise Invalid("The owner of a mailbox has all rights always")
            return
        modseq = await self._store.write(
            ops.set_acl, place.account, place.guest, place.mailbox.id, named.who, how, rights
        )
        self._bus.publish(Hint(place.account, frozenset({place.mailbox.id}), modseq, tree=True))
        if (who := named.who.removeprefix(MINUS)) != ANYONE:
            # who had no rights in this account until now does not listen to what happens there
            self._bus.publish(Hint(AccountId(int(who)), frozenset(), ModSeq(0), tree=True))

    def _named(self, place: Place, identifier: str) -> _Named:
        name = identifier.removeprefix(MINUS)
        if name == ANYONE:
            return _Named(identifier, is_owner=False)
        account = self._accounts.find(name)
        if account is None:
            raise Invalid("There is no such user")
        return _Named(identifier[: len(identifier) - len(name)] + str(account.id), account.id == place.account)
