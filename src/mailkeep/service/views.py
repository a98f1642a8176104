"""The views that sessions share: one for each mailbox that somebody has open, and some that nobody has any more."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from mailkeep.model.change import Delta, Hint
from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId, MailboxId, ModSeq, Uid
from mailkeep.model.mailbox import Mailbox
from mailkeep.model.message import FlagState
from mailkeep.model.uidset import UidSet
from mailkeep.service.bus import Bus
from mailkeep.service.keywords import Keywords
from mailkeep.service.recents import Recents
from mailkeep.service.view import View
from mailkeep.store import ops
from mailkeep.store.contract import Store

KEPT: Final = 64  # closed views that are kept, as clients select the same few mailboxes again and again
KEPT_ENTRIES: Final = 500_000  # in all of them; 20 octets each
BIG: Final = 2000  # entries from which on a snapshot is worth its writing
MUCH: Final = 500  # changes that opening need not read from the log again

Key = tuple[AccountId, MailboxId]


class Views:
    """Opens, refreshes and closes views; a hint makes the view that it is about stale."""

    def __init__(self, store: Store, bus: Bus, recents: Recents | None = None) -> None:
        self._store = store
        self._recents = recents or Recents.alone()
        self._views: dict[Key, View] = {}
        self._closed: OrderedDict[Key, View] = OrderedDict()  # nobody's; the longest unused first
        self._keywords: dict[AccountId, Keywords] = {}
        self._saved: dict[Key, int] = {}  # what the snapshots tell up to
        self._bus = bus
        bus.subscribe_all(self._on_hint)
        bus.subscribe_doubt(self._on_doubt)

    def _on_hint(self, hint: Hint) -> None:
        for mailbox in hint.mailboxes:
            view = self._views.get((hint.account, mailbox))
            # A view has everything up to its modseq, or it would not be there; 0 says that nobody knows.
            if view is not None and (view.upto < hint.modseq or not hint.modseq):
                view.doubt()

    def _on_doubt(self) -> None:
        """Hints of another process may have got lost: as if there had been one about everything."""
        open_ones: dict[AccountId, set[MailboxId]] = {}
        for account, mailbox in self._views:
            open_ones.setdefault(account, set()).add(mailbox)
        for account, mailboxes in open_ones.items():
            self._bus.deliver(Hint(account, frozenset(mailboxes), ModSeq(0), tree=True))

    def doubt(self, account: AccountId) -> None:
        """Something of this account has been committed, and whoever asked for it may not have told of it."""
        mailboxes = frozenset(mailbox for owner, mailbox in self._views if owner == account)
        self._bus.publish(Hint(account, mailboxes, ModSeq(0), tree=True, metadata=True))

    def count(self) -> tuple[int, int]:
        """How many views are in memory, and how many entries in them."""
        return len(self._views), sum(len(view.uids) for view in self._views.values())

    async def open(self, account: AccountId, mailbox: Mailbox) -> View:
        """The shared view of a mailbox, fresh.  Give it back with `close`.  Raises: NotFound."""
        key = (account, mailbox.id)
        view = self._views.get(key) or await self._read(key)
        self._closed.pop(key, None)
        view.users += 1
        try:
            await self.refresh(view)
        except BaseException:
            self.close(view)
            raise
        return view

    async def _read(self, key: Key) -> View:
        snapshot = await self._store.read(ops.snapshot, *key)
        view = self._views.get(key)  # somebody else may have been quicker while we read
        if view is None:
            view = self._views[key] = View(
                *key,
                snapshot.mailbox.modseq,
                snapshot.uids,
                snapshot.masks,
                snapshot.modseqs,
                snapshot.more,
                self._store.counter(key[0]),
            )
            try:
                # what was read at once did not pass `refresh`, which learns new names
                await self.learn(key[0])
            except BaseException:
                if not view.users:
                    del self._views[key]
                raise
        return view

    def close(self, view: View) -> None:
        """A session no longer looks at it.  After the last, a big one leaves a snapshot, to open quickly from."""
        view.users -= 1
        if view.users:
            return
        key = (view.account, view.mailbox)
        # The first time nobody knows how old the snapshot is; an up-to-date one is not written again.
        if len(view.uids) >= BIG and (key not in self._saved or view.upto - self._saved[key] >= MUCH):
            self._saved[key] = view.upto
            self._store.later(ops.save_snapshot, view.account, view.mailbox)
        self._closed[key] = view
        entries = sum(len(closed.uids) for closed in self._closed.values())
        while len(self._closed) > KEPT or entries > KEPT_ENTRIES:
            oldest, forgotten = self._closed.popitem(last=False)
            entries -= len(forgotten.uids)
            del self._views[oldest]

    def advance(self, account: AccountId, mailbox: MailboxId, previous: ModSeq, delta: Delta) -> None:
        """What this process has just committed itself, on top of modseq `previous`: nobody need read it again."""
        view = self._views.get((account, mailbox))
        if view is not None and view.upto == previous:
            view.apply(delta)

    async def refresh(self, view: View) -> None:
        """Bring a view up to what has been committed: one read, whoever and however many ask.

        Raises: Unavailable.  The view stays stale then.
        """
        while view.stale:
            view.begin_refresh()
            try:
                await self._bring_forward(view)
            except BaseException:
                view.doubt()
                raise

    async def _bring_forward(self, view: View) -> None:
        since = view.upto
        try:
            delta = await self._store.read(ops.delta, view.account, view.mailbox, since)
        except NotFound:
            # The mailbox was deleted: to whoever still looks at it, its messages are gone.
            delta = Delta(ModSeq(since + 1), (), UidSet(view.uids))
        if view.upto == since:
            if not self.knows(view.account, delta.changed):
                await self.learn(view.account)
            view.apply(delta)

    # --- names of keywords

    def keywords(self, account: AccountId) -> Keywords:
        """The names of the account's keywords, as far as they are in use in an open view."""
        return self._keywords.setdefault(account, Keywords())

    def knows(self, account: AccountId, states: Iterable[FlagState]) -> bool:
        """Whether the names of all keywords in `states` are known."""
        keywords = self.keywords(account)
        return all(keywords.knows(state.mask, state.more) for state in states)

    async def learn(self, account: AccountId) -> None:
        """Read the names of the account's keywords."""
        self.keywords(account).learn(await self._store.read(ops.keywords, account))

    # --- \Recent

    def claim_recent(self, view: View, first_recent: Uid | None = None) -> tuple[int, int] | None:
        r"""The range of UIDs that are \Recent to whoever asks first; None when there are none (RFC 3501 §2.3.2).

        `first_recent` is what the store knew when the mailbox was selected.  It is written with a later commit:
        losing it in a crash makes some messages recent twice.
        """
        last = view.uids[-1] if view.uids else 0
        first = self._recents.claim(view.account, view.mailbox, first_recent or 0, last)
        if last < first:
            return None
        self._store.later(ops.claim_recent, view.account, view.mailbox, Uid(last))
        return first, last

    def first_recent(self, account: AccountId, mailbox: Mailbox) -> int:
        r"""The first UID that is \Recent to whoever selects next."""
        return max(self._recents.first(account, mailbox.id), mailbox.first_recent)

    def count_recent(self, account: AccountId, mailbox: Mailbox) -> int:
        r"""How many messages are \Recent to whoever selects next; too many where some of them are expunged."""
        return max(0, min(mailbox.total, mailbox.uidnext - self.first_recent(account, mailbox)))
