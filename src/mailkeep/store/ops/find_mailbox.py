"""One mailbox by its name."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import Mailbox
from mailkeep.store.contract import Op
from mailkeep.store.names import normal_path
from mailkeep.store.steps.tree import as_mailbox, find_path


def find_mailbox(account: AccountId, path: str) -> Op[Mailbox | None]:
    """None also for a name that no mailbox can have.  INBOX in any letter case; other names as they are."""
    row = yield from find_path(account, path, alone=True)
    return None if row is None else as_mailbox(row, normal_path(path))
