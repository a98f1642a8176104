"""The names an account is subscribed to."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql


def list_subscriptions(account: AccountId) -> Op[tuple[str, ...]]:
    """Ascending; some may name what does not exist."""
    rows = yield Sql("SELECT name FROM subscription WHERE account = ? ORDER BY name", (account,))
    return tuple(name for (name,) in rows)
