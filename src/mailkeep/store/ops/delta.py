"""What happened to a mailbox after a modseq."""

from __future__ import annotations

from mailkeep.model.change import Delta
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.message import NO_MORE, FlagState
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.changes import logged, missing, read_marks
from mailkeep.store.steps.keywords import decode_more


def delta(account: AccountId, mailbox: MailboxId, since: ModSeq) -> Op[Delta]:
    """Everything in (`since`, `upto`], `upto` being the mailbox's HIGHESTMODSEQ in this snapshot.

    Costs as much as what changed.  Where the log has been pruned, `gone` is every UID that is not there, and finding
    it costs as much as the mailbox.  Raises: NotFound.
    """
    marks = yield from read_marks(account, mailbox)
    if marks.highest <= since:
        return Delta(since, (), EMPTY)
    if since >= marks.log_floor:
        touched, gone = yield from logged(account, mailbox, since)
    else:
        touched = UidSet.of_ranges([(1, marks.uidnext)])
        gone = yield from missing(account, mailbox, marks.uidnext)
    rows = yield Sql(
        "SELECT uid, flags, more_keywords, modseq FROM entry"
        " WHERE account = ? AND mailbox = ? AND uid IN ? AND modseq > ? ORDER BY uid",
        (account, mailbox, touched, since),
    )
    changed = tuple(
        FlagState(uid, flags, NO_MORE if column is None else decode_more(column), modseq)
        for uid, flags, column, modseq in rows
    )
    return Delta(marks.highest, changed, gone)
