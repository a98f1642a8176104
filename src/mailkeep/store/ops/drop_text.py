"""Forget the text index of an account."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.account import lock_account


def drop_text(account: AccountId) -> Op[None]:
    """All of it: messages are searched as they are, until it is built anew.  No modseq.  Raises: NotFound."""
    yield from lock_account(account)
    for table in ("text_index", "text_segment", "text_stale"):
        yield Sql(f"DELETE FROM {table} WHERE account = ?", (account,))  # noqa: S608  our constants
