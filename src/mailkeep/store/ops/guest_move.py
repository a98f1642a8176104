"""MOVE by a guest, within the account of somebody else."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.message import Copied
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op
from mailkeep.store.ops.guest_copy import strip_forbidden
from mailkeep.store.ops.move import move
from mailkeep.store.steps.rights import require


def guest_move(
    account: AccountId, guest: AccountId, mailbox: MailboxId, uids: UidSet, target: MailboxId, now: int
) -> Op[Copied]:
    """Needs ``r``, ``t`` and ``e`` here and ``i`` there (RFC 6851 §4.2); flags as in `guest_copy`.

    Raises: what `move` raises, and Forbidden.
    """
    yield from require(account, mailbox, guest, "rte")
    yield from require(account, target, guest, "i")
    moved = yield from move(account, mailbox, uids, target, now)
    yield from strip_forbidden(account, guest, moved)
    return moved
