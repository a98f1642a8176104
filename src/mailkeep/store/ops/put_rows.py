"""Rows of an account as they were in another shard."""

from __future__ import annotations

from typing import Any

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.tables import key_of


def put_rows(account: AccountId, table: str, rows: tuple[tuple[Any, ...], ...]) -> Op[None]:
    """Insert rows, with all their columns; none of them may be there.  The account's own row comes last of all."""
    key_of(table)
    for row in rows:
        assert row[0] == account
        yield Sql(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608  our constants
