"""Note who wanted to send mail."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.account import lock_account


def put_greylisted(account: AccountId, key: bytes, known: bool, now: int) -> Op[None]:  # noqa: FBT001
    """A network that is known was here, or an attempt was made for the first time.

    No modseq: nothing a client sees depends on it.  Raises: NotFound (the account).
    """
    yield from lock_account(account)
    yield Sql(
        "INSERT INTO greylist VALUES (?, ?, ?, ?) ON CONFLICT (account, key)"
        " DO UPDATE SET known = excluded.known, at = excluded.at",
        (account, key, int(known), now),
    )
