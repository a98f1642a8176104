"""Change how much an account may keep."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.account import lock_account


def set_quota(account: AccountId, quota: int | None) -> Op[None]:
    """`quota` in octets, None = unlimited; it may be below what is in use.  Raises: NotFound."""
    yield from lock_account(account)
    yield Sql("UPDATE account SET quota = ? WHERE account = ?", (quota, account))
