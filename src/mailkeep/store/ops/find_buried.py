"""Mailboxes, dead or alive, from which something can be brought back."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.names import normal_path
from mailkeep.store.steps.tree import path_of


def find_buried(account: AccountId, path: str) -> Op[tuple[MailboxId, ...]]:
    """Those of this full name that have tombstones, ascending: the name may have belonged to several.

    Raises: Invalid (the name).
    """
    wanted = normal_path(path)
    rows = yield Sql(
        "SELECT b.mailbox, b.parent, b.name FROM mailbox b WHERE b.account = ? AND EXISTS"
        " (SELECT 1 FROM gone g WHERE g.account = b.account AND g.mailbox = b.mailbox AND g.moved = 0)"
        " ORDER BY b.mailbox",
        (account,),
    )
    found = []
    for mailbox, parent, leaf in rows:
        if (yield from path_of(account, parent, leaf)) == wanted:
            found.append(MailboxId(mailbox))
    return tuple(found)
