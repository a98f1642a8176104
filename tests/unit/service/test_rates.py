"""How often somebody may do something, whichever process he meets."""

from __future__ import annotations

from mailkeep.service.ledger import Ledger
from mailkeep.service.rates import HOUR_S, Rates
from mailkeep.service.throttle import Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_in_an_hour_so_many_are_let_in_and_in_the_next_again() -> None:
    clock = Clock()
    rates = Rates(Ledger.alone(), "mail:", 3, clock)
    assert [rates.admit("a") for _ in range(5)] == [True, True, True, False, False]
    assert rates.admit("b")
    clock.now += HOUR_S
    assert [rates.admit("a") for _ in range(4)] == [True, True, True, False]


def test_all_processes_count_together() -> None:
    clock = Clock()
    first = Ledger.make(2, 0)
    second = Ledger.join(first.descriptor, 2, 1)
    one, two = (Rates(ledger, "mail:", 4, clock) for ledger in (first, second))
    assert [one.admit("a"), two.admit("a"), one.admit("a"), two.admit("a"), one.admit("a"), two.admit("a")] == [
        *[True] * 4,
        *[False] * 2,
    ]


def test_no_limit_is_no_limit_and_it_may_be_changed() -> None:
    rates = Rates(Ledger.alone(), "mail:", 0, Clock())
    assert all(rates.admit("a") for _ in range(100))
    rates.per_hour = 1
    assert [rates.admit("a") for _ in range(2)] == [True, False]


def test_many_strangers_do_not_make_room_by_pushing_out_failed_logins() -> None:
    clock = Clock()
    clock.now = 7200.0
    ledger = Ledger.alone(buckets=1)
    throttle = Throttle(ledger, "login:", clock)
    throttle.enter("ann")
    throttle.leave("ann", failed=True)
    rates = Rates(ledger, "mail:", 5, clock)
    for number in range(100):
        assert rates.admit(str(number))
    assert throttle.enter("ann") > 0
