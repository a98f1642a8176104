"""The keywords an account has ever used."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql


def keywords(account: AccountId) -> Op[tuple[tuple[int, str], ...]]:
    """(number, name in its first spelling), ascending by number; see `mailkeep.model.flags`."""
    rows = yield Sql("SELECT bit, name FROM keyword WHERE account = ? ORDER BY bit", (account,))
    return tuple((number, name) for number, name in rows)
