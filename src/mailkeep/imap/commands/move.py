"""MOVE, UID MOVE."""

from __future__ import annotations

from mailkeep.imap.commands.append import target_place
from mailkeep.imap.commands.copy import source_uids
from mailkeep.imap.commands.quota import warn_when_over
from mailkeep.imap.done import Done
from mailkeep.imap.message_limit import cut, with_limit
from mailkeep.imap.progress import Progress
from mailkeep.imap.session import Selected
from mailkeep.imap.wire import response
from mailkeep.imap.wire.copy import Copy
from mailkeep.model.uidset import UidSet


async def move(s: Selected, cmd: Copy) -> Done:
    """Move messages, all or none.  RFC 9051 §6.4.8, RFC 6851.  Raises: NotFound (as TRYCREATE), Forbidden.

    COPYUID comes before the EXPUNGEs, untagged, so that the client can still match the numbers (RFC 6851 §4.3).
    """
    s.require_writable("te")
    target = await target_place(s.owner, cmd.mailbox)
    chosen, limit = cut(s.session, await source_uids(s, cmd))
    uids = UidSet(chosen)
    with Progress(s.session):
        if target.account == s.account:
            moved = await s.messages.move(s.account, s.mailbox, uids, target.mailbox.id, s.guest)
        else:
            moved = await s.session.services.transfer.move(s.place, uids, target)
    if not moved.target:
        return Done("Nothing to move")
    s.session.untagged(b"OK [%b] Moved" % response.copyuid(moved.uidvalidity, moved.source, moved.target))
    if target.account == s.account and s.guest is None:  # within an account the quota is not asked
        await warn_when_over(s.owner, s.account)
    # RFC 7162 §3.2.8: as after EXPUNGE
    code = response.highestmodseq(moved.modseq) if s.session.enabled.qresync else b""
    return with_limit(s.session, Done(code=code), limit)
