"""The numbers of messages, as plain rows: for searches, which look at many and keep none."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op, Rows, Sql


def message_columns(account: AccountId, mailbox: MailboxId, uids: UidSet) -> Op[Rows]:
    """(uid, saved_at, internaldate, size, origin_account, origin_message, thread_account, thread), ascending by UID."""
    return (
        yield Sql(
            "SELECT e.uid, e.saved_at, m.internaldate, m.size, m.origin_account, m.origin_message, m.thread_account,"
            " m.thread FROM entry e JOIN message m ON m.account = e.account AND m.message = e.message"
            " WHERE e.account = ? AND e.mailbox = ? AND e.uid IN ? ORDER BY e.uid",
            (account, mailbox, uids),
        )
    )
