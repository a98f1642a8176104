from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.imap.wire.feeding import parse

from mailkeep.imap.wire.lexer import ParseError
from mailkeep.imap.wire.list_ import MAX_PATTERNS, List, Lsub, Return, Selection
from mailkeep.imap.wire.list_match import Pattern
from mailkeep.imap.wire.status import StatusItem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'"" ""', List(reference="", patterns=("",))),
        (b'"" *', List(reference="", patterns=("*",))),
        (b"~/Mail/ %", List(reference="~/Mail/", patterns=("%",))),
        (b'"" "Entw&APw-rfe"', List(reference="", patterns=("Entwürfe",))),
        (b'() "" %', List(reference="", patterns=("%",), extended=True)),
        (
            b'(subscribed) "" "*" return (special-use)',
            List(
                reference="",
                patterns=("*",),
                selection=Selection.SUBSCRIBED,
                returns=Return.SPECIAL_USE,
                extended=True,
            ),
        ),
        (
            b'(REMOTE SUBSCRIBED RECURSIVEMATCH) "" ("INBOX" Drafts "Sent/%")',
            List(
                reference="",
                patterns=("INBOX", "Drafts", "Sent/%"),
                selection=Selection.REMOTE | Selection.SUBSCRIBED | Selection.RECURSIVEMATCH,
                extended=True,
            ),
        ),
        (
            b'(SPECIAL-USE) "" % RETURN (SUBSCRIBED CHILDREN STATUS (MESSAGES UNSEEN))',
            List(
                reference="",
                patterns=("%",),
                selection=Selection.SPECIAL_USE,
                returns=Return.SUBSCRIBED | Return.CHILDREN,
                status=(StatusItem.MESSAGES, StatusItem.UNSEEN),
                extended=True,
            ),
        ),
        (
            b'"" % return (metadata ("/shared/vendor/x/color" /private/comment) children)',
            List(
                reference="",
                patterns=("%",),
                returns=Return.CHILDREN,
                metadata=("/shared/vendor/x/color", "/private/comment"),
                extended=True,
            ),
        ),
        (b'"" % RETURN ()', List(reference="", patterns=("%",), extended=True)),
    ],
    ids=str,
)
def test_lists_are_read(text: bytes, expected: List) -> None:
    assert parse(b"LIST " + text) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b'""',
        b'"" (',
        b'"" ()',
        b'"" % RETURN',
        b'"" % RETURN CHILDREN',
        b'"" % RETURN (STATUS)',
        b'"" % RETURN (STATUS ())',
        b'"" % RETURN (FOO)',
        b'"" % %',
        b'(FOO) "" %',
        b'(RECURSIVEMATCH) "" %',
        b'(REMOTE RECURSIVEMATCH) "" %',
        b'(SUBSCRIBED)"" %',
    ],
)
def test_what_is_no_list_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        parse(b"LIST " + text)


def test_patterns_are_bounded_in_number() -> None:
    assert len(parse(b'LIST "" (%b)' % b" ".join([b"a"] * MAX_PATTERNS)).patterns) == MAX_PATTERNS
    with pytest.raises(ParseError):
        parse(b'LIST "" (%b)' % b" ".join([b"a"] * (MAX_PATTERNS + 1)))


def test_lsub_is_read() -> None:
    assert parse(b'LSUB "#news." "comp.*"') == Lsub("#news.", "comp.*")
    with pytest.raises(ParseError):
        parse(b'LSUB "" (a b)')


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "a/b/c", True),
        ("*", "", True),
        ("%", "a", True),
        ("%", "a/b", False),
        ("%/%", "a/b", True),
        ("a/%", "a/", True),
        ("a%", "a/b", False),
        ("a*", "a/b", True),
        ("%b", "a/b", False),
        ("*b", "a/b", True),
        ("*%", "a/b", True),
        ("%*", "a/b", True),
        ("%%", "a/b", False),
        ("a", "A", False),
        ("inbox", "INBOX", True),
        ("iN%", "INBOX", True),
        ("inbox", "INBOX/a", False),
        ("inbox/a", "INBOX/a", True),
        ("inbox/A", "INBOX/a", False),
        ("*b", "INBOX/sub", True),
        ("*x/i*", "INBOX/in", True),
        ("I*B", "INBOX/sub", False),
        ("i%x", "INBOX", True),
        ("", "", True),
        ("", "a", False),
        ("foo", "foobar", False),
        ("*2", "foo2/bar2", True),
        ("%/bar*", "foo2/bar2/x", True),
    ],
)
def test_wildcards(pattern: str, name: str, *, expected: bool) -> None:
    assert Pattern(pattern).matches(name) is expected


@given(st.text("ab/*%", max_size=8), st.text("ab/", max_size=10))
def test_matching_is_what_a_regular_expression_says(pattern: str, name: str) -> None:
    wanted = "".join({"*": ".*", "%": "[^/]*"}.get(letter, re.escape(letter)) for letter in pattern)
    assert Pattern(pattern).matches(name) is (re.fullmatch(wanted, name) is not None)


@pytest.mark.parametrize("pattern", ["*a" * 300 + "b", "%a" * 300 + "b", "*%a" * 300 + "b", "%" * 5000 + "b"])
def test_no_pattern_explodes(pattern: str) -> None:
    started = time.process_time()
    assert not Pattern(pattern).matches("a" * 1000)
    assert time.process_time() - started < 2
