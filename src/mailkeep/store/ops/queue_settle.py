"""How attempts ended, and that reports have been made."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.queued import Settlement, State
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.account import lock_account
from mailkeep.store.steps.queue import end_leg


def queue_settle(
    account: AccountId, item: int, leg: int, attempts: int, settlements: tuple[Settlement, ...], due_at: int, now: int
) -> Op[bool]:
    """Write down what an attempt brought; `attempts` are those so far.  Whether the item is over, and gone.

    The leg is next due at `due_at`, if anything is left to do; at once where a report is owed.  May be repeated; those
    that are over already, or gone, stay so.  Raises: NotFound (the account).
    """
    yield from lock_account(account)
    for settlement in settlements:
        outcome = settlement.outcome
        state = State.WAITING
        if outcome.is_final:
            state = State.DELIVERED if outcome.is_delivered else State.FAILED
        yield Sql(
            "UPDATE queue_recipient SET state = ?, owed = ?, outcome_at = ?, enhanced = ?, text = ?, code = ?,"
            " host = ?, reports = ? WHERE account = ? AND item = ? AND leg = ? AND number = ? AND state = ?",
            (
                *(state.value, int(settlement.owed and outcome.is_final), now),
                *(outcome.enhanced, outcome.text, outcome.code, outcome.host, int(outcome.reports)),
                *(account, item, leg, settlement.number, State.WAITING.value),
            ),
        )
    if any(settlement.owed and settlement.outcome.is_final for settlement in settlements):
        due_at = now
    yield Sql(
        "UPDATE queue_leg SET attempts = ?, due_at = CASE WHEN due_at IS NULL THEN NULL ELSE ? END"
        " WHERE account = ? AND item = ? AND leg = ?",
        (attempts, due_at, account, item, leg),
    )
    return (yield from end_leg(account, item, leg, now))
