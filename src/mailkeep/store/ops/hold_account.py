"""Let nobody write to an account in this shard, while it is moved to another."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.account import lock_account


def hold_account(account: AccountId) -> Op[None]:
    """From now on writes are answered with Unavailable: whatever is read later is all there is.  Raises: NotFound."""
    yield from lock_account(account)
    yield Sql("INSERT INTO held VALUES (?) ON CONFLICT DO NOTHING", (account,))
