"""How much an account holds and may hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import Mailbox
from mailkeep.model.quota import Quota, Usage
from mailkeep.store import ops
from mailkeep.store.contract import Store

MANY: Final = 500  # messages, the sizes of which are not added up in one go


class Quotas:
    """The verbs.  `owner_may_raise`: whether the owner of an account may give himself more than he has."""

    def __init__(self, store: Store, *, owner_may_raise: bool) -> None:
        self._store = store
        self.owner_may_raise = owner_may_raise  # may be changed at any time

    async def usage(self, account: AccountId) -> Usage:
        """What the account holds now, and its limits.  Raises: NotFound."""
        return await self._store.read(ops.get_usage, account)

    async def deleted_octets(self, account: AccountId, mailbox: Mailbox) -> int:
        r"""What an EXPUNGE of the mailbox would free: the sizes of the messages with \Deleted."""
        if not mailbox.deleted:
            return 0
        read = self._store.read if mailbox.deleted < MANY else self._store.scan
        return await read(ops.deleted_octets, account, mailbox.id)

    async def set(self, account: AccountId, quota: Quota) -> None:
        """Limit what the account may hold; what is over it already stays.  Raises: NotFound."""
        await self._store.write(ops.set_quota, account, quota)

    async def change(
        self, account: AccountId, octets: int | None = None, messages: int | None = None, mailboxes: int | None = None
    ) -> None:
        """Set the limits that are given, 0 for no limit, and leave the others.  Raises: NotFound."""
        given = {"octets": octets, "messages": messages, "mailboxes": mailboxes}
        quota = (await self.usage(account)).quota
        await self.set(account, replace(quota, **{name: n or None for name, n in given.items() if n is not None}))

    async def set_own(self, account: AccountId, quota: Quota) -> None:
        """As the owner of the account does it.  Raises: NotFound, Forbidden (a limit would be raised or dropped)."""
        if self.owner_may_raise:
            await self.set(account, quota)
        else:
            await self._store.write(ops.lower_quota, account, quota)
