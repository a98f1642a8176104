"""Rights on mailboxes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.errors import Invalid
from mailkeep.model.flags import System
from mailkeep.model.rights import ALL, changeable, parse_rights, shown


@given(st.text(ALL + "cd"))
def test_what_is_shown_is_read_as_the_same_rights(text: str) -> None:
    rights = parse_rights(text)
    assert parse_rights(shown(rights)) == rights or {"x", "k", "t", "e"} & set(rights)
    assert set(rights) <= set(ALL)
    assert len(set(rights)) == len(rights)


@given(st.text())
def test_any_text_is_rights_or_refused(text: str) -> None:
    with suppress(Invalid):
        assert set(parse_rights(text)) <= set(ALL)


@pytest.mark.parametrize(
    ("rights", "mask"),
    [
        ("", 0),
        ("lr", 0),
        ("s", System.SEEN),
        ("t", System.DELETED),
        ("w", System.ANSWERED | System.FLAGGED | System.DRAFT),
        (ALL, 31),
    ],
)
def test_each_flag_needs_its_right(rights: str, mask: int) -> None:
    assert changeable(rights) == mask
