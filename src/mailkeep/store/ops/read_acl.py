"""The access control list of a mailbox."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.rights import Rights
from mailkeep.store.contract import Op, Sql


def read_acl(account: AccountId, mailbox: MailboxId) -> Op[tuple[tuple[str, Rights], ...]]:
    """(who, rights) as `acl` keeps them, ascending."""
    rows = yield Sql("SELECT who, rights FROM acl WHERE account = ? AND mailbox = ? ORDER BY who", (account, mailbox))
    return tuple((who, rights) for who, rights in rows)
