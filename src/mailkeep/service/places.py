"""Mailboxes as a user names them: which account holds one, and what the user may do there.

- A name leads to a `Place`.  What a user may not see looks like what is not there.
- Protocols ask here, never for a tree by itself (`Mailboxes`): here, and in the operations, the rights are checked.
- The owner has all rights always, and costs no look at any list.
"""

from __future__ import annotations

import builtins
import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailkeep.model.change import Hint, News
from mailkeep.model.errors import Forbidden, Invalid, NotFound
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.mailbox import DELIMITER, INBOX, Mailbox, Role
from mailkeep.model.rights import ALL, NONE, Rights
from mailkeep.service.accounts import Account, Accounts
from mailkeep.service.bus import Bus
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.pace import Pace
from mailkeep.service.trees import foreign_name, normal_name, parse_name, tree_of
from mailkeep.store import ops
from mailkeep.store.contract import Store

MISSING: Final = "There is no such mailbox"  # also said of what may not be seen
NO_PLACE: Final = "You have no right to make a mailbox there"


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

    @property
    def guest(self) -> AccountId | None:
        """The user, if it is not his own mailbox: what operations ask about his rights."""
        return self.user if self.user != self.account else None

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
    """The verbs on mailboxes, for a user who may have come by rights of others.

    Names in the trees of others are only looked for there: who has a mailbox of his own called ``Shared``, from
    before, still has it, but can make none.
    """

    def __init__(
        self,
        accounts: Accounts,
        mailboxes: Mailboxes,
        store: Store,
        bus: Bus,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._accounts = accounts
        self._mailboxes = mailboxes
        self._store = store
        self._bus = bus
        self._clock = clock

    def _changed(self, account: AccountId, modseq: int, mailbox: MailboxId) -> None:
        self._bus.publish(Hint(account, frozenset({mailbox}), ModSeq(modseq), tree=True))

    # --- finding

    async def find(self, user: AccountId, name: str) -> Place | None:
        """The place of that name, whatever the user's rights there; None when he has none, or there is none."""
        if (foreign := self._foreign(user, name)) is not None:
            holder, path = foreign
            return await self._find_granted(holder, user, path)
        mailbox = await self._mailboxes.find(user, name)
        return None if mailbox is None else _own(user, mailbox)

    async def get(self, user: AccountId, name: str, needs: Rights = NONE) -> Place:
        """The place of that name, where the user has all rights that the purpose `needs`.

        Raises: NotFound (also where he may not know of it), Forbidden.
        """
        place = await self.find(user, name)
        if place is None:
            raise NotFound(MISSING)
        place.require(needs)
        return place

    def _foreign(self, user: AccountId, name: str) -> tuple[Account, str] | None:
        """The account that a name in the trees of others leads to, and the rest of the name."""
        foreign = parse_name(name)
        if foreign is None or not foreign.path:
            return None
        holder = self._accounts.find(foreign.address)
        if holder is None or holder.id == user or tree_of(holder) != foreign.tree:
            return None
        return holder, foreign.path

    async def _find_granted(self, holder: Account, user: AccountId, path: str) -> Place | None:
        try:
            found = await self._store.read(ops.find_granted, holder.id, user, path)
        except (Invalid, NotFound):  # no possible name; the account has just gone
            return None
        return None if found is None else _foreign_place(user, holder, *found)

    async def list(self, user: AccountId, *, foreign: bool = True) -> tuple[Place, ...]:
        """All that the user may see, ascending by name; without `foreign`, of his own only."""
        own = [_own(user, mailbox) for mailbox in await self._mailboxes.list(user)]
        if not foreign or not (others := await self._list_foreign(user)):
            return tuple(own)
        taken = {place.name for place in own}
        return tuple(sorted([*own, *(p for p in others if p.name not in taken)], key=lambda place: place.name))

    async def _list_foreign(self, user: AccountId) -> builtins.list[Place]:
        """What others let the user see: each database knows who shares something with him."""
        found: builtins.list[Place] = []
        pace = Pace()
        for granter in {one for some in await self._store.survey(ops.list_granters, user) for one in some}:
            holder = self._accounts.find_by_number(granter)
            # an address with a delimiter in it leads to nothing (see `_foreign`)
            if holder is None or holder.id == user or DELIMITER in holder.address:
                continue
            try:
                granted = await self._store.read(ops.list_granted, granter, user)
            except NotFound:
                continue  # the account has just gone
            for mailbox, rights in granted:
                if "l" in rights:
                    found.append(_foreign_place(user, holder, mailbox, rights))
            if pace.is_over:
                await pace.give_way()
        return found

    async def rights(self, place: Place) -> Rights | None:
        """What the user may do now; None when the mailbox is no more."""
        if place.guest is None:
            return ALL
        try:
            return await self._store.read(ops.read_rights, place.account, place.mailbox.id, place.guest)
        except NotFound:  # the account is no more
            return None

    # --- changing

    async def create(self, user: AccountId, name: str, role: Role | None = None) -> Place:
        """Make a mailbox, with the levels above it where missing, and subscribe to it.

        Raises: AlreadyExists, Invalid (the name), LimitReached, Forbidden.
        """
        if parse_name(name) is None:
            return _own(user, await self._mailboxes.create(user, name, role))
        foreign = self._foreign(user, name)
        if foreign is None:
            raise Forbidden(NO_PLACE)
        if role is not None:
            raise Invalid("Only a mailbox of one's own can have a special use")
        holder, path = foreign
        made = await self._store.write(ops.guest_create_mailbox, holder.id, user, path, int(self._clock()))
        self._changed(holder.id, made.modseq, made.id)
        place = _foreign_place(user, holder, made, NONE)
        await self._mailboxes.subscribe(user, place.name)
        return place

    async def delete(self, user: AccountId, name: str) -> None:
        """Delete a mailbox with its messages; one that has children stays as a name.

        Raises: NotFound, Invalid (INBOX), Forbidden.
        """
        place = await self.get(user, name)
        if place.guest is None:
            await self._mailboxes.delete(user, name)
            return
        place.require("x")
        modseq = await self._store.write(
            ops.guest_delete_mailbox, place.account, user, place.mailbox.id, int(self._clock())
        )
        self._changed(place.account, modseq, place.mailbox.id)

    async def rename(self, user: AccountId, name: str, new_name: str) -> None:
        """Give a mailbox, with all below it, another name.  INBOX stays and gives its messages to the new mailbox.

        Raises: NotFound, AlreadyExists, Invalid (also: into another account), Forbidden.  RFC 9051 §6.3.6.
        """
        place = await self.get(user, name)
        if place.guest is None:
            if parse_name(new_name) is not None:
                raise Invalid("A mailbox cannot be renamed into another tree; copy its messages")
            await self._mailboxes.rename(user, name, new_name)
            return
        place.require("x")
        target = self._foreign(user, new_name)
        if target is None or target[0].id != place.account or place.mailbox.name == INBOX:
            raise Invalid("A mailbox cannot be renamed into another tree; copy its messages")
        renamed = await self._store.write(
            ops.guest_rename_mailbox, place.account, user, place.mailbox.id, target[1], int(self._clock())
        )
        self._changed(place.account, renamed.modseq, renamed.id)

    # --- subscriptions: the user's own, to any names

    async def subscriptions(self, user: AccountId) -> tuple[str, ...]:
        """The names subscribed to, which may name what is missing; ascending."""
        return await self._mailboxes.subscriptions(user)

    async def subscribe(self, user: AccountId, name: str) -> None:
        """Remember that the user wants to see `name`, which need not exist.  Raises: Invalid (the name)."""
        await self._mailboxes.subscribe(user, normal_name(name))

    async def unsubscribe(self, user: AccountId, name: str) -> None:
        """Forget it."""
        await self._mailboxes.unsubscribe(user, normal_name(name))

    # --- watching

    async def at(self, user: AccountId, account: AccountId, mailbox: MailboxId) -> Place | None:
        """The place of a mailbox of `account` by its number; None when it is gone, or the user has no rights there."""
        found = await self._mailboxes.at(account, mailbox)
        if found is None or user == account:
            return None if found is None else _own(user, found)
        holder = self._accounts.find_by_number(account)
        if holder is None:
            return None
        try:
            rights = await self._store.read(ops.read_rights, account, mailbox, user)
        except NotFound:  # the account has just gone
            return None
        return _foreign_place(user, holder, found, rights) if rights else None

    async def is_parent(self, place: Place) -> bool:
        """Whether others stand below it that the user may see."""
        if place.guest is None:
            return await self._mailboxes.is_parent(place.account, place.mailbox.id)
        return await self._store.read(ops.is_visible_parent, place.account, place.mailbox.id, place.guest)

    async def is_subscribed(self, user: AccountId, name: str) -> bool:
        """Whether the user is subscribed to the name."""
        return await self._mailboxes.is_subscribed(user, name)

    async def news(self, account: AccountId, since: ModSeq) -> News:
        """What happened in an account after `since`.  Raises: NotFound (the account), StateTooOld."""
        return await self._mailboxes.news(account, since)


def _own(user: AccountId, mailbox: Mailbox) -> Place:
    return Place(user=user, account=user, mailbox=mailbox, name=mailbox.name, rights=ALL)


def _foreign_place(user: AccountId, holder: Account, mailbox: Mailbox, rights: Rights) -> Place:
    name = foreign_name(holder, mailbox.name)
    mailbox = dataclasses.replace(mailbox, role=None)  # or a client might take it for the user's own Sent
    return Place(user=user, account=holder.id, mailbox=mailbox, name=name, rights=rights)
