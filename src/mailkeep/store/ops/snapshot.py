"""A whole mailbox as arrays, for opening a view of it."""

from __future__ import annotations

from array import array

from mailkeep.model.flags import More
from mailkeep.model.ids import AccountId, MailboxId, Uid
from mailkeep.store.contract import Op, Snapshot, Sql
from mailkeep.store.ops.delta import delta
from mailkeep.store.steps.keywords import decode_more
from mailkeep.store.steps.saved import apply, load
from mailkeep.store.steps.tree import read_mailbox


def snapshot(account: AccountId, mailbox: MailboxId) -> Op[Snapshot]:
    """Everything about a mailbox at one moment: from the saved arrays and the log since, or else from the rows.

    Raises: NotFound.
    """
    row = yield from read_mailbox(account, mailbox)
    saved = yield Sql(
        "SELECT s.modseq, s.data FROM snapshot s JOIN account a ON a.account = s.account"
        " WHERE s.account = ? AND s.mailbox = ? AND s.modseq >= a.log_floor",
        (account, mailbox),
    )
    if saved:
        [(modseq, data)] = saved
        arrays = load(data)
        if arrays is not None:
            since = yield from delta(account, mailbox, modseq)
            apply(arrays, since)
            return Snapshot(mailbox=row, uids=arrays.uids, masks=arrays.masks, modseqs=arrays.modseqs, more=arrays.more)
    rows = yield Sql(
        "SELECT uid, flags, modseq, more_keywords FROM entry WHERE account = ? AND mailbox = ? ORDER BY uid",
        (account, mailbox),
    )
    uids, masks, modseqs, columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    more: dict[Uid, More] = {}
    if any(columns):
        more = {uid: decode_more(column) for uid, column in zip(uids, columns, strict=True) if column}
    return Snapshot(mailbox=row, uids=array("I", uids), masks=array("q", masks), modseqs=array("q", modseqs), more=more)
