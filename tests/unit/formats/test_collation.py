"""Comparators (RFC 4790, RFC 5051)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.collation import Comparator, collation_key


@pytest.mark.rfc("5051", "2")
@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("abc", "ABC"),
        ("\u01c4", "Dz\u030c"),  # the RFC's example
        ("é", "E\u0301"),
        ("ß", "ß"),
        ("ς", "Σ"),
        ("ﬁ", "fi"),  # a decomposition is not cased again
        ("ı", "I"),
        ("Привет", "ПРИВЕТ"),
        ("Ａ", "A"),
    ],
)
def test_casemap_is_simple_titlecase_decomposed(text: str, key: str) -> None:
    assert collation_key(text) == key


@given(st.text(), st.text())
def test_texts_joined_by_a_control_character_have_joined_keys(one: str, other: str) -> None:
    for comparator in Comparator:
        both = collation_key(f"{one}\0{other}", comparator)
        assert both == f"{collation_key(one, comparator)}\0{collation_key(other, comparator)}"


def test_ascii_casemap_leaves_other_letters_alone() -> None:
    assert collation_key("aé", Comparator.ASCII) == "Aé"
    assert collation_key("aZ", Comparator.ASCII) == "AZ"


def test_octet_changes_nothing() -> None:
    assert collation_key("aÉﬁ", Comparator.OCTET) == "aÉﬁ"
