"""What a client has asked NOTIFY to be told of, and the telling of it (RFC 5465).

- Something is told from the account's log: at the cost of what happened, however many mailboxes are watched.
- A hint only says that there may be something; who slept over many asks once.
- What the session's own client has done is not told again (RFC 5465 §5).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from mailkeep.imap.places_of import is_below, places_of
from mailkeep.imap.watch_names import Affected, Names
from mailkeep.imap.wire import response
from mailkeep.imap.wire.fetch import FetchItem, Item, peeking
from mailkeep.imap.wire.filter_mailboxes import FilterMailboxes, Which
from mailkeep.imap.wire.notify import MESSAGE_EVENTS, SELECTED, Event, Group
from mailkeep.imap.wire.status import StatusItem
from mailkeep.model.change import Happened, Hint, News, What
from mailkeep.model.errors import NotFound, StateTooOld
from mailkeep.model.ids import AccountId, MailboxId, ModSeq, Uid
from mailkeep.model.mailbox import DELIMITER
from mailkeep.model.metadata import THE_SERVER
from mailkeep.service.pace import Pace
from mailkeep.service.trees import parse_name

if TYPE_CHECKING:
    from mailkeep.imap.session import Authenticated, Selected
    from mailkeep.service.places import Place

OWN: Final = 256  # changes by the session itself that are remembered, as long as nothing has been told
OF_MESSAGES: Final = (What.ADDED, What.GONE, What.FLAGS, What.MADE)
OF_NAMES: Final = frozenset({Event.MAILBOX_NAME, Event.SUBSCRIPTION_CHANGE})
OF_METADATA: Final = frozenset({Event.MAILBOX_METADATA_CHANGE, Event.SERVER_METADATA_CHANGE})
NOTHING: Final[frozenset[Event]] = frozenset()
MAX_UID: Final = 2**32 - 1

WriteStatus = Callable[["Authenticated", "Place", Iterable[StatusItem]], Awaitable[None]]
WriteRows = Callable[["Selected", Sequence[int], tuple[FetchItem, ...]], Awaitable[None]]


class Watch:
    """One session's wishes; of NOTIFY NONE, and after an overflow, there are none.

    `selected`: the events of the selected mailbox; `delayed`: its expunges wait for a command that allows them;
    `items`: what is told of new messages there.
    """

    def __init__(
        self,
        owner: Authenticated,
        groups: Iterable[Group],
        now: ModSeq,
        *,
        write_status: WriteStatus,
        write_rows: WriteRows,
    ) -> None:
        """What happens after `now` is told.  `write_status` and `write_rows`: as the commands STATUS and FETCH do."""
        self._owner = owner
        self._write_status = write_status
        self._write_rows = write_rows
        self.selected = NOTHING
        self.delayed = False
        self.items: tuple[FetchItem, ...] = ()
        others = []
        for group in groups:
            if group.source.which in SELECTED:
                self.selected = group.events
                self.delayed = group.source.which is Which.SELECTED_DELAYED
                self.items = tuple(map(peeking, group.items))
            else:
                others.append(group)
        self.groups = tuple(others)
        self._named = {group.source: frozenset(group.source.names) for group in others}
        self._events = NOTHING.union(*(group.events for group in others))
        self._told: dict[AccountId, ModSeq] = {owner.account: now}
        self._told_metadata = {owner.account: now}
        self._pending: set[AccountId] = set()
        self._metadata_pending: set[AccountId] = set()
        self._names = Names(owner)
        self._may_be_foreign = any(map(_may_be_foreign, self.others))
        self._reconsider = False  # somebody may share something now that has not been seen
        self._unsubscribe: list[Callable[[], None]] = []  # from the accounts of others
        self._dull: set[tuple[AccountId, MailboxId]] = set()  # what has turned out not to matter
        self._own: deque[tuple[AccountId, ModSeq]] = deque(maxlen=OWN)

    # --- the mailboxes of others

    @property
    def others(self) -> tuple[FilterMailboxes, ...]:
        """Which mailboxes besides the selected one are meant."""
        return tuple(group.source for group in self.groups if group.events)

    async def follow(self, places: Iterable[Place]) -> None:
        """Watch the accounts of these places too, which are not the user's own."""
        pace = Pace()
        for place in places:
            if not place.foreign:
                continue
            if pace.is_over:
                await pace.give_way()
            self._names.see(place)
            if place.account not in self._told:
                now = await self._owner.session.services.metadata.now(place.account)
                self._told[place.account] = self._told_metadata[place.account] = now
                self._unsubscribe.append(self._owner.messages.bus.subscribe(place.account, self._owner.heed))

    def look(self) -> None:
        """Something may have happened already, while nobody took notice of hints."""
        if self._events - OF_METADATA:
            self._pending.update(self._told)
        if self._events & OF_METADATA:
            self._metadata_pending.update(self._told_metadata)

    def release(self) -> None:
        """Stop listening."""
        while self._unsubscribe:
            self._unsubscribe.pop()()

    async def _look_again(self) -> None:
        """Somebody may have shared a mailbox with the user: RFC 5465 §5.9."""
        self._reconsider = False
        new = [
            place
            for place in await places_of(self._owner, self.others, readable=False)
            if place.foreign and not self._names.knows(place)
        ]
        await self.follow(new)
        pace = Pace()
        for place in new:
            if pace.is_over:
                await pace.give_way()
            if Event.MAILBOX_NAME in await self.events(place.account, place.name):
                await self._names.write(place.name, Affected())

    # --- noticing

    def notice(self, hint: Hint) -> bool:
        """Whether a hint says that there may be something to tell; one without modseq may mean anything."""
        if hint.tree:
            self._dull.clear()
        if hint.modseq and self._owner.session.connection.acts:
            self._own.append((hint.account, hint.modseq))
            return False
        return bool(
            int(self._notice_selected(hint)) | int(self._notice_others(hint)) | int(self._notice_metadata(hint))
        )

    def _notice_selected(self, hint: Hint) -> bool:
        selected = self._owner.session.selected
        return bool(
            self.selected
            and selected is not None
            and selected.account == hint.account
            and (selected.mailbox in hint.mailboxes or not hint.modseq)
        )

    def _notice_others(self, hint: Hint) -> bool:
        selected = self._owner.session.selected
        open_one = None if selected is None else (selected.account, selected.mailbox)
        matters = hint.tree or not hint.modseq
        self._reconsider |= not hint.modseq and self._may_be_foreign and hint.account == self._owner.account
        if not matters and self._events & MESSAGE_EVENTS:
            keys = {(hint.account, mailbox) for mailbox in hint.mailboxes}
            matters = bool(keys - self._dull - {open_one})
        if matters and self._events - OF_METADATA and hint.account in self._told:
            self._pending.add(hint.account)
            return True
        return False

    def _notice_metadata(self, hint: Hint) -> bool:
        if not self._events & OF_METADATA or not (hint.metadata or not hint.modseq):
            return False
        if hint.account not in self._told_metadata:
            return False
        self._metadata_pending.add(hint.account)
        return True

    # --- telling

    async def tell(self) -> None:
        """All that has happened elsewhere than in the selected mailbox."""
        if self._reconsider:
            await self._look_again()
        pace = Pace()
        while self._pending:
            if pace.is_over:
                await pace.give_way()
            account = self._pending.pop()
            try:
                news = await self._owner.places.news(account, self._told[account])
            except NotFound:  # the account has been removed
                continue
            except StateTooOld:
                self._overflow()
                return
            except BaseException:
                self._pending.add(account)
                raise
            self._told[account] = news.upto
            await self._tell_account(account, news)
        while self._metadata_pending:
            await self._tell_metadata(self._metadata_pending.pop())

    def _overflow(self) -> None:
        """RFC 5465 §5.8: as if NOTIFY NONE had come."""
        self._owner.session.untagged(b"OK [NOTIFICATIONOVERFLOW] Too much has happened; ask for it, then NOTIFY again")
        self.groups, self._events, self.selected, self.items = (), NOTHING, NOTHING, ()
        self._pending.clear()
        self.release()

    async def _tell_account(self, account: AccountId, news: News) -> None:
        others = [one for one in news.happened if (account, one.modseq) not in self._own]
        if self._events & OF_NAMES:
            await self._tell_names(account, others)
        changed: dict[MailboxId, set[What]] = {}
        for one in others:
            if one.what in OF_MESSAGES:
                changed.setdefault(one.mailbox, set()).add(one.what)
        pace = Pace()
        if self._events & MESSAGE_EVENTS:
            for mailbox, what in changed.items():
                if pace.is_over:
                    await pace.give_way()
                await self._tell_messages(account, mailbox, what)
                await self._owner.session.connection.drain()

    async def _tell_messages(self, account: AccountId, mailbox: MailboxId, what: set[What]) -> None:
        """STATUS of one mailbox where messages came, went or changed."""
        selected = self._owner.session.selected
        if selected is not None and (selected.account, selected.mailbox) == (account, mailbox):
            return
        place = await self._owner.places.at(self._owner.account, account, mailbox)
        events = NOTHING
        if place is not None and place.mailbox.selectable and place.may("lr"):
            events = await self.events(place.account, place.name) & MESSAGE_EVENTS
        if place is None or not events:
            self._dull.add((account, mailbox))
        elif what != {What.FLAGS} or Event.FLAG_CHANGE in events:
            await self.tell_status(place, events, flags_alone=what == {What.FLAGS})

    async def tell_status(
        self, place: Place, events: frozenset[Event], *, flags_alone: bool, first: bool = False
    ) -> None:
        """The STATUS of a mailbox of which these events are wanted; `first`: when the watching begins (§3.1)."""
        flags = Event.FLAG_CHANGE in events
        items = [] if flags_alone else [StatusItem.MESSAGES, StatusItem.UIDNEXT]
        items.append(StatusItem.UIDVALIDITY)
        if flags:
            items.append(StatusItem.UNSEEN)
        if self._owner.session.enabled.condstore or (first and flags):
            items.append(StatusItem.HIGHESTMODSEQ)
        await self._write_status(self._owner, place, items)

    # --- names

    async def _tell_names(self, account: AccountId, others: Iterable[Happened]) -> None:
        """LIST of the names that are affected."""
        pace = Pace()
        for name, how in (await self._names.affected(account, others)).items():
            if pace.is_over:
                await pace.give_way()
            wanted = await self.events(account, name, subscription=how.subscription)
            if how.old:
                wanted |= await self.events(account, how.old)
            if (how.named and Event.MAILBOX_NAME in wanted) or (
                how.subscription and Event.SUBSCRIPTION_CHANGE in wanted
            ):
                await self._names.write(name, how)
                await self._owner.session.connection.drain()

    async def write_unreadable(self, place: Place) -> None:
        r"""A mailbox that is meant and may be seen, but not read: LIST with \NoAccess (§3.1)."""
        await self._names.write(place.name, Affected())

    # --- metadata

    async def _tell_metadata(self, account: AccountId) -> None:
        """METADATA with the names of entries that others have changed (RFC 5465 §5.6, §5.7)."""
        owner = self._owner
        try:
            upto, changes = await owner.session.services.metadata.changes(
                account, self._told_metadata[account], reader=owner.account
            )
        except NotFound:  # the account has been removed
            return
        self._told_metadata[account] = upto
        news = [change for change in changes if (account, change.modseq) not in self._own]
        pace = Pace()
        for mailbox, group in groupby(news, key=lambda change: change.mailbox):
            if pace.is_over:
                await pace.give_way()
            name = await self._meant_by_metadata(account, mailbox)
            if name is not None:
                text = response.mailbox(name, utf8=owner.session.enabled.utf8_names)
                owner.session.untagged(response.metadata_changed(text, [change.entry for change in group]))

    async def _meant_by_metadata(self, account: AccountId, mailbox: MailboxId) -> str | None:
        """The name of the mailbox whose metadata has changed, if the client wants to know; "" is the server."""
        if mailbox == THE_SERVER:
            wanted = account == self._owner.account and Event.SERVER_METADATA_CHANGE in self._events
            return "" if wanted else None
        place = await self._owner.places.at(self._owner.account, account, mailbox)
        if place is None or not place.may("lr"):
            return None
        return place.name if Event.MAILBOX_METADATA_CHANGE in await self.events(account, place.name) else None

    # --- matching

    async def events(self, account: AccountId, name: str, *, subscription: bool = False) -> frozenset[Event]:
        """What is wanted of the mailbox of that name, from all groups together (RFC 5465 §6).

        `subscription`: it has just been subscribed to, or no longer; both concern who watches what is subscribed.
        """
        wanted: set[Event] = set()
        for group in self.groups:
            if group.events <= wanted:
                continue
            if (subscription and group.source.which is Which.SUBSCRIBED) or await self._is_meant(
                group.source, account, name
            ):
                wanted |= group.events
        return frozenset(wanted)

    async def _is_meant(self, source: FilterMailboxes, account: AccountId, name: str) -> bool:
        match source.which:
            case Which.SELECTED | Which.SELECTED_DELAYED:
                return False
            case Which.PERSONAL | Which.INBOXES:  # mail may be delivered to any of one's own
                return account == self._owner.account and parse_name(name) is None
            case Which.SUBSCRIBED:
                return await self._owner.places.is_subscribed(self._owner.account, name)
            case Which.MAILBOXES:
                return name in self._named[source]
            case Which.SUBTREE:
                return name in self._named[source] or is_below(name, self._named[source])
            case Which.SUBTREE_ONE:
                return name in self._named[source] or name.rpartition(DELIMITER)[0] in self._named[source]

    # --- new messages of the selected mailbox

    async def tell_new(self, selected: Selected, known: int) -> None:
        """The items that are wanted of messages beyond UID `known`, unless they came by this client itself (§5.2)."""
        if not self.items or selected.view.last_uid <= known:
            return
        own = frozenset(self._own)
        uids = [
            uid
            for uid in selected.view.uids_in([(known + 1, MAX_UID)])
            if (state := selected.shared.state(Uid(uid))) and (selected.account, state.modseq) not in own
        ]
        if uids:
            await self._write_rows(selected, uids, self.items)


def _may_be_foreign(source: FilterMailboxes) -> bool:
    """Whether mailboxes of others may be meant."""
    return source.which is Which.SUBSCRIBED or any(parse_name(name) is not None for name in source.names)


def wants_modseq(items: Iterable[FetchItem]) -> bool:
    """Whether the items switch on CONDSTORE."""
    return Item.MODSEQ in items
