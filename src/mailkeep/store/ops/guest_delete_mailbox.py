"""DELETE by a guest."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.store.contract import Op
from mailkeep.store.ops.delete_mailbox import delete_mailbox
from mailkeep.store.steps.rights import require


def guest_delete_mailbox(account: AccountId, guest: AccountId, mailbox: MailboxId, now: int) -> Op[ModSeq]:
    """Needs ``x``.  Raises: what `delete_mailbox` raises, and Forbidden."""
    yield from require(account, mailbox, guest, "x")
    return (yield from delete_mailbox(account, mailbox, now))
