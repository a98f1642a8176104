"""Mailboxes as a user names them: which account holds one, and what the user may do there.

- A name leads to a `Place`.  What a user may not see looks like what is not there.
- Protocols ask here, never for a tree by itself (`Mailboxes`): here the rights are checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mailkeep.model.errors import Forbidden, NotFound
from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import Mailbox, Role
from mailkeep.model.rights import ALL, Rights
from mailkeep.service.mailboxes import Mailboxes

MISSING: Final = "There is no such mailbox"  # also said of what may not be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A mailbox as one user may use it.

    `account` holds it, with modseq, quota and keywords; `mailbox.name` is its name there, `name` is the user's.
    """

    user: AccountId
    account: AccountId
    mailbox: Mailbox
    name: str
    rights: Rights

    @property
    def foreign(self) -> bool:
        """Whether it is in somebody else's account, or a shared one."""
        return self.user != self.account

    def may(self, rights: Rights) -> bool:
        """Whether the user has all of these rights."""
        return self.rights is ALL or all(right in self.rights for right in rights)

    def require(self, rights: Rights) -> None:
        """Raises: NotFound, when some are missing and the mailbox is not visible; else Forbidden."""
        if not self.may(rights):
            if "l" not in self.rights:
                raise NotFound(MISSING)
            raise Forbidden("You have no right to do that with this mailbox")


class Places:
    """The verbs on mailboxes, for a user who may have come by rights of others."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes

    async def find(self, user: AccountId, name: str) -> Place | None:
        """The place of that name, whatever the user's rights there; None when he has none, or there is none."""
        mailbox = await self._mailboxes.find(user, name)
        return None if mailbox is None else _own(user, mailbox)

    async def get(self, user: AccountId, name: str, needs: Rights = "") -> Place:
        """The place of that name, where the user has all rights that the purpose `needs`.

        Raises: NotFound (also where he may not know of it), Forbidden.
        """
        place = await self.find(user, name)
        if place is None:
            raise NotFound(MISSING)
        place.require(needs)
        return place

    async def list(self, user: AccountId) -> tuple[Place, ...]:
        """All that the user may see, ascending by name."""
        return tuple([_own(user, mailbox) for mailbox in await self._mailboxes.list(user)])

    async def subscriptions(self, user: AccountId) -> tuple[str, ...]:
        """The names subscribed to, which may name what is missing; ascending."""
        return await self._mailboxes.subscriptions(user)

    async def create(self, user: AccountId, name: str, role: Role | None = None) -> Place:
        """Make a mailbox, with the levels above it where missing, and subscribe to it.

        Raises: AlreadyExists, Invalid (the name), LimitReached, Forbidden.
        """
        return _own(user, await self._mailboxes.create(user, name, role))

    async def delete(self, user: AccountId, name: str) -> None:
        """Delete a mailbox with its messages; one that has children stays as a name.

        Raises: NotFound, Invalid (INBOX), Forbidden.
        """
        await self._mailboxes.delete(user, name)

    async def rename(self, user: AccountId, name: str, new_name: str) -> None:
        """Give a mailbox, with all below it, another name.  INBOX stays and gives its messages to the new mailbox.

        Raises: NotFound, AlreadyExists, Invalid, Forbidden.  RFC 9051 §6.3.6.
        """
        await self._mailboxes.rename(user, name, new_name)

    async def subscribe(self, user: AccountId, name: str) -> None:
        """Remember that the user wants to see `name`, which need not exist.  Raises: Invalid (the name)."""
        await self._mailboxes.subscribe(user, name)

    async def unsubscribe(self, user: AccountId, name: str) -> None:
        """Forget it."""
        await self._mailboxes.unsubscribe(user, name)


def _own(user: AccountId, mailbox: Mailbox) -> Place:
    return Place(user=user, account=user, mailbox=mailbox, name=mailbox.name, rights=ALL)
