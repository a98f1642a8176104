"""REPLACE, UID REPLACE."""

from __future__ import annotations

from mailkeep.imap.commands.append import take_in, target_place
from mailkeep.imap.done import Done, Refused
from mailkeep.imap.session import Selected
from mailkeep.imap.wire import response
from mailkeep.imap.wire.replace import Replace
from mailkeep.model.ids import Uid


async def replace(s: Selected, cmd: Replace) -> Done:
    """Put a new message into a mailbox and remove one from this, both or neither.  RFC 8508.

    Where the other mailbox belongs to another account, the new one comes first: a crash may leave both.
    APPENDUID comes before the EXPUNGE, untagged (§4.3).
    Raises: Forbidden, NotFound (the mailbox as TRYCREATE), TooLarge, OverQuota, Unavailable.
    """
    s.require_writable("te")
    target = await target_place(s.owner, cmd.mailbox)
    uid = await _replaced(s, cmd)
    [incoming] = await take_in(s.owner, [cmd.message])
    if target.account == s.account:
        appended = await s.messages.replace(s.account, s.mailbox, uid, target.mailbox.id, incoming, s.guest)
    else:
        appended = await s.messages.append(target.account, target.mailbox.id, [incoming], target.guest)
        await s.messages.remove(s.account, s.mailbox, uid, s.guest)
    code = response.appenduid(appended.uidvalidity, appended.uids)
    s.session.untagged(b"OK [%b] Replacement message ready" % code)
    # RFC 7162 §3.2.8: as after EXPUNGE
    return Done(code=response.highestmodseq(appended.modseq) if s.session.enabled.qresync else b"")


async def _replaced(s: Selected, cmd: Replace) -> Uid:
    """The one message that is to go.  Raises: Refused, NoSuchMessage (a number that is none)."""
    await s.refresh()
    uids = s.resolve(cmd.number, uid=cmd.uid)
    if not uids or s.view.is_withheld(uids[0]):
        raise Refused("The message no longer exists", b"NONEXISTENT" if cmd.uid else b"EXPUNGEISSUED")
    return Uid(uids[0])
