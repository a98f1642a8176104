"""GETMETADATA and SETMETADATA (RFC 5464 §5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.imap.wire.feeding import parse

from mailkeep.imap.wire import response
from mailkeep.imap.wire.lexer import ParseError
from mailkeep.imap.wire.metadata import INFINITY, MAX_ENTRIES, GetMetadata, SetMetadata


def got(mailbox: str, *entries: str, depth: int = 0, max_size: int | None = None) -> GetMetadata:
    return GetMetadata(mailbox=mailbox, entries=entries, depth=depth, max_size=max_size)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b'"" /shared/comment', got("", "/shared/comment")),
        (b'"INBOX" (/shared/comment /private/comment)', got("INBOX", "/shared/comment", "/private/comment")),
        (b'"INBOX" /private/comment /shared/comment', got("INBOX", "/private/comment", "/shared/comment")),
        (b'"INBOX" (MAXSIZE 1024) (/shared/a /private/b)', got("INBOX", "/shared/a", "/private/b", max_size=1024)),
        (b"(MAXSIZE 0) x /Private/A", got("x", "/Private/A", max_size=0)),
        (b"(depth Infinity maxsize 9) x (/private)", got("x", "/private", depth=INFINITY, max_size=9)),
        (b"x (DEPTH 1) /shared/vendor", got("x", "/shared/vendor", depth=1)),
        (b'x ("/shared/a b" /shared/a /shared/a)', got("x", "/shared/a b", "/shared/a")),
        (b"x ({9+}\r\n/shared/a)", got("x", "/shared/a")),
    ],
    ids=str,
)
def test_getmetadata_is_read(line: bytes, value: GetMetadata) -> None:
    assert parse(b"GETMETADATA " + line) == value


@pytest.mark.parametrize(
    ("line", "values"),
    [
        (b"INBOX (/private/comment {33}\r\nMy new comment across\r\ntwo lines.)", None),
        (b"INBOX (/private/comment NIL)", (("/private/comment", None),)),
        (
            b'INBOX (/private/comment "My new \\"comment" /shared/comment "")',
            (("/private/comment", b'My new "comment'), ("/shared/comment", b"")),
        ),
        (b"INBOX (/shared/x ~{3+}\r\na\0b)", (("/shared/x", b"a\0b"),)),
        (b"INBOX (/shared/vendor/x/y {2+}\r\n\xff\xfe)", (("/shared/vendor/x/y", b"\xff\xfe"),)),
    ],
    ids=str,
)
def test_setmetadata_is_read(line: bytes, values: tuple[tuple[str, bytes | None], ...] | None) -> None:
    values = values or (("/private/comment", b"My new comment across\r\ntwo lines."),)
    assert parse(b"SETMETADATA " + line) == SetMetadata("INBOX", values)


NAMES = [
    b"/private/", b"/shared//x", b"/other/x", b"private/x", b"/", b"/shared/x*", b'"/shared/%"', b'"/shared/\xc3\xa4"',
    b'"/shared/\x01"', b"/shared" + b"/x" * 16, b"/shared/" + b"x" * 250, b"comment",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_invalid_entry_names_are_refused(name: bytes) -> None:
    """RFC 5464 §3.2: BAD in any command."""
    for line in (b"GETMETADATA x %b", b"GETMETADATA x (/shared/a %b)", b"SETMETADATA x (%b NIL)"):
        with pytest.raises(ParseError):
            parse(line % name)


@pytest.mark.parametrize(
    "line",
    [
        b"GETMETADATA x", b"GETMETADATA x ()", b"GETMETADATA (DEPTH 2) x /shared/a", b"GETMETADATA (DEPTH) x /shared/a",
        b"GETMETADATA (DEPTH 1 DEPTH 1) x /shared/a", b"GETMETADATA (MAXSIZE -1) x /shared/a",
        b"GETMETADATA (FOO 1) x /shared/a", b"GETMETADATA () x /shared/a", b"GETMETADATA x (/shared/a) y",
        b"GETMETADATA x (MAXSIZE 1)",
        b"SETMETADATA x", b"SETMETADATA x /shared/a NIL", b"SETMETADATA x ()", b"SETMETADATA x (/shared/a)",
        b"SETMETADATA x (/shared/a b)", b"SETMETADATA x (/shared NIL)", b"SETMETADATA x (/shared/vendor/y NIL)",
        b"SETMETADATA x (/private/vendor NIL)", b"SETMETADATA x (/shared/a {1+}\r\n\0)",
        b"SETMETADATA x (/shared/a NIL) y",
    ],
)  # fmt: skip
def test_what_breaks_the_grammar_is_refused(line: bytes) -> None:
    with pytest.raises(ParseError):
        parse(line)


def test_one_command_names_a_bounded_number_of_entries() -> None:
    names = b" ".join(b"/shared/%d" % i for i in range(MAX_ENTRIES + 1))
    with pytest.raises(ParseError):
        parse(b"GETMETADATA x (%b)" % names)


@given(st.binary(max_size=2000))
def test_a_value_comes_back_as_it_was_set(value: bytes) -> None:
    line = response.metadata(b"x", [("/shared/a", value)])
    sent = line[len(b"* METADATA ") : -2].replace(b"}\r\n", b"+}\r\n", 1) if b"}\r\n" in line[:40] else line[11:-2]
    assert parse(b"SETMETADATA " + sent) == SetMetadata("x", (("/shared/a", value),))


def test_responses_are_written_as_the_grammar_says() -> None:
    values = [("/shared/a b", None), ("/private/x", b"\0"), ("/shared/y", "ä".encode())]
    assert response.metadata(b'""', values) == (
        b'* METADATA "" ("/shared/a b" NIL /private/x ~{1}\r\n\0 /shared/y {2}\r\n\xc3\xa4)\r\n'
    )
    assert response.metadata_changed(b"INBOX", ["/shared/a", "/private/b"]) == b"METADATA INBOX /shared/a /private/b"
