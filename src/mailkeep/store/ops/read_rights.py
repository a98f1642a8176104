"""What a guest may do with a mailbox."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.rights import Rights
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps import rights as steps


def read_rights(account: AccountId, mailbox: MailboxId, guest: AccountId) -> Op[Rights | None]:
    """None when there is no such mailbox (any more)."""
    rights = yield from steps.read_rights(account, mailbox, guest)
    if not rights and not (
        yield Sql("SELECT 1 FROM mailbox WHERE account = ? AND mailbox = ? AND deleted_at IS NULL", (account, mailbox))
    ):
        return None
    return rights
