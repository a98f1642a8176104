"""EXPUNGE and UID EXPUNGE."""

from __future__ import annotations

from mailkeep.imap.done import Done
from mailkeep.imap.message_limit import cut, with_limit
from mailkeep.imap.progress import Progress
from mailkeep.imap.session import Selected
from mailkeep.imap.wire import response
from mailkeep.imap.wire.sequence_set import SequenceSet
from mailkeep.model.flags import System
from mailkeep.model.ids import Uid
from mailkeep.model.uidset import UidSet


async def expunge(s: Selected, _: None) -> Done:
    """Remove all messages with \\Deleted.  RFC 9051 §6.4.3.  Raises: Forbidden."""
    return await _expunge(s, None)


async def uid_expunge(s: Selected, numbers: SequenceSet) -> Done:
    """Remove those of the given UIDs with \\Deleted.  RFC 9051 §6.4.9.  Raises: Forbidden."""
    await s.refresh()
    uids = s.resolve(numbers, uid=True)
    limit = b""
    if s.session.options.message_limit:
        shared = s.shared
        marked = [uid for uid in uids if (state := shared.state(Uid(uid))) and state.mask & System.DELETED]
        uids, limit = cut(s.session, marked)
    return with_limit(s.session, await _expunge(s, UidSet(uids)), limit)


async def _expunge(s: Selected, uids: UidSet | None) -> Done:
    s.require_writable("e")
    with Progress(s.session):
        modseq, gone = await s.messages.expunge(s.account, s.mailbox, uids, s.guest)
    # RFC 7162 §3.2.7: the highest mod-sequence belongs to the tagged answer once QRESYNC is on
    code = response.highestmodseq(modseq) if s.session.enabled.qresync and gone else b""
    return Done(code=code)
