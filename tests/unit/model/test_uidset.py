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
