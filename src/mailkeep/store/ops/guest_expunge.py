"""EXPUNGE by a guest."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op
from mailkeep.store.ops.expunge import expunge
from mailkeep.store.steps.rights import require


def guest_expunge(
    account: AccountId, guest: AccountId, mailbox: MailboxId, uids: UidSet | None, now: int
) -> Op[tuple[ModSeq, UidSet]]:
    """Needs ``e``.  Raises: what `expunge` raises, and Forbidden."""
    yield from require(account, mailbox, guest, "e")
    return (yield from expunge(account, mailbox, uids, now))
