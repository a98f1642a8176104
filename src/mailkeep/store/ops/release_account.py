"""An account stays where it is."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql


def release_account(account: AccountId) -> Op[None]:
    """Let everybody write again, after `hold_account`.  May be repeated."""
    yield Sql("DELETE FROM held WHERE account = ?", (account,))
