"""Which UIDs went after a modseq."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.store.contract import Op
from mailkeep.store.steps.changes import logged, missing, read_marks


def vanished(account: AccountId, mailbox: MailboxId, since: ModSeq) -> Op[UidSet]:
    """For QRESYNC and UID FETCH … VANISHED (RFC 7162 §3.2.5, §3.2.6).

    Where the log has been pruned these are all UIDs that are not there, which the RFC allows.  Raises: NotFound.
    """
    marks = yield from read_marks(account, mailbox)
    if marks.highest <= since:
        return EMPTY
    if since < marks.log_floor:
        return (yield from missing(account, mailbox, marks.uidnext))
    _, gone = yield from logged(account, mailbox, since)
    return gone
