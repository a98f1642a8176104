"""LIST responses that NOTIFY asks for: mailboxes that are made, renamed, deleted, subscribed to, shared (RFC 5465 §5.4,
§5.5, §5.9).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailkeep.imap.places_of import is_below
from mailkeep.imap.wire import response
from mailkeep.model.change import Happened, What
from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.mailbox import DELIMITER
from mailkeep.service.pace import Pace

if TYPE_CHECKING:
    from mailkeep.imap.session import Authenticated
    from mailkeep.service.places import Place


@dataclass(slots=True)
class Affected:
    """What has happened to a name.  `old`: the name before a rename.  `lost`: the user may see it no more."""

    named: bool = False
    subscription: bool = False
    lost: bool = False
    old: str = ""


class Names:
    """Which mailboxes of others the client knows of: nothing is said of what it was never let see."""

    def __init__(self, owner: Authenticated) -> None:
        self._owner = owner
        self._seen: dict[tuple[AccountId, MailboxId], str] = {}
        self._unreadable: set[tuple[AccountId, MailboxId]] = set()

    def see(self, place: Place) -> None:
        """The client may see a mailbox of somebody else."""
        key = (place.account, place.mailbox.id)
        self._seen[key] = place.name
        self._unreadable.discard(key)
        if not place.may("r"):
            self._unreadable.add(key)

    def knows(self, place: Place) -> bool:
        """Whether `see` has been told of it."""
        return (place.account, place.mailbox.id) in self._seen

    async def affected(self, account: AccountId, happened: Iterable[Happened]) -> dict[str, Affected]:
        """The names that are affected, each once, in the order in which it happened."""
        found: dict[str, Affected] = {}
        pace = Pace()
        for one in happened:
            if pace.is_over:
                await pace.give_way()
            match one.what:
                case What.MADE:
                    await self._made(account, one, found)
                case What.DELETED:
                    self._deleted(account, one, found)
                case What.RENAMED:
                    await self._renamed(account, one, found)
                case What.RIGHTS:
                    await self._granted(account, one, found)
                case What.SUBSCRIPTION if account == self._owner.account:
                    found.setdefault(one.name, Affected()).subscription = True
                case What.SUBSCRIPTION | What.ADDED | What.FLAGS | What.GONE:
                    pass
        return found

    async def _place(self, account: AccountId, mailbox: MailboxId) -> Place | None:
        place = await self._owner.places.at(self._owner.account, account, mailbox)
        return place if place is not None and place.may("l") else None

    async def _made(self, account: AccountId, one: Happened, found: dict[str, Affected]) -> None:
        if place := await self._place(account, one.mailbox):
            if place.foreign:
                self.see(place)
            found.setdefault(place.name, Affected()).subscription = True  # making it subscribes
            self._with_parent(account, place.name, found)

    def _deleted(self, account: AccountId, one: Happened, found: dict[str, Affected]) -> None:
        name = one.name if account == self._owner.account else self._seen.pop((account, one.mailbox), "")
        if name:
            self._with_parent(account, name, found)

    async def _renamed(self, account: AccountId, one: Happened, found: dict[str, Affected]) -> None:
        old = one.name if account == self._owner.account else self._seen.get((account, one.mailbox), "")
        place = await self._place(account, one.mailbox)
        if place is None or not old:
            if old:  # it has gone meanwhile
                self._with_parent(account, old, found)
            elif place is not None:
                found.setdefault(place.name, Affected()).named = True
            return
        self._move(old, place.name)
        how = found.setdefault(place.name, Affected())
        how.named = how.subscription = True
        how.old = how.old or old

    def _move(self, old: str, new: str) -> None:
        """What is below goes with it, without a word (RFC 5465 §5.4)."""
        for key, name in self._seen.items():
            if name == old or is_below(name, (old,)):
                self._seen[key] = new + name[len(old) :]

    async def _granted(self, account: AccountId, one: Happened, found: dict[str, Affected]) -> None:
        if account == self._owner.account:
            return  # he has all rights always
        key = (account, one.mailbox)
        place = await self._place(*key)
        if place is not None:
            before = (key in self._seen, key in self._unreadable)
            self.see(place)
            if before != (True, key in self._unreadable):
                found.setdefault(place.name, Affected()).named = True
        elif name := self._seen.pop(key, ""):
            how = found.setdefault(name, Affected())
            how.named = how.lost = True

    def _with_parent(self, account: AccountId, name: str, found: dict[str, Affected]) -> None:
        """Of a mailbox that is made or deleted, the one above is affected too, if the client may know of it (§5.4)."""
        found.setdefault(name, Affected()).named = True
        above = name.rpartition(DELIMITER)[0]
        if above and (account == self._owner.account or above in self._seen.values()):
            found.setdefault(above, Affected()).named = True

    async def write(self, name: str, how: Affected) -> None:
        """The untagged LIST of a name as it stands now, whether there is such a mailbox or not."""
        owner = self._owner
        place = await owner.places.find(owner.account, name)
        attributes: list[str] = []
        if place is None or not place.may("l"):
            attributes.append("\\NonExistent")
            if how.lost:
                attributes.append("\\NoAccess")
        else:
            if not place.mailbox.selectable:
                attributes.append("\\Noselect")
            elif not place.may("r"):
                attributes.append("\\NoAccess")
            attributes.append("\\HasChildren" if await owner.places.is_parent(place) else "\\HasNoChildren")
            if place.mailbox.role is not None:
                attributes.append(f"\\{place.mailbox.role}")
        if await owner.places.is_subscribed(owner.account, name):
            attributes.append("\\Subscribed")
        utf8 = owner.session.enabled.utf8_names
        extended = response.oldname(response.mailbox(how.old, utf8=utf8)) if how.old and how.old != name else b""
        owner.session.write(response.list_line(attributes, response.mailbox(name, utf8=utf8), extended=extended))
