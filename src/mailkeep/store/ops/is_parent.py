"""Whether a mailbox has others below it."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.store.contract import Op
from mailkeep.store.steps.tree import has_children


def is_parent(account: AccountId, mailbox: MailboxId) -> Op[bool]:
    """Living ones, directly below."""
    return (yield from has_children(account, mailbox))
