"""Waiting times after failures, with a clock that the test turns."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailkeep.model.errors import Unavailable
from mailkeep.service.ledger import WAYS, Ledger
from mailkeep.service.throttle import FORGET_S, MAX_DELAY_S, Throttle, network_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fail(throttle: Throttle, key: str = "ann") -> float:
    throttle.enter(key)
    return throttle.leave(key, failed=True)


def test_delays_double_up_to_the_longest(clock: Clock) -> None:
    throttle = Throttle(Ledger.alone(), "login:", clock)
    delays = []
    for _ in range(8):
        delays.append(fail(throttle))
        clock.now += delays[-1]
    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, MAX_DELAY_S]


def test_the_next_try_waits_for_what_is_left_of_the_delay(clock: Clock) -> None:
    throttle = Throttle(Ledger.alone(), "login:", clock)
    fail(throttle)
    fail(throttle)
    clock.now += 0.2
    assert throttle.enter("ann") == pytest.approx(0.3)


def test_tries_at_the_same_time_wait_for_each_other(clock: Clock) -> None:
    throttle = Throttle(Ledger.alone(), "login:", clock)
    for _ in range(4):
        fail(throttle)
    waits = [throttle.enter("ann") for _ in range(5)]
    assert waits == [2.0, 4.0, 6.0, 8.0, 10.0]


def test_who_would_wait_too_long_is_sent_away_and_not_counted(clock: Clock) -> None:
    throttle = Throttle(Ledger.alone(), "login:", clock)
    for _ in range(6):
        fail(throttle)
    assert [throttle.enter("ann"), throttle.enter("ann")] == [8.0, 16.0]
    for _ in range(100):
        with pytest.raises(Unavailable):
            throttle.enter("ann")
    throttle.leave("ann", failed=False)
    throttle.leave("ann", failed=False)
    clock.now += MAX_DELAY_S
    assert throttle.enter("ann") == 0.0


def test_failures_are_forgotten_after_a_while_without_any(clock: Clock) -> None:
    throttle = Throttle(Ledger.alone(), "login:", clock)
    for _ in range(6):
        fail(throttle)
    clock.now += FORGET_S + 1
    assert throttle.enter("ann") == 0.0
    assert throttle.leave("ann", failed=True) == 0.25


def test_the_first_failures_may_be_free(clock: Clock) -> None:
    throttle = Throttle(Ledger.alone(), "login:", clock, free=2)
    assert [fail(throttle), fail(throttle), fail(throttle)] == [0.0, 0.0, 0.25]


def test_keys_do_not_disturb_each_other_and_success_leaves_nothing_behind(clock: Clock) -> None:
    ledger = Ledger.alone()
    throttle = Throttle(ledger, "login:", clock)
    fail(throttle, "ann")
    assert throttle.enter("bob") == 0.0
    throttle.leave("bob", failed=False)
    assert len(ledger) == 1
    throttle.forgive("ann")
    assert len(ledger) == 0


def test_memory_is_bounded_and_the_oldest_go_first(clock: Clock) -> None:
    ledger = Ledger.alone(buckets=1)
    throttle = Throttle(ledger, "login:", clock)
    for number in range(1000):
        clock.now += 0.001
        fail(throttle, f"user{number}")
    assert len(ledger) == WAYS
    assert throttle.enter("user999") > 0.0
    assert throttle.enter("user0") == 0.0


def test_leaving_after_having_been_pushed_out_is_harmless(clock: Clock) -> None:
    ledger = Ledger.alone(buckets=1)
    throttle = Throttle(ledger, "login:", clock)
    for number in range(WAYS + 1):
        throttle.enter(f"user{number}")  # the last one finds no room
    throttle.leave(f"user{WAYS}", failed=False)
    throttle.leave("user0", failed=True)
    assert len(ledger) == WAYS


class TestSeveralProcesses:
    """Two throttles on the memory of two processes."""

    @pytest.fixture
    def pair(self, clock: Clock) -> Iterator[tuple[Throttle, Throttle]]:
        ledger = Ledger.make(2, 0)
        yield Throttle(ledger, "login:", clock), Throttle(Ledger.join(ledger.descriptor, 2, 1), "login:", clock)
        ledger.close()

    def test_failures_count_together(self, pair: tuple[Throttle, Throttle], clock: Clock) -> None:
        delays = []
        for throttle in (*pair, *pair):
            delays.append(fail(throttle))
            clock.now += delays[-1]
        assert delays == [0.25, 0.5, 1.0, 2.0]

    def test_tries_at_the_same_time_wait_for_each_other(self, pair: tuple[Throttle, Throttle]) -> None:
        one, two = pair
        for _ in range(4):
            fail(one)
        assert [throttle.enter("ann") for throttle in (two, one, two)] == [2.0, 4.0, 6.0]

    def test_a_success_in_one_forgives_the_failures_of_both(
        self, pair: tuple[Throttle, Throttle], clock: Clock
    ) -> None:
        one, two = pair
        fail(one)
        fail(two)
        two.forgive("ann")
        assert [one.enter("ann"), two.enter("ann")] == [0.0, 0.0]
        for throttle in pair:
            throttle.leave("ann", failed=False)
        assert fail(one) == 0.25
        assert fail(two) == 0.5

    def test_failures_that_were_forgotten_do_not_come_back(self, pair: tuple[Throttle, Throttle], clock: Clock) -> None:
        one, two = pair
        for _ in range(6):
            fail(one)
        clock.now += FORGET_S + 1
        assert fail(two) == 0.25
        assert fail(one) == 0.5

    def test_what_was_forgiven_stays_so_after_a_while(self, pair: tuple[Throttle, Throttle], clock: Clock) -> None:
        one, two = pair
        for _ in range(6):
            fail(one)
        two.forgive("ann")
        clock.now += FORGET_S - 1
        assert fail(two) == 0.25


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("", ""),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("::ffff:127.0.0.1", ""),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no address", "no address"),
    ],
)
def test_a_source_is_an_ipv4_address_or_an_ipv6_network_and_this_machine_is_none(peer: str, network: str) -> None:
    assert network_of(peer) == network
