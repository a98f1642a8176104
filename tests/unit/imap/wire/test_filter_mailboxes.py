"""RFC 5465 §6, RFC 7377 §4"""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.imap.wire.feeding import raw

from mailkeep.imap.wire.filter_mailboxes import MAX_NAMES, FilterMailboxes, Which, filter_mailboxes
from mailkeep.imap.wire.framing import Raw
from mailkeep.imap.wire.lexer import Lexer, ParseError


def parsed(text: bytes) -> FilterMailboxes:
    lexer = Lexer(raw(text))
    found = filter_mailboxes(lexer)
    lexer.end()
    return found


@pytest.mark.parametrize(
    ("text", "which", "names"),
    [
        (b"selected", Which.SELECTED, ()),
        (b"SELECTED-delayed", Which.SELECTED_DELAYED, ()),
        (b"inboxes", Which.INBOXES, ()),
        (b"Personal", Which.PERSONAL, ()),
        (b"subscribed", Which.SUBSCRIBED, ()),
        (b'mailboxes "folder 1"', Which.MAILBOXES, ("folder 1",)),
        (b"mailboxes (a inbox {3+}\r\nb c)", Which.MAILBOXES, ("a", "INBOX", "b c")),
        (b"subtree &ANw-", Which.SUBTREE, ("Ü",)),
        (b"subtree-one (a)", Which.SUBTREE_ONE, ("a",)),
        (b'mailboxes "*%"', Which.MAILBOXES, ("*%",)),
    ],
)
def test_every_specifier(text: bytes, which: Which, names: tuple[str, ...]) -> None:
    assert parsed(text) == FilterMailboxes(which, names)


@pytest.mark.parametrize(
    "text", [b"", b"all", b"mailboxes", b"mailboxes ", b"mailboxes ()", b"subtree (a", b"selected x", b"subtree (a  b)"]
)
def test_what_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        parsed(text)


def test_names_are_bounded_in_number() -> None:
    names = b" ".join([b"x"] * MAX_NAMES)
    assert len(parsed(b"mailboxes (%b)" % names).names) == MAX_NAMES
    with pytest.raises(ParseError, match="More than"):
        parsed(b"mailboxes (%b x)" % names)


@given(st.text('selctdMAIBOXubtre-one() "{3+}%*&\\a', max_size=40))
def test_any_octets_end_in_a_value_or_a_parse_error(text: str) -> None:
    with suppress(ParseError):
        filter_mailboxes(Lexer(Raw(text.encode())))
