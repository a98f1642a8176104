"""MOVE: a copy and an expunge in one step, under one modseq."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.message import Copied
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op
from mailkeep.store.ops.copy import require_target
from mailkeep.store.steps.account import lock_mailbox, raise_modseq, require_uids
from mailkeep.store.steps.entries import bury, choose, duplicate


def move(account: AccountId, mailbox: MailboxId, uids: UidSet, target: MailboxId, now: int) -> Op[Copied]:
    """RFC 6851.  The messages keep flags and numbers; within one mailbox they get new UIDs.  The quota is not asked.

    Raises: NotFound, Invalid (the target cannot hold messages), LimitReached (UIDs).
    """
    locked = yield from lock_mailbox(account, mailbox)
    uidvalidity, uidnext = yield from require_target(account, target)
    chosen = yield from choose(account, mailbox, uids)
    if not chosen.uids:
        return Copied(target, uidvalidity, (), (), ModSeq(locked.modseq - 1))
    require_uids(uidnext, len(chosen.uids))
    new = yield from duplicate(account, mailbox, chosen, target, locked.modseq, now)
    yield from bury(account, mailbox, chosen, locked.modseq, now, moved=True)
    yield raise_modseq(account, locked.modseq)
    return Copied(target, uidvalidity, chosen.uids, new, locked.modseq)
