"""What the sender of a message has been told."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.account import lock_account
from mailkeep.store.steps.queue import end_leg


def queue_reported(
    account: AccountId, item: int, leg: int, recipients: tuple[int, ...], due_at: int, now: int
) -> Op[bool]:
    """These are owed no report any more.  If others of the leg wait, it is next due at `due_at`.

    Whether the item is over, and gone.  Raises: NotFound (the account).
    """
    yield from lock_account(account)
    for number in recipients:
        yield Sql(
            "UPDATE queue_recipient SET owed = 0 WHERE account = ? AND item = ? AND leg = ? AND number = ?",
            (account, item, leg, number),
        )
    yield Sql(
        "UPDATE queue_leg SET due_at = CASE WHEN due_at IS NULL THEN NULL ELSE ? END"
        " WHERE account = ? AND item = ? AND leg = ?",
        (due_at, account, item, leg),
    )
    return (yield from end_leg(account, item, leg, now))


def queue_warned(account: AccountId, item: int, leg: int) -> Op[None]:
    """The sender knows that this leg takes long.  Raises: NotFound (the account)."""
    yield from lock_account(account)
    yield Sql("UPDATE queue_leg SET warned = 1 WHERE account = ? AND item = ? AND leg = ?", (account, item, leg))
