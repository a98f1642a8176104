"""The mailboxes of an account: find, list, make, rename, delete, subscribe."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from mailkeep.model.change import Hint, News
from mailkeep.model.errors import Invalid, NotFound
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.mailbox import INBOX, Mailbox, Role
from mailkeep.service.bus import Bus
from mailkeep.store import ops
from mailkeep.store.contract import Store

SUBSCRIBE: Final = True
NOBODY: Final = AccountId(0)  # no account: has the rights that anyone has
NOWHERE: Final[frozenset[MailboxId]] = frozenset()


class Mailboxes:
    """Everything here is about one account's tree; messages are `Messages`' business."""

    def __init__(self, store: Store, bus: Bus, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock

    def _now(self) -> int:
        return int(self._clock())

    def _changed(self, account: AccountId, modseq: int, *mailboxes: MailboxId) -> None:
        self._bus.publish(Hint(account, frozenset(mailboxes), ModSeq(modseq), tree=True))

    async def list(self, account: AccountId) -> tuple[Mailbox, ...]:
        """All mailboxes with their present counts, ascending by name."""
        return await self._store.read(ops.list_mailboxes, account)

    async def find(self, account: AccountId, name: str) -> Mailbox | None:
        """The mailbox of that name; a name that no mailbox can have finds none."""
        try:
            return await self._store.read(ops.find_mailbox, account, name)
        except Invalid:
            return None

    async def get(self, account: AccountId, name: str) -> Mailbox:
        """The mailbox of that name.  Raises: NotFound."""
        mailbox = await self.find(account, name)
        if mailbox is None:
            raise NotFound("There is no such mailbox")
        return mailbox

    async def at(self, account: AccountId, mailbox: MailboxId) -> Mailbox | None:
        """The mailbox of that number, while it lives."""
        try:
            return await self._store.read(ops.get_mailbox, account, mailbox)
        except NotFound:
            return None

    async def is_parent(self, account: AccountId, mailbox: MailboxId) -> bool:
        """Whether others stand below it."""
        return await self._store.read(ops.is_parent, account, mailbox)

    async def news(self, account: AccountId, since: ModSeq) -> News:
        """What happened in the account after `since`.

        Raises: NotFound (the account), StateTooOld (nobody remembers all of it).
        """
        return await self._store.read(ops.news, account, since)

    async def is_subscribed(self, account: AccountId, name: str) -> bool:
        """Whether the account is subscribed to the name."""
        return await self._store.read(ops.is_subscribed, account, name)

    async def find_post(self, account: AccountId, name: str) -> Mailbox | None:
        """The mailbox of that name, in any letter case, to which anyone may send mail (RFC 4314 §2.1: right ``p``)."""
        for mailbox, rights in await self._store.read(ops.list_granted, account, NOBODY):
            if "p" in rights and mailbox.selectable and mailbox.name.casefold() == name.casefold():
                return mailbox
        return None

    async def subscriptions(self, account: AccountId) -> tuple[str, ...]:
        """The names subscribed to, which may name what is missing; ascending."""
        return await self._store.read(ops.list_subscriptions, account)

    async def create(self, account: AccountId, name: str, role: Role | None = None) -> Mailbox:
        """Make a mailbox, with the levels above it where missing, and subscribe to it.

        Raises: AlreadyExists, Invalid (the name), LimitReached.
        """
        made = await self._store.write(ops.create_mailbox, account, name, role, SUBSCRIBE, self._now())
        self._changed(account, made.modseq, made.id)
        return made

    async def delete(self, account: AccountId, name: str) -> None:
        """Delete a mailbox with its messages; one that has children stays as a name.

        Raises: NotFound, Invalid (INBOX).
        """
        mailbox = await self.get(account, name)
        modseq = await self._store.write(ops.delete_mailbox, account, mailbox.id, self._now())
        self._changed(account, modseq, mailbox.id)

    async def rename(self, account: AccountId, name: str, new_name: str) -> None:
        """Give a mailbox, with all below it, another name.  INBOX stays and gives its messages to the new mailbox.

        Raises: NotFound, AlreadyExists, Invalid.  RFC 9051 §6.3.6.
        """
        mailbox = await self.get(account, name)
        if mailbox.name == INBOX:
            made, copied = await self._store.write(ops.rename_inbox, account, new_name, self._now())
            self._changed(account, copied.modseq, mailbox.id, made.id)
        else:
            renamed = await self._store.write(ops.rename_mailbox, account, mailbox.id, new_name, self._now())
            self._changed(account, renamed.modseq, mailbox.id)

    async def subscribe(self, account: AccountId, name: str) -> None:
        """Remember that the user wants to see `name`, which need not exist.  Raises: Invalid (the name)."""
        if modseq := await self._store.write(ops.subscribe, account, name):
            self._bus.publish(Hint(account, NOWHERE, ModSeq(modseq), tree=True))

    async def unsubscribe(self, account: AccountId, name: str) -> None:
        """Forget it."""
        if modseq := await self._store.write(ops.unsubscribe, account, name):
            self._bus.publish(Hint(account, NOWHERE, ModSeq(modseq), tree=True))
