"""The second half of a MOVE into another account: the entries go, as their messages live on there."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.store.contract import Op
from mailkeep.store.steps.account import lock_mailbox, raise_modseq
from mailkeep.store.steps.entries import bury, choose
from mailkeep.store.steps.rights import require


def withdraw(
    account: AccountId, guest: AccountId | None, mailbox: MailboxId, uids: UidSet, now: int
) -> Op[tuple[ModSeq, UidSet]]:
    """Entries become tombstones that are not to be undeleted.  `guest`: who asks, None for the owner.

    Returns the modseq that tells of it, and the UIDs.  Raises: NotFound, Forbidden (``t`` and ``e`` are needed).
    """
    if guest is not None:
        yield from require(account, mailbox, guest, "te")
    locked = yield from lock_mailbox(account, mailbox)
    chosen = yield from choose(account, mailbox, uids)
    if not chosen.uids:
        return locked.highest, EMPTY
    gone = yield from bury(account, mailbox, chosen, locked.modseq, now, moved=True)
    yield raise_modseq(account, locked.modseq, -chosen.octets, -len(chosen.uids))
    return locked.modseq, gone
