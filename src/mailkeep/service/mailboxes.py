"""The mailboxes of an account: find, list, make, rename, delete, subscribe."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from typing import Final

from mailkeep.model.change import Hint
from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.mailbox import DELIMITER, INBOX, Mailbox, Role
from mailkeep.service.bus import Bus
from mailkeep.store import ops
from mailkeep.store.contract import Store

SUBSCRIBE: Final = True
NOWHERE: Final[frozenset[MailboxId]] = frozenset()


def canonical(name: str) -> str:
    """`name` as it is stored: NFC, INBOX in capitals, also as the first level of a path (RFC 9051 §5.1)."""
    name = unicodedata.normalize("NFC", name)
    first, delimiter, rest = name.partition(DELIMITER)
    return INBOX + delimiter + rest if first.upper() == INBOX else name


def path_of(name: str) -> tuple[str, ...]:
    """The leaves of a canonical name."""
    return tuple(name.split(DELIMITER))


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
        """The mailbox of that name."""
        return await self._store.read(ops.find_mailbox, account, path_of(canonical(name)))

    async def get(self, account: AccountId, name: str) -> Mailbox:
        """The mailbox of that name.  Raises: NotFound."""
        mailbox = await self.find(account, name)
        if mailbox is None:
            raise NotFound("There is no such mailbox")
        return mailbox

    async def subscriptions(self, account: AccountId) -> tuple[str, ...]:
        """The names subscribed to, which may name what is missing; ascending."""
        return await self._store.read(ops.list_subscriptions, account)

    async def create(self, account: AccountId, name: str, role: Role | None = None) -> Mailbox:
        """Make a mailbox, with the levels above it where missing, and subscribe to it.

        Raises: AlreadyExists, Invalid (the name), LimitReached.
        """
        path = path_of(canonical(name))
        made = await self._store.write(ops.create_mailbox, account, path, role, SUBSCRIBE, self._now())
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
        path = path_of(canonical(new_name))
        if mailbox.name == INBOX:
            made, copied = await self._store.write(ops.rename_inbox, account, path, self._now())
            self._changed(account, copied.modseq, mailbox.id, made.id)
        else:
            renamed = await self._store.write(ops.rename_mailbox, account, mailbox.id, path, self._now())
            self._changed(account, renamed.modseq, mailbox.id)

    async def subscribe(self, account: AccountId, name: str) -> None:
        """Remember that the user wants to see `name`, which need not exist.  Raises: Invalid (the name)."""
        modseq = await self._store.write(ops.subscribe, account, canonical(name))
        self._bus.publish(Hint(account, NOWHERE, ModSeq(modseq), tree=True))

    async def unsubscribe(self, account: AccountId, name: str) -> None:
        """Forget it."""
        modseq = await self._store.write(ops.unsubscribe, account, canonical(name))
        self._bus.publish(Hint(account, NOWHERE, ModSeq(modseq), tree=True))
