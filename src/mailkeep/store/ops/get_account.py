"""Look at an account."""

from __future__ import annotations

from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId
from mailkeep.store.contract import AccountRow, Op, Sql


def get_account(account: AccountId) -> Op[AccountRow]:
    """Raises: NotFound."""
    rows = yield Sql(
        "SELECT modseq, used_octets, used_messages, quota FROM account WHERE account = ?",
        (account,),
    )
    if not rows:
        raise NotFound("No such account")
    [(modseq, octets, messages, quota)] = rows
    return AccountRow(account=account, modseq=modseq, used_octets=octets, used_messages=messages, quota=quota)
