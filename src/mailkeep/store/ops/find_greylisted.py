"""What is known of who wants to send mail."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql


def find_greylisted(account: AccountId, network: bytes, attempt: bytes) -> Op[tuple[int, int]]:
    """When the network was last here as one that is known, and when this attempt was first made; 0: never."""
    rows = yield Sql(
        "SELECT known, at FROM greylist WHERE account = ? AND (key = ? AND known = 1 OR key = ? AND known = 0)",
        (account, network, attempt),
    )
    at = {int(known): int(at) for known, at in rows}
    return at.get(1, 0), at.get(0, 0)
