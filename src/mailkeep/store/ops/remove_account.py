"""Remove all rows of an account, some at a time."""

from __future__ import annotations

from typing import Final

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.tables import TABLES

STEP: Final = 2000  # rows removed by one operation: a fraction of a second


def remove_account(account: AccountId) -> Op[bool]:
    """True when nothing is left, False: call again.  May be repeated, also for an account that never was.

    Octets in packs remain until the packs are rewritten.
    """
    yield Sql("DELETE FROM account WHERE account = ?", (account,))  # from now on other operations say NotFound
    for table, key in TABLES:
        rows = yield Sql(f"SELECT {key} FROM {table} WHERE account = ? LIMIT 1", (account,))  # noqa: S608  our constants
        if rows:
            yield Sql(
                f"DELETE FROM {table} WHERE account = ? AND ({key}) IN"  # noqa: S608  our constants
                f" (SELECT {key} FROM {table} WHERE account = ? LIMIT {STEP})",
                (account, account),
            )
            return False
    yield Sql("DELETE FROM held WHERE account = ?", (account,))
    return True
