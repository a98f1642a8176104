"""One mailbox of an account, by its name, for a guest."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import Mailbox
from mailkeep.model.rights import Rights
from mailkeep.store.contract import Op
from mailkeep.store.names import normal_path
from mailkeep.store.steps.rights import read_rights
from mailkeep.store.steps.tree import as_mailbox, find_path


def find_granted(account: AccountId, guest: AccountId, path: str) -> Op[tuple[Mailbox, Rights] | None]:
    """The mailbox and the guest's rights; None when he has none, or there is none."""
    row = yield from find_path(account, path)
    if row is None:
        return None
    rights = yield from read_rights(account, row[0], guest)
    return (as_mailbox(row, normal_path(path)), rights) if rights else None
