"""Unsolicited METADATA responses: what others have set or removed (RFC 5464 §4.1, §4.4)."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from mailkeep.imap.wire import response
from mailkeep.model.change import Hint
from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId, ModSeq
from mailkeep.model.metadata import THE_SERVER

if TYPE_CHECKING:
    from mailkeep.imap.session import Authenticated


class MetadataWatch:
    """Remembers up to where the client has been told, from ENABLE METADATA on.

    `mailboxes`: of mailboxes too, not of the server alone (METADATA-SERVER).
    """

    def __init__(self, owner: Authenticated, since: ModSeq, *, mailboxes: bool) -> None:
        self.mailboxes = mailboxes
        self.pending = False  # there may be something to tell
        self._owner = owner
        self._since = since
        self._own: set[ModSeq] = set()  # changes of this very session, which it is not told

    def notice(self, hint: Hint) -> bool:
        """Whether a hint says that there may be something to tell; one without modseq may mean anything."""
        if not hint.metadata and hint.modseq:
            return False
        self.pending = True
        return True

    def is_own(self, account: AccountId, modseq: ModSeq) -> None:
        """This session itself has made the change of that modseq."""
        if account == self._owner.account:
            self._own.add(modseq)

    async def tell(self) -> None:
        """Names of the entries that others have changed; the client asks for the values it wants."""
        self.pending = False
        owner = self._owner
        try:
            upto, changes = await owner.session.services.metadata.changes(
                owner.account, self._since, reader=owner.account
            )
        except NotFound:  # the account has been removed: the session is about to end
            return
        news = [
            change
            for change in changes
            if change.modseq not in self._own and (self.mailboxes or change.mailbox == THE_SERVER)
        ]
        self._since = upto
        self._own.clear()
        for name, group in groupby(news, key=lambda change: change.name):
            mailbox = response.mailbox(name, utf8=owner.session.enabled.utf8_names)
            owner.session.untagged(response.metadata_changed(mailbox, [change.entry for change in group]))
