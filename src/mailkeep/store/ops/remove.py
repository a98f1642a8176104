r"""Entries go whether they are marked \Deleted or not: what POP3 removes when a session ends."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.store.contract import Op
from mailkeep.store.steps.account import lock_mailbox, raise_modseq
from mailkeep.store.steps.entries import bury, choose


def remove(account: AccountId, mailbox: MailboxId, uids: UidSet, now: int) -> Op[tuple[ModSeq, UidSet]]:
    """Entries become tombstones, all in one transaction; UIDs that do not exist are passed over.

    Returns the modseq that tells of it, and the UIDs.  Raises: NotFound.
    """
    locked = yield from lock_mailbox(account, mailbox)
    chosen = yield from choose(account, mailbox, uids)
    if not chosen.uids:
        return locked.highest, EMPTY
    gone = yield from bury(account, mailbox, chosen, locked.modseq, now, moved=False)
    yield raise_modseq(account, locked.modseq, -chosen.octets, -len(chosen.uids))
    return locked.modseq, gone
