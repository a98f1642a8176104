"""What an administrator does to messages of the queue."""

from __future__ import annotations

from mailkeep.model.errors import Conflict, NotFound
from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.account import lock_account
from mailkeep.store.steps.queue import remove_item


def queue_hold(account: AccountId, item: int) -> Op[None]:
    """Nothing of it is tried until it is released.  Raises: NotFound."""
    yield from lock_account(account)
    yield from _require(account, item)
    yield Sql("UPDATE queue_item SET held = 1 WHERE account = ? AND item = ?", (account, item))
    yield Sql("UPDATE queue_leg SET due_at = NULL WHERE account = ? AND item = ?", (account, item))


def queue_release(account: AccountId, item: int, now: int) -> Op[None]:
    """Held or not: all of it is due now, or when its sender wanted it to leave.  Raises: NotFound."""
    yield from lock_account(account)
    _, hold_until = yield from _require(account, item)
    yield Sql("UPDATE queue_item SET held = 0 WHERE account = ? AND item = ?", (account, item))
    yield Sql(
        "UPDATE queue_leg SET due_at = ? WHERE account = ? AND item = ?", (max(now, hold_until or 0), account, item)
    )


def queue_retry(account: AccountId, item: int, now: int) -> Op[None]:
    """All of it is due now, whatever the schedule says.  Raises: NotFound, Conflict (it is held)."""
    yield from lock_account(account)
    held, _ = yield from _require(account, item)
    if held:
        raise Conflict("The message is held: release it")
    yield Sql("UPDATE queue_leg SET due_at = ? WHERE account = ? AND item = ?", (now, account, item))


def queue_drop(account: AccountId, item: int, now: int) -> Op[None]:
    """It is forgotten, and nobody is told.  Raises: NotFound."""
    yield from lock_account(account)
    if not (yield from remove_item(account, item, now)):
        raise NotFound("There is no such message in the queue")


def _require(account: AccountId, item: int) -> Op[tuple[bool, int | None]]:
    """Whether it is held, and when its sender wants it to leave."""
    rows = yield Sql("SELECT held, hold_until FROM queue_item WHERE account = ? AND item = ?", (account, item))
    if not rows:
        raise NotFound("There is no such message in the queue")
    [(held, hold_until)] = rows
    return bool(held), hold_until
