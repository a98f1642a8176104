"""Waiting times after failures, with a clock that the test turns."""

from __future__ import annotations

import pytest

from mailkeep.model.errors import Unavailable
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
    throttle = Throttle(clock)
    delays = []
    for _ in range(8):
        delays.append(fail(throttle))
        clock.now += delays[-1]
    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, MAX_DELAY_S]


def test_the_next_try_waits_for_what_is_left_of_the_delay(clock: Clock) -> None:
    throttle = Throttle(clock)
    fail(throttle)
    fail(throttle)
    clock.now += 0.2
    assert throttle.enter("ann") == pytest.approx(0.3)


def test_tries_at_the_same_time_wait_for_each_other(clock: Clock) -> None:
    throttle = Throttle(clock)
    for _ in range(4):
        fail(throttle)
    waits = [throttle.enter("ann") for _ in range(5)]
    assert waits == [2.0, 4.0, 6.0, 8.0, 10.0]


def test_who_would_wait_too_long_is_sent_away_and_not_counted(clock: Clock) -> None:
    throttle = Throttle(clock)
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
    throttle = Throttle(clock)
    for _ in range(6):
        fail(throttle)
    clock.now += FORGET_S + 1
    assert throttle.enter("ann") == 0.0
    assert throttle.leave("ann", failed=True) == 0.25


def test_the_first_failures_may_be_free(clock: Clock) -> None:
    throttle = Throttle(clock, free=2)
    assert [fail(throttle), fail(throttle), fail(throttle)] == [0.0, 0.0, 0.25]


def test_keys_do_not_disturb_each_other_and_success_leaves_nothing_behind(clock: Clock) -> None:
    throttle = Throttle(clock)
    fail(throttle, "ann")
    assert throttle.enter("bob") == 0.0
    throttle.leave("bob", failed=False)
    assert len(throttle) == 1


def test_memory_is_bounded_and_the_oldest_go_first(clock: Clock) -> None:
    throttle = Throttle(clock, entries=100)
    for number in range(1000):
        fail(throttle, f"user{number}")
    assert len(throttle) == 100
    assert throttle.enter("user999") > 0.0
    assert throttle.enter("user0") == 0.0


def test_leaving_after_having_been_pushed_out_is_harmless(clock: Clock) -> None:
    throttle = Throttle(clock, entries=1)
    throttle.enter("ann")
    throttle.enter("bob")
    throttle.leave("ann", failed=False)
    throttle.leave("bob", failed=True)
    assert len(throttle) == 1


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
