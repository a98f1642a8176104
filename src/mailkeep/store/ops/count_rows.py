"""How much of an account lies in a shard."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.tables import TABLES


def count_rows(account: AccountId) -> Op[tuple[tuple[str, int], ...]]:
    """The number of rows in each table, but for the account's own.  Costs as much as there are."""
    counts = []
    for table, _ in TABLES:
        [(count,)] = yield Sql(f"SELECT count(*) FROM {table} WHERE account = ?", (account,))  # noqa: S608  our constants
        counts.append((table, count))
    return tuple(counts)
