"""Commands whose grammar is a line or two."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.imap.wire.feeding import parse

from mailkeep.imap.wire import authenticate
from mailkeep.imap.wire.authenticate import Authenticate
from mailkeep.imap.wire.copy import Copy
from mailkeep.imap.wire.create import Create
from mailkeep.imap.wire.id_ import MAX_FIELDS
from mailkeep.imap.wire.lexer import ParseError
from mailkeep.imap.wire.login import Login
from mailkeep.imap.wire.rename import Rename
from mailkeep.imap.wire.sequence_set import STAR, SequenceSet


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"NOOP", None),
        (b"noop ", None),
        (b'LOGIN "fred" foo', Login("fred", "foo")),
        (b"LOGIN {11}\r\nFRED FOOBAR {7+}\r\nfat man", Login("FRED FOOBAR", "fat man")),
        ('LOGIN a "pässword"'.encode(), Login("a", "pässword")),
        (b"ENABLE condstore X-GOOD-IDEA", ("CONDSTORE", "X-GOOD-IDEA")),
        (b"ENABLE UTF8=ACCEPT", ("UTF8=ACCEPT",)),
        (b"ID NIL", ()),
        (b"id ()", ()),
        (b'ID ("name" "x" "vendor" nil)', (("name", "x"), ("vendor", None))),
        ('ID ("name" "ü")'.encode(), (("name", "ü"),)),
        (b"DELETE inbox", "INBOX"),
        (b"SUBSCRIBE #news.comp", "#news.comp"),
        (b'UNSUBSCRIBE "a b"', "a b"),
        (b"RENAME a {3+}\r\nb c", Rename("a", "b c")),
        (b"CREATE a/", Create("a/")),
        (b"CREATE a (USE (\\Sent \\Drafts))", Create("a", ("\\Sent", "\\Drafts"))),
        (b"UID EXPUNGE 3:*", SequenceSet(((3, STAR),))),
        (b"COPY 2:4 MEETING", Copy(SequenceSet(((2, 4),)), "MEETING", uid=False)),
        (b"UID COPY $ x", Copy(SequenceSet((), saved=True), "x", uid=True)),
        (b"MOVE 1 x", Copy(SequenceSet(((1, 1),)), "x", uid=False)),
        (b"UID MOVE 42:69 foo", Copy(SequenceSet(((42, 69),)), "foo", uid=True)),
        (b"AUTHENTICATE plain", Authenticate("PLAIN")),
        (b"AUTHENTICATE EXTERNAL =", Authenticate("EXTERNAL", b"")),
        (b"AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=", Authenticate("PLAIN", b"test\0test\0test")),
    ],
    ids=str,
)
def test_commands_are_read(line: bytes, value: Any) -> None:
    assert parse(line) == value


@pytest.mark.parametrize(
    "line",
    [
        b"NOOP x",
        b"LOGIN",
        b"LOGIN a",
        b"LOGIN a b c",
        b'LOGIN a "b',
        b"LOGIN a {1+}\r\n\0",
        b"LOGIN a {1+}\r\n\xff",
        b"LOGIN  a b",
        b"ENABLE",
        b"ENABLE ",
        b"ENABLE a  b",
        b"ENABLE (a)",
        b"ID",
        b"ID foo",
        b'ID ("a")',
        b'ID ("a" b)',
        b"DELETE",
        b"DELETE a b",
        b"RENAME a",
        b"RENAME a b c",
        b"CREATE a ()",
        b"CREATE a (USE)",
        b"CREATE a (USE (\\Sent)",
        b"CREATE a (FOO (x))",
        b"UID EXPUNGE",
        b"UID EXPUNGE x",
        b"COPY 1",
        b"COPY a b",
        b"MOVE 1 2 3",
        b"AUTHENTICATE",
        b"AUTHENTICATE (",
        b"AUTHENTICATE PLAIN *",
        b"AUTHENTICATE PLAIN AAA",
        b"AUTHENTICATE PLAIN AAAA AAAA",
        b"AUTHENTICATE PLAIN ==",
    ],
)
def test_what_is_no_command_is_refused(line: bytes) -> None:
    with pytest.raises(ParseError):
        parse(line)


def test_a_password_does_not_show() -> None:
    assert "secret" not in repr(parse(b"LOGIN ann secret"))
    assert "test" not in repr(parse(b"AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q="))


def test_fields_of_id_are_bounded_in_number() -> None:
    pair = b' "a" "b"'
    assert len(parse(b"ID (%b)" % (pair * MAX_FIELDS)[1:])) == MAX_FIELDS
    with pytest.raises(ParseError):
        parse(b"ID (%b)" % (pair * (MAX_FIELDS + 1))[1:])


@pytest.mark.parametrize(
    ("line", "value"),
    [(b"", b""), (b"*", None), (b"AGFubgBwAHc=", b"\0ann\0p\0w"), (b"A" * 12_000, b"\0" * 9_000)],
    ids=["empty", "cancel", "plain", "long"],
)
def test_sasl_responses_are_read(line: bytes, value: bytes | None) -> None:
    assert authenticate.response(line) == value


@pytest.mark.parametrize(
    "line", [b"=", b"**", b"* ", b"A", b"AA", b"AAA", b"AA==AA==", b"AA =", b"AAAA ", b"A-_A", b"AAAA="]
)
def test_what_is_no_base64_is_refused(line: bytes) -> None:
    with pytest.raises(ParseError):
        authenticate.response(line)
