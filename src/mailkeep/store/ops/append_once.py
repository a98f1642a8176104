"""A delivery that may be tried again without harm."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId, MessageId, ModSeq, Uid
from mailkeep.model.message import Appended
from mailkeep.store.contract import NewMessage, Op, Sql
from mailkeep.store.ops.append import append
from mailkeep.store.steps.account import lock_account


def append_once(
    account: AccountId, mailbox: MailboxId, message: NewMessage, key: str, now: int
) -> Op[tuple[Appended, bool]]:
    """As `append`, unless a message has been delivered to the account under this key: then where it went.

    And whether it is new.  The key is remembered in the same transaction, for longer than any message is queued.
    Raises: as `append`.
    """
    yield from lock_account(account)
    rows = yield Sql(
        "SELECT mailbox, uidvalidity, uid, modseq, message FROM delivered WHERE account = ? AND key = ?", (account, key)
    )
    if rows:
        [(before, uidvalidity, uid, modseq, number)] = rows
        return Appended(MailboxId(before), uidvalidity, (Uid(uid),), ModSeq(modseq), MessageId(number)), False
    appended = yield from append(account, mailbox, (message,), now)
    yield Sql(
        "INSERT INTO delivered VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(account, key, mailbox, appended.uidvalidity, appended.uids[0], appended.modseq),
            *(appended.first_message, now),
        ),
    )
    return appended, True
