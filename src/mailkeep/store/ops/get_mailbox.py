"""One mailbox by its number."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.mailbox import Mailbox
from mailkeep.store.contract import Op
from mailkeep.store.steps.tree import read_mailbox


def get_mailbox(account: AccountId, mailbox: MailboxId) -> Op[Mailbox]:
    """Raises: NotFound (also after it was deleted)."""
    return (yield from read_mailbox(account, mailbox))
