"""STATUS."""

from __future__ import annotations

from collections.abc import Iterable

from mailkeep.formats.objectid import mailboxid
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response
from mailkeep.imap.wire.status import Status, StatusItem
from mailkeep.model.errors import NotFound
from mailkeep.model.mailbox import Mailbox


async def status(s: Authenticated, cmd: Status) -> None:
    """The numbers of a mailbox, also of the selected one, fresh.  RFC 9051 §6.3.11.  Raises: NotFound."""
    mailbox = await s.mailboxes.get(s.account, cmd.mailbox)
    if not mailbox.selectable:
        raise NotFound("This is a name without a mailbox")
    tell_status(s, mailbox, cmd.items)


def tell_status(s: Authenticated, mailbox: Mailbox, items: Iterable[StatusItem]) -> None:
    """The untagged STATUS of a mailbox; HIGHESTMODSEQ switches on CONDSTORE (RFC 7162 §3.1)."""
    items = tuple(items)
    if StatusItem.HIGHESTMODSEQ in items:
        s.session.enabled.condstore = True
    name = response.mailbox(mailbox.name, utf8=s.session.enabled.utf8_names)
    s.session.write(response.status(name, [(item, _value(s, mailbox, item)) for item in items]))


def _value(s: Authenticated, mailbox: Mailbox, item: StatusItem) -> int | str:
    match item:
        case StatusItem.MESSAGES:
            return mailbox.total
        case StatusItem.RECENT:
            return s.messages.views.count_recent(s.account, mailbox)
        case StatusItem.UIDNEXT:
            return mailbox.uidnext
        case StatusItem.UIDVALIDITY:
            return mailbox.uidvalidity
        case StatusItem.UNSEEN:
            return mailbox.unseen
        case StatusItem.DELETED:
            return mailbox.deleted
        case StatusItem.SIZE:
            return mailbox.size
        case StatusItem.HIGHESTMODSEQ:
            return mailbox.modseq
        case StatusItem.MAILBOXID:
            return mailboxid(s.account, mailbox.id)
