"""Names of mailboxes as they are kept."""

from __future__ import annotations

import time

import pytest

from mailkeep.model.errors import Invalid
from mailkeep.store.names import normal_path, parse_path


def test_levels_are_composed_and_inbox_is_spelled_one_way() -> None:
    assert normal_path("inbox/Entwu\u0308rfe") == "INBOX/Entw\u00fcrfe"
    assert parse_path("a/\u0301b") == ("a", "\u0301b")


@pytest.mark.parametrize("path", ["a" + "\u0315\u0300" * 200_000, "/".join(["a"] * 33), "a//b", "", "a\nb"])
def test_a_name_that_cannot_be_kept_is_refused_in_little_time(path: str) -> None:
    started = time.process_time()
    with pytest.raises(Invalid):
        parse_path(path)
    assert time.process_time() - started < 1.0
