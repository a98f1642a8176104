from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.imap.wire import sequence_set
from mailkeep.imap.wire.response import sequence_set as encode
from mailkeep.imap.wire.sequence_set import STAR, SequenceSet


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        (b"5", [(5, 5)]),
        (b"4294967295", [(4294967295, 4294967295)]),
        (b"2,4:7,9,12:*", [(2, 2), (4, 7), (9, 9), (12, STAR)]),
        (b"5:2", [(2, 5)]),
        (b"*", [(STAR, STAR)]),
        (b"*:4", [(4, STAR)]),
        (b"*:*", [(STAR, STAR)]),
        (b"1,1,1", [(1, 1)] * 3),
    ],
)
def test_sets_are_read(text: bytes, ranges: list[tuple[int, int]]) -> None:
    assert sequence_set.parse(text) == SequenceSet(tuple(ranges))


@pytest.mark.parametrize(
    "text",
    [b"", b"0", b"0:5", b"1:0", b"01", b",", b"1,", b",1", b"1:", b":1", b"1:2:3", b"**", b"1*", b"$1", b"$:3", b"1::2",
     b"4294967296", b"99999999999", b"-1", b"1 2"],
)  # fmt: skip
def test_what_is_no_set_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="a number of a set"):
        sequence_set.parse(text)


def test_the_saved_result_may_stand_alone_or_with_others() -> None:
    assert sequence_set.parse(b"$") == SequenceSet((), saved=True)
    assert sequence_set.parse(b"1,$,3") == SequenceSet(((1, 1), (3, 3)), saved=True)


@pytest.mark.parametrize(
    ("text", "largest", "ranges"),
    [
        (b"12:*", 15, [(12, 15)]),
        (b"12:*", 10, [(10, 12)]),
        (b"*", 10, [(10, 10)]),
        (b"*:4,5:7", 10, [(4, 10), (5, 7)]),
        (b"1:*,3", 0, [(3, 3)]),
        (b"*", 0, []),
        (b"7:9", 3, [(7, 9)]),
    ],
)
def test_a_star_is_the_largest_number(text: bytes, largest: int, ranges: list[tuple[int, int]]) -> None:
    assert sequence_set.parse(text).resolve(largest) == ranges


@pytest.mark.parametrize(
    ("text", "largest", "expected"),
    [(b"1:3", 3, False), (b"1:4", 3, True), (b"4:*", 3, True), (b"*", 3, False), (b"*", 0, True), (b"$", 0, False)],
)
def test_numbers_beyond_the_last_message_are_noticed(text: bytes, largest: int, *, expected: bool) -> None:
    assert sequence_set.parse(text).exceeds(largest) is expected


NUMBER = st.integers(1, 2**32 - 1)


@given(st.lists(st.tuples(NUMBER, NUMBER).map(lambda pair: (min(pair), max(pair))), min_size=1))
def test_what_is_encoded_is_read_back(ranges: list[tuple[int, int]]) -> None:
    assert sequence_set.parse(encode(ranges)).resolve(1) == ranges


def test_a_set_as_long_as_a_line_is_read() -> None:
    text = b",".join(b"%d" % i for i in range(1, 80_000, 2))
    assert len(sequence_set.parse(text).ranges) == 40_000
