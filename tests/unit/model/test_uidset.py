"""A UidSet is a set of numbers, whatever its ranges."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.uidset import UidSet

numbers = st.sets(st.integers(1, 60))


@given(numbers, numbers)
def test_it_behaves_as_a_set_of_its_numbers(a: set[int], b: set[int]) -> None:
    x, y = UidSet(a), UidSet(b)
    assert list(x) == sorted(a)
    assert len(x) == len(a)
    assert set(x | y) == a | b
    assert set(x & y) == a & b
    assert set(x - y) == a - b
    assert all((n in x) == (n in a) for n in range(62))
    assert (x == y) == (a == b)


@given(st.sets(st.integers(1, 2**32 - 1)))
def test_its_compact_form_reads_back(a: set[int]) -> None:
    assert UidSet.from_bytes(UidSet(a).to_bytes()) == UidSet(a)


def test_it_prints_as_a_sequence_set() -> None:
    assert str(UidSet([1, 2, 3, 7, 9, 10])) == "1:3,7,9:10"


def test_ranges_may_overlap_and_be_reversed() -> None:
    assert UidSet.of_ranges([(5, 2), (4, 8), (9, 9)]).ranges == ((2, 9),)


def test_the_difference_of_two_sets_full_of_holes_is_found_in_one_pass() -> None:
    odd, every_third = UidSet(range(1, 400_000, 2)), UidSet(range(1, 400_000, 3))
    assert len(odd - every_third) == 400_000 // 2 - len(range(1, 400_000, 6))
