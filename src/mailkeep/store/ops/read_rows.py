"""Rows of an account as they are, a page at a time, to be written into another shard."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Rows, Sql, Value
from mailkeep.store.steps.tables import key_of


def read_rows(account: AccountId, table: str, after: tuple[Value, ...], limit: int) -> Op[Rows]:
    """At most `limit` rows whose key is greater than `after` (empty: from the first), ascending by key.

    Each row begins with the columns of its key, then come all columns.
    """
    key = key_of(table)
    beyond = f" AND ({key}) > ({', '.join('?' * len(after))})" if after else ""
    return (
        yield Sql(
            f"SELECT {key}, * FROM {table} WHERE account = ?{beyond} ORDER BY {key} LIMIT ?",  # noqa: S608  our constants
            (account, *after, limit),
            alone=True,
        )
    )
