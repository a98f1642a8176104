"""Who shares something with an account: asked of every database, as each knows the lists of its own accounts."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql


def list_granters(account: AccountId) -> Op[tuple[AccountId, ...]]:
    """Accounts of this database with a list that names `account` or anyone, ascending; `account` itself perhaps."""
    rows = yield Sql("SELECT DISTINCT account FROM acl WHERE who IN ('anyone', ?) ORDER BY account", (str(account),))
    return tuple(AccountId(granter) for (granter,) in rows)
