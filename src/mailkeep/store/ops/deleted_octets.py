"""How much an EXPUNGE would free."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.store.contract import Op
from mailkeep.store.steps.entries import choose_deleted


def deleted_octets(account: AccountId, mailbox: MailboxId) -> Op[int]:
    r"""The sum of the sizes of the entries with \Deleted; RFC 9208 §4.1.4."""
    return (yield from choose_deleted(account, mailbox)).octets
