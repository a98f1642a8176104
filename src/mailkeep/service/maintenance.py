"""What an administrator asks of an account's mail: whether it is sound."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.service.text_check import check_text
from mailkeep.store import ops
from mailkeep.store.contract import Store


class Maintenance:
    """Looks at the store as a whole."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def clear_moved(self) -> None:
        """Remove what moves of accounts left at the old places.  Raises: Unavailable."""
        await self._store.clear_moved()

    async def check(self, account: AccountId) -> tuple[str, ...]:
        """Every broken invariant of the account's data, octets included, in words; empty when all is well."""
        return await self._store.check(account)

    async def check_text(self, account: AccountId) -> tuple[str, ...]:
        """What is wrong with the text index, which `drop_text` mends; empty when all is well."""
        return await check_text(self._store, account)

    async def drop_text(self, account: AccountId) -> None:
        """Have the text index built anew; until then messages are searched as they are.  Raises: NotFound."""
        await self._store.write(ops.drop_text, account)
