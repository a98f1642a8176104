"""What searches look at, of several messages together."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.mime.text import fold
from mailkeep.service.segment import (
    END,
    Numbers,
    encode_text,
    find_records,
    make_record,
    pack,
    pack_numbers,
    unpack,
    unpack_numbers,
)
from mailkeep.store.contract import SEGMENT

TEXTS = st.lists(st.text("abä会\n: ", max_size=8), max_size=3)


@given(st.lists(TEXTS, min_size=1, max_size=9), st.text("abä会\n: ", min_size=1, max_size=3))
def test_a_record_is_found_if_one_of_its_texts_holds_the_needle(messages: list[list[str]], needle: str) -> None:
    rows = unpack(pack([make_record(texts) for texts in messages]))
    expected = [i for i, texts in enumerate(messages) if any(fold(needle) in fold(text) for text in texts)]
    assert find_records(rows, encode_text(fold(needle))) == expected


def test_an_empty_needle_finds_every_record_that_has_a_text() -> None:
    assert find_records(END.join([make_record(texts) for texts in ([], [""], ["x"], [])]), b"") == [1, 2]


def test_a_field_is_found_by_name_at_the_start_of_a_line_and_by_value_in_it() -> None:
    heads = ["a: one\nb: two\n", "b: one\n", "xa: one\n", "b: a: one\n", "a: \n"]
    rows = END.join([make_record([head]) for head in heads])
    assert find_records(rows, b"one", b"a") == [0]
    assert find_records(rows, b"", b"a") == [0, 4]
    assert find_records(rows, b"", b"b") == [0, 1, 3]


def test_records_without_text_take_no_room() -> None:
    assert pack([b""] * 64) == b""
    assert find_records(unpack(b""), b"x") == []


def test_numbers_come_back() -> None:
    rest = [0] * (SEGMENT - 3)
    columns = ([1, -2, 0], [3, 4, 1 << 40], [0, 738000, 1])
    numbers = Numbers(*(array("q", [*column, *rest]) for column in columns))
    assert unpack_numbers(pack_numbers(numbers)) == numbers
    with pytest.raises(ValueError, match="length"):
        unpack_numbers(pack_numbers(numbers)[:-8])
