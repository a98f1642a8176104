"""Ask whether there is room for new messages, before they come."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op
from mailkeep.store.steps import quota


def require_room(account: AccountId, octets: int, messages: int) -> Op[None]:
    """Raises: NotFound, OverQuota, NeverFits."""
    yield from quota.require_room(account, octets, messages)
