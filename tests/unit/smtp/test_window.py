"""The window on the queue: whose turn it is, and what is left behind."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.ids import AccountId
from mailkeep.service.queue import Due
from mailkeep.smtp.window import Window


def due(account: int, item: int, domain: str = "a.example", leg: int = 0) -> Due:
    return Due(0, AccountId(account), item, leg, domain)


def take_all(window: Window) -> list[tuple[int, int]]:
    """Account and item of all that may be tried at once."""
    taken = []
    while (one := window.take()) is not None:
        taken.append((one.account, one.item))
    return taken


def test_lanes_take_turns_so_that_a_newsletter_keeps_nobody_waiting() -> None:
    window = Window(100, 10)
    for item in range(3):
        window.offer(due(1, item))
    window.offer(due(2, 7))
    window.offer(due(1, 9, "b.example"))
    assert take_all(window) == [(1, 0), (2, 7), (1, 9), (1, 1), (1, 2)]


def test_what_is_waiting_or_being_tried_is_not_offered_twice() -> None:
    window = Window(100, 10)
    window.offer(due(1, 1))
    window.offer(due(1, 1))
    [first] = [window.take()]
    window.offer(due(1, 1))
    assert window.take() is None
    assert first is not None
    window.done(first)
    window.offer(due(1, 1))
    assert take_all(window) == [(1, 1)]


def test_a_destination_gets_only_so_many_at_once_and_others_go_on() -> None:
    window = Window(100, 2)
    for item in range(4):
        window.offer(due(1, item))
    window.offer(due(1, 9, "b.example"))
    first = window.take()
    assert take_all(window) == [(1, 9), (1, 1)]
    assert first is not None
    window.done(first)
    assert take_all(window) == [(1, 2)]


def test_a_full_lane_leaves_some_behind_and_is_hungry_once_half_of_it_is_done() -> None:
    window = Window(100, 10, lane=4)
    for item in range(6):
        window.offer(due(1, item))
    assert len(window) == 4
    assert window.hungry() == []
    for _ in range(2):
        taken = window.take()
        assert taken is not None
        window.done(taken)
    assert window.hungry() == [(1, "a.example")]
    window.feed((AccountId(1), "a.example"), [due(1, item) for item in range(2, 6)], more=False)
    assert window.hungry() == []
    assert take_all(window) == [(1, 2), (1, 3), (1, 4), (1, 5)]


def test_a_window_is_full_when_it_holds_so_many_and_counts_what_is_being_tried() -> None:
    window = Window(100, 10, window=2)
    window.offer(due(1, 1))
    window.offer(due(2, 1))
    assert window.is_full
    taken = window.take()
    assert window.is_full
    assert taken is not None
    window.done(taken)
    assert not window.is_full


def test_nothing_remains_of_what_is_done() -> None:
    window = Window(100, 1)
    for account in range(50):
        window.offer(due(account, 1, f"{account % 7}.example"))
    while (one := window.take()) is not None:
        window.done(one)
    assert len(window) == 0
    empty = {name: value for name, value in vars(window).items() if hasattr(value, "__len__") or name == "running"}
    assert len(empty) == 13
    assert not any(empty.values())


def test_accounts_take_turns_however_many_domains_one_writes_to() -> None:
    window = Window(4, 10)
    for number in range(50):
        window.offer(due(1, number, f"{number}.example"))
    window.offer(due(2, 7))
    assert take_all(window) == [(1, 0), (2, 7), (1, 1), (1, 2)]


def test_one_account_does_not_get_all_places() -> None:
    window = Window(20, 10)
    for number in range(50):
        window.offer(due(1, number, f"{number}.example"))
    taken = [window.take() for _ in range(18)]
    assert window.take() is None
    window.offer(due(2, 7))
    assert take_all(window) == [(2, 7)]
    assert taken[0] is not None
    window.done(taken[0])
    assert take_all(window) == [(1, 18)]


def test_an_account_with_much_mail_leaves_room_in_the_window_and_is_asked_for_the_rest() -> None:
    window = Window(10, 10, account=4)
    for number in range(6):
        window.offer(due(1, number, f"{number}.example"))
    assert len(window) == 4
    assert not window.has_short()
    for _ in range(2):
        taken = window.take()
        assert taken is not None
        window.done(taken)
    assert window.has_short()
    assert not window.has_short()


def test_a_domain_that_many_write_to_leaves_room_in_the_window() -> None:
    window = Window(10, 10, domain=4)
    for account in range(6):
        window.offer(due(account, 1))
    window.offer(due(7, 1, "b.example"))
    assert len(window) == 5
    assert window.hungry() == []
    for _ in range(2):
        taken = window.take()
        assert taken is not None
        window.done(taken)
    assert sorted(window.hungry()) == [(4, "a.example"), (5, "a.example")]
    window.feed((AccountId(4), "a.example"), [due(4, 1)], more=False)
    assert window.hungry() == []
    assert take_all(window)[-1] == (4, 1)


def test_no_more_are_tried_at_once_than_may_be() -> None:
    window = Window(2, 10)
    for account in range(3):
        window.offer(due(account, 1))
    first = window.take()
    assert take_all(window) == [(1, 1)]
    assert first is not None
    window.done(first)
    assert take_all(window) == [(2, 1)]


@given(st.lists(st.tuples(st.sampled_from("otdf"), st.integers(0, 3), st.integers(0, 30), st.integers(0, 2))))
def test_everything_has_its_turn_once_within_the_bounds(steps: list[tuple[str, int, int, int]]) -> None:
    window = Window(3, 2, lane=4, account=8, domain=7)
    waiting: dict[tuple[int, int], Due] = {}
    trying: list[Due] = []
    left: dict[tuple[int, int], Due] = {}
    for what, account, item, domain in steps:
        match what:
            case "o":
                one = due(account, account * 1000 + domain * 100 + item, f"{domain}.example")
                before = len(window)
                window.offer(one)
                if len(window) > before:
                    waiting[one[1:3]] = one
                elif one[1:3] not in waiting and one not in trying:
                    left[one[1:3]] = one
            case "t":
                if (taken := window.take()) is not None:
                    assert waiting.pop(taken[1:3]) == taken
                    trying.append(taken)
            case "d":
                if trying:
                    window.done(trying.pop(0))
            case _:
                for lane in window.hungry():
                    page = [one for one in left.values() if (one.account, one.domain) == lane]
                    window.feed(lane, page, more=False)
                    for one in page:
                        if one[1:4] in window._known:
                            waiting[one[1:3]] = left.pop(one[1:3])
        assert len(window) == len(waiting) + len(trying)
        assert len(trying) == window.running <= 3
        assert all(count <= 2 for count in Counter(one.domain for one in trying).values())
    while waiting or trying:
        while (taken := window.take()) is not None:
            assert waiting.pop(taken[1:3]) == taken
            trying.append(taken)
        assert trying  # nobody waits for ever
        window.done(trying.pop())
    assert len(window) == 0
