"""Keep a big mailbox's arrays, so that it opens quickly."""

from __future__ import annotations

from typing import Final

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.ops.snapshot import snapshot
from mailkeep.store.steps.saved import Arrays, dump

WORTHWHILE: Final = 2000  # entries; fewer are read from the rows in no time


def save_snapshot(account: AccountId, mailbox: MailboxId) -> Op[None]:
    """For an idle moment.  No modseq: it changes nothing that anybody sees.  Raises: NotFound."""
    now = yield from snapshot(account, mailbox)
    if now.mailbox.total < WORTHWHILE:
        return
    data = dump(Arrays(now.uids, now.masks, now.modseqs, now.more))
    yield Sql(
        "INSERT INTO snapshot VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account, mailbox) DO UPDATE SET modseq = excluded.modseq, data = excluded.data"
        " WHERE excluded.modseq > snapshot.modseq",
        (account, mailbox, now.mailbox.modseq, data),
    )
