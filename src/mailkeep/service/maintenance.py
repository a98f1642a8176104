"""What an administrator asks of an account's mail: how much there is, and whether it is sound."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.model.ids import AccountId
from mailkeep.store import ops
from mailkeep.store.contract import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an account holds.  `octets` counts copies too; `quota` None is no limit."""

    octets: int
    messages: int
    quota: int | None


class Maintenance:
    """Looks at the store as a whole."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def usage(self, account: AccountId) -> Usage:
        """What the account holds now.  Raises: NotFound."""
        row = await self._store.read(ops.get_account, account)
        return Usage(octets=row.used_octets, messages=row.used_messages, quota=row.quota)

    async def set_quota(self, account: AccountId, octets: int | None) -> None:
        """Limit what the account may hold; what is over it already stays.  Raises: NotFound."""
        await self._store.write(ops.set_quota, account, octets)

    async def clear_moved(self) -> None:
        """Remove what moves of accounts left at the old places.  Raises: Unavailable."""
        await self._store.clear_moved()

    async def check(self, account: AccountId) -> tuple[str, ...]:
        """Every broken invariant of the account's data, octets included, in words; empty when all is well."""
        return await self._store.check(account)
