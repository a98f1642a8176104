"""How much an account may send in an hour."""

from __future__ import annotations

import pytest

from mailkeep.model.errors import LimitReached
from mailkeep.model.ids import AccountId
from mailkeep.service.allowance import HOUR_S, Allowance
from mailkeep.service.ledger import Ledger

ANN, BOB = AccountId(1), AccountId(2)
NOON = 1_700_000_000 // HOUR_S * HOUR_S


def allowance(ledger: Ledger, at: list[int], **limits: int) -> Allowance:
    """`at`: what the clock says."""
    return Allowance(ledger, clock=lambda: at[0], ticks=lambda: at[0], **limits)


def test_without_limits_nothing_is_counted() -> None:
    ledger = Ledger.alone()
    allowance(ledger, [NOON]).take(ANN, 1000)
    assert len(ledger) == 0


def test_each_account_has_its_own() -> None:
    mine = allowance(Ledger.alone(), [NOON], messages=1)
    mine.take(ANN, 1)
    mine.take(BOB, 1)
    with pytest.raises(LimitReached):
        mine.take(ANN, 1)


def test_who_has_sent_enough_is_told_how_long_to_wait() -> None:
    at = [NOON + 600]
    mine = allowance(Ledger.alone(), at, recipients=10)
    mine.take(ANN, 10)
    with pytest.raises(LimitReached, match="in 50 minutes"):
        mine.take(ANN, 1)
    at[0] = NOON + HOUR_S
    mine.take(ANN, 10)


def test_all_processes_count_together() -> None:
    first = Ledger.make(2, 0)
    second = Ledger.join(first.descriptor, 2, 1)
    one, two = (allowance(ledger, [NOON], messages=2, recipients=100) for ledger in (first, second))
    one.take(ANN, 1)
    two.take(ANN, 1)
    for each in (one, two):
        with pytest.raises(LimitReached):
            each.take(ANN, 1)
    second.descriptor = -1  # it is the first one's to close
    first.close()


def test_what_a_process_that_died_has_counted_remains() -> None:
    ledger = Ledger.alone()
    mine = allowance(ledger, [NOON], messages=1)
    mine.take(ANN, 1)
    ledger.forget_counts(0)
    with pytest.raises(LimitReached):
        mine.take(ANN, 1)
