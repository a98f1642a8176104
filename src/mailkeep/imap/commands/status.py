"""STATUS."""

from __future__ import annotations

from collections.abc import Iterable

from mailkeep.formats.objectid import mailboxid
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response
from mailkeep.imap.wire.status import Status, StatusItem
from mailkeep.model.errors import NotFound
from mailkeep.service.places import Place


async def status(s: Authenticated, cmd: Status) -> None:
    """The numbers of a mailbox, also of the selected one, fresh.  RFC 9051 §6.3.11.  Raises: NotFound."""
    place = await s.places.get(s.account, cmd.mailbox, "r")
    if not place.mailbox.selectable:
        raise NotFound("This is a name without a mailbox")
    await tell_status(s, place, cmd.items)


async def tell_status(s: Authenticated, place: Place, items: Iterable[StatusItem]) -> None:
    """The untagged STATUS of a mailbox; HIGHESTMODSEQ switches on CONDSTORE (RFC 7162 §3.1)."""
    items = tuple(items)
    if StatusItem.HIGHESTMODSEQ in items:
        s.session.enable_condstore()
    await write_status(s, place, items)


async def write_status(s: Authenticated, place: Place, items: Iterable[StatusItem]) -> None:
    """The same, unasked: nothing is switched on."""
    name = response.mailbox(place.name, utf8=s.session.enabled.utf8_names)
    s.session.write(response.status(name, [(item, await _value(s, place, item)) for item in items]))


async def _value(s: Authenticated, place: Place, item: StatusItem) -> int | str:
    mailbox = place.mailbox
    match item:
        case StatusItem.MESSAGES:
            return mailbox.total
        case StatusItem.RECENT:
            return s.messages.views.count_recent(place.account, mailbox)
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
            return mailboxid(place.account, mailbox.id)
        case StatusItem.DELETED_STORAGE:
            return await s.session.services.quotas.deleted_octets(place.account, mailbox)
        case StatusItem.APPENDLIMIT:
            return s.session.options.max_message
