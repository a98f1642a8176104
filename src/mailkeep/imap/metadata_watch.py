"""Unsolicited METADATA responses: what others have set or removed (RFC 5464 §4.1, §4.4)."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from mailkeep.imap.wire import response
from mailkeep.model.change import Hint
from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.metadata import THE_SERVER

if TYPE_CHECKING:
    from mailkeep.imap.session import Authenticated


class MetadataWatch:
    """Remembers up to where the client has been told, from ENABLE METADATA on.

    The user's own account is watched, and that of somebody else while a mailbox of his is selected.
    `mailboxes`: of mailboxes too, not of the server alone (METADATA-SERVER).
    """

    def __init__(self, owner: Authenticated, since: ModSeq, *, mailboxes: bool) -> None:
        self.mailboxes = mailboxes
        self.pending: set[AccountId] = set()  # where there may be something to tell
        self._owner = owner
        self._since = {owner.account: since}
        self._own: set[tuple[AccountId, ModSeq]] = set()  # changes of this very session, which it is not told

    def follow(self, account: AccountId, since: ModSeq) -> None:
        """Watch the account of the mailbox that is selected now, and no other but the user's own."""
        own = self._owner.account
        self._since = {own: self._since[own]} | ({} if account == own else {account: since})

    def notice(self, hint: Hint) -> bool:
        """Whether a hint says that there may be something to tell; one without modseq may mean anything."""
        if hint.account not in self._since or (not hint.metadata and hint.modseq):
            return False
        self.pending.add(hint.account)
        return True

    def is_own(self, account: AccountId, modseq: ModSeq) -> None:
        """This session itself has made the change of that modseq."""
        if account in self._since:
            self._own.add((account, modseq))

    async def tell(self) -> None:
        """Names of the entries that others have changed; the client asks for the values it wants."""
        pending = sorted(self.pending)
        self.pending.clear()
        for account in pending:
            if account in self._since:
                await self._tell(account)
        self._own.clear()

    async def _tell(self, account: AccountId) -> None:
        session = self._owner.session
        try:
            upto, changes = await session.services.metadata.changes(
                account, self._since[account], reader=self._owner.account
            )
        except NotFound:  # the account has been removed: the session is about to end
            return
        self._since[account] = upto
        news = [change for change in changes if (account, change.modseq) not in self._own]
        for mailbox, group in groupby(news, key=lambda change: (change.mailbox, change.name)):
            name = self._name(account, *mailbox)
            if name is not None:
                entries = [change.entry for change in group]
                shown = response.mailbox(name, utf8=session.enabled.utf8_names)
                session.untagged(response.metadata_changed(shown, entries))

    def _name(self, account: AccountId, mailbox: MailboxId, name: str) -> str | None:
        """How the client calls a mailbox; None when it is not to hear of it."""
        if account == self._owner.account:
            return name if self.mailboxes or mailbox == THE_SERVER else None
        selected = self._owner.session.selected
        if not self.mailboxes or selected is None or (selected.account, selected.mailbox) != (account, mailbox):
            return None
        return selected.place.name
