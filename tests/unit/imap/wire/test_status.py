from __future__ import annotations

import pytest
from tests.unit.imap.wire.feeding import parse

from mailkeep.imap.wire.lexer import ParseError
from mailkeep.imap.wire.status import Status, StatusItem


def test_every_item_in_any_case_and_once() -> None:
    words = b" ".join(item.value for item in StatusItem)
    assert parse(b"STATUS inbox (%b %b)" % (words, words.lower())) == Status("INBOX", tuple(StatusItem))


@pytest.mark.parametrize("text", [b"", b"x", b"x ()", b"x MESSAGES", b"x (FOO)", b"x (MESSAGES", b"x (MESSAGES) y"])
def test_what_is_no_status_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        parse(b"STATUS " + text)
