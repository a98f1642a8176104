"""REPLACE: an append and an expunge in one step, under one modseq."""

from __future__ import annotations

from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId, MailboxId, Uid
from mailkeep.model.message import Appended
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import NewMessage, Op, Sql
from mailkeep.store.ops.append import append
from mailkeep.store.steps.account import lock_mailbox
from mailkeep.store.steps.entries import bury, choose


def replace(
    account: AccountId, mailbox: MailboxId, uid: Uid, target: MailboxId, message: NewMessage, now: int
) -> Op[Appended]:
    """RFC 8508.  `message` into `target`, and the entry `uid` of `mailbox` becomes a tombstone; or neither.

    What goes makes room for what comes.  Raises: NotFound (also the entry), and what `append` raises.
    """
    yield from lock_mailbox(account, mailbox)
    chosen = yield from choose(account, mailbox, UidSet([uid]))
    if not chosen.uids:
        raise NotFound("The message to be replaced no longer exists")
    yield Sql(
        "UPDATE account SET used_octets = used_octets - ?, used_messages = used_messages - 1 WHERE account = ?",
        (chosen.octets, account),
    )
    appended = yield from append(account, target, (message,), now)
    yield from bury(account, mailbox, chosen, appended.modseq, now, moved=False)
    return appended
