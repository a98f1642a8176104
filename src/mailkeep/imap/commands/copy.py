"""COPY, UID COPY."""

from __future__ import annotations

from collections.abc import Sequence

from mailkeep.imap.commands.append import target_place
from mailkeep.imap.done import Done, Refused
from mailkeep.imap.message_limit import require_saved
from mailkeep.imap.progress import Progress
from mailkeep.imap.session import Selected
from mailkeep.imap.wire import response
from mailkeep.imap.wire.copy import Copy
from mailkeep.model.uidset import UidSet


async def copy(s: Selected, cmd: Copy) -> Done:
    """Copy messages, all or none.  RFC 9051 §6.4.7.  Raises: NotFound (as TRYCREATE), OverQuota."""
    target = await target_place(s.owner, cmd.mailbox)
    chosen = await source_uids(s, cmd)
    require_saved(s.session, len(chosen), chosen)
    uids = UidSet(chosen)
    with Progress(s.session):
        if target.account == s.account:
            copied = await s.messages.copy(s.account, s.mailbox, uids, target.mailbox.id, s.guest)
        else:
            copied = await s.session.services.transfer.copy(s.place, uids, target)
    if not copied.target:
        return Done("Nothing to copy")
    return Done(code=response.copyuid(copied.uidvalidity, copied.source, copied.target))


async def source_uids(s: Selected, cmd: Copy) -> Sequence[int]:
    """What to copy or move.  By number, nothing is done when one is gone (RFC 2180 §4.4.1).  Raises: Refused."""
    await s.refresh()
    uids = s.resolve(cmd.numbers, uid=cmd.uid)
    if not cmd.uid and any(s.view.is_withheld(uid) for uid in uids):
        raise Refused("Some of the messages no longer exist", b"EXPUNGEISSUED")
    return uids
