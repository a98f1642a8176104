"""REPLACE by a guest, within the account of somebody else."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId, Uid
from mailkeep.model.message import Appended
from mailkeep.store.contract import NewMessage, Op
from mailkeep.store.ops.guest_append import with_allowed_flags
from mailkeep.store.ops.replace import replace
from mailkeep.store.steps.rights import require


def guest_replace(
    account: AccountId,
    guest: AccountId,
    mailbox: MailboxId,
    uid: Uid,
    target: MailboxId,
    message: NewMessage,
    now: int,
) -> Op[Appended]:
    """Needs ``t`` and ``e`` here and ``i`` there; flags as in `guest_append`.

    Raises: what `replace` raises, and Forbidden.
    """
    yield from require(account, mailbox, guest, "te")
    rights = yield from require(account, target, guest, "i")
    return (yield from replace(account, mailbox, uid, target, with_allowed_flags(message, rights), now))
