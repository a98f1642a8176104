"""The words in front of the segments: what they find and what they leave to be confirmed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.mime.text import fold
from mailkeep.service.segment import END, encode_text, make_record
from mailkeep.service.words import find_words, has_words, is_exact, message_words, pack_words, places_of, span_of

ALPHABET = "ab1ä会 .@\n"
TEXTS = st.lists(st.text(ALPHABET, max_size=12), max_size=3)
SEGMENTS = st.dictionaries(st.integers(8, 15), st.lists(TEXTS, min_size=1, max_size=64), max_size=3)


def look_up(segments: dict[int, list[list[str]]], needle: str) -> set[int]:
    """Numbers of messages, as a search would have them."""
    rows = [(number, END.join(map(make_record, messages))) for number, messages in sorted(segments.items())]
    words, where = pack_words(message_words(8, rows))
    [places] = places_of(where, find_words(words, [encode_text(needle)]))
    return places


@given(SEGMENTS, st.text(ALPHABET, min_size=1, max_size=5))
def test_words_find_every_message_and_of_one_run_no_others(segments: dict[int, list[list[str]]], needle: str) -> None:
    needle = fold(needle)
    if not has_words(encode_text(needle)):
        return
    holding = {
        (number - 8) * 64 + place
        for number, messages in segments.items()
        for place, texts in enumerate(messages)
        if any(needle in fold(text) for text in texts)
    }
    found = look_up(segments, needle)
    assert found == holding if is_exact(encode_text(needle)) else found >= holding


def test_where_a_run_ends_inside_the_needle_the_word_must_end_too() -> None:
    messages = [["ann@example"], ["anna@example"], ["joann@example"], ["ann@examples"], ["example ann"]]
    assert look_up({8: messages}, "ann@ex") == {0, 2, 3, 4}
    assert look_up({8: messages}, "@example.") == {0, 1, 2, 4}


@pytest.mark.parametrize(
    ("needle", "exact", "some"), [("word", True, True), ("a b", False, True), ("@ ", False, False)]
)
def test_a_needle_of_one_run_needs_no_confirmation(needle: str, exact: bool, some: bool) -> None:
    assert (is_exact(needle.encode()), has_words(needle.encode())) == (exact, some)


def test_thousands_of_words_are_found_each_where_it_is() -> None:
    messages = [[" ".join(["common", *(f"w{n:04}x" for n in range(m * 50, m * 50 + 50))])] for m in range(60)]
    for needle, found in (("w0000x", {0}), ("0051", {1}), ("w2951x", {59}), ("common", set(range(60))), ("w3", set())):
        assert look_up({8: messages}, needle) == found
    assert look_up({8: messages}, "0x") == set(range(60))


def test_eight_segments_share_a_list() -> None:
    assert span_of(7) == range(8)
    assert span_of(8) == range(8, 16)
