"""Whether an account is subscribed to a name."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql


def is_subscribed(account: AccountId, name: str) -> Op[bool]:
    """By the name as `subscribe` has kept it."""
    return bool((yield Sql("SELECT 1 FROM subscription WHERE account = ? AND name = ?", (account, name))))
