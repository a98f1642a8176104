from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.imap.wire.feeding import raw

from mailkeep.imap.wire import response
from mailkeep.imap.wire.framing import Raw
from mailkeep.imap.wire.lexer import Lexer, ParseError, Refusal


def lexer(text: bytes, *literals: bytes, utf8: bool = False) -> Lexer:
    return Lexer(Raw(text, literals), utf8=utf8)


@pytest.mark.parametrize(
    ("text", "literals", "value"),
    [
        (b"foo", (), b"foo"),
        (b"NIL", (), b"NIL"),
        (b"fo]o[", (), b"fo]o["),
        (b"~/{", (), b"~/"),
        (b'""', (), b""),
        (b'"a b"', (), b"a b"),
        (b'"a\\"b\\\\"', (), b'a"b\\'),
        ('"отпуск"'.encode(), (), "отпуск".encode()),
        ("Größe".encode(), (), "Größe".encode()),
        (b"{3}\r\n", (b"a\r\n",), b"a\r\n"),
        (b"{3+}\n", (b"abc",), b"abc"),
    ],
)
def test_an_astring_has_three_forms(text: bytes, literals: tuple[bytes, ...], value: bytes) -> None:
    assert lexer(text, *literals).astring() == value


@pytest.mark.parametrize(
    ("text", "literals"),
    [
        (b"", ()),
        (b" a", ()),
        (b"(", ()),
        (b'"a', ()),
        (b'"a\\x"', ()),
        (b'"a\rb"', ()),
        (b'"a\0"', ()),
        (b"{3}", ()),
        (b"{3}\r\n", ()),
        (b"{3}\r\n", (b"a\0b",)),
    ],
)
def test_what_is_no_astring_is_refused(text: bytes, literals: tuple[bytes, ...]) -> None:
    with pytest.raises(ParseError):
        lexer(text, *literals).astring()


def test_literal8_is_no_string() -> None:
    with pytest.raises(ParseError):
        lexer(b"~{3}\r\n", b"abc").string()


def test_an_error_tells_the_place() -> None:
    reader = lexer(b"abc (")
    reader.atom()
    reader.space()
    with pytest.raises(ParseError) as caught:
        reader.atom()
    assert (caught.value.text, caught.value.position) == ("An atom is expected", 4)


@pytest.mark.parametrize(("text", "value"), [(b"0", 0), (b"007", 7), (b"4294967295", 2**32 - 1)])
def test_numbers_have_32_bits(text: bytes, value: int) -> None:
    assert lexer(text).number() == value


def test_numbers_beyond_their_range_are_refused() -> None:
    for text in (b"4294967296", b"9" * 5000, b"-1", b"x"):
        with pytest.raises(ParseError):
            lexer(text).number()
    assert lexer(b"9223372036854775807").number64() == 2**63 - 1
    with pytest.raises(ParseError):
        lexer(b"9223372036854775808").number64()
    for text in (b"0", b"01"):
        with pytest.raises(ParseError):
            lexer(text).nz_number()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"()", ()),
        (b"(\\Seen)", ("\\Seen",)),
        (b"(\\SEEN \\flagged $Junk LABEL)", ("\\Seen", "\\Flagged", "$Junk", "LABEL")),
        (b"(\\Recent \\Seen)", ("\\Recent", "\\Seen")),
        (b"(\\XNew)", ("\\XNew",)),
    ],
)
def test_flag_lists_are_read(text: bytes, value: tuple[str, ...]) -> None:
    assert lexer(text).flag_list() == value


@pytest.mark.parametrize(
    "text", [b"", b"\\Seen", b"(", b"( )", b"(a", b"(a  b)", b"(a b )", b"(\\)", b"(\\*)", b'("a")']
)
def test_what_is_no_flag_list_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        lexer(text).flag_list()


@pytest.mark.parametrize("text", [b"1-Feb-1994", b"01-FEB-1994", b'"1-feb-1994"'])
def test_dates_are_read(text: bytes) -> None:
    assert lexer(text).date() == date(1994, 2, 1)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"31-Feb-1994",
        b"0-Feb-1994",
        b"1-Foo-1994",
        b"1-Feb-94",
        b"1-Feb-0000",
        b'"1-Feb-1994',
        b'1-Feb-1994"',
        b"1-Feb-19945",
    ],
)
def test_what_is_no_date_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        lexer(text).date()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'" 7-Feb-1994 21:52:25 -0800"', datetime(1994, 2, 8, 5, 52, 25, tzinfo=UTC)),
        (b'"17-Jul-1996 02:44:25 +0000"', datetime(1996, 7, 17, 2, 44, 25, tzinfo=UTC)),
        (b'"7-feb-1994 00:00:60 +0530"', datetime(1994, 2, 6, 18, 31, 0, tzinfo=UTC)),
    ],
)
def test_date_times_are_utc_seconds(text: bytes, value: datetime) -> None:
    assert lexer(text).date_time() == int(value.timestamp())


@pytest.mark.parametrize(
    "text",
    [
        b"7-Feb-1994 21:52:25 -0800",
        b'"7-Feb-1994"',
        b'"07-Feb-1994 24:00:00 +0000"',
        b'"07-Feb-1994 23:60:00 +0000"',
        b'"07-Feb-1994 23:00:61 +0000"',
        b'"07-Feb-1994 23:00:00 +0060"',
        b'"30-Feb-1994 23:00:00 +0000"',
        b'"07-Feb-1994 23:00:00 UT"',
        b'"Mon, 07 Feb 1994 23:00:00 +0000"',
    ],
)
def test_what_is_no_date_time_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        lexer(text).date_time()


@given(st.integers(int(datetime(1, 1, 1, tzinfo=UTC).timestamp()), int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())))
def test_a_date_time_survives_the_round_trip(at: int) -> None:
    assert lexer(response.date_time(at)).date_time() == at


@pytest.mark.parametrize("spelling", [b"INBOX", b"inbox", b'"iNbOx"'])
def test_inbox_is_one_name_in_any_case(spelling: bytes) -> None:
    assert lexer(spelling).mailbox() == "INBOX"


def test_mailbox_names_are_modified_utf7_until_utf8_is_enabled() -> None:
    assert lexer(b'"Entw&APw-rfe"').mailbox() == "Entwürfe"
    assert lexer(b'"Entw&APw-rfe"', utf8=True).mailbox() == "Entw&APw-rfe"
    assert lexer('"Entwürfe"'.encode(), utf8=True).mailbox() == "Entwürfe"


@pytest.mark.parametrize(("octets", "utf8"), [(b"a&b", False), ('"ü"'.encode(), False), (b"a\xff", True)])
def test_a_wrongly_encoded_name_is_refused_with_no(octets: bytes, *, utf8: bool) -> None:
    with pytest.raises(Refusal) as caught:
        lexer(octets, utf8=utf8).mailbox()
    assert caught.value.code == "CANNOT"


def test_a_quoted_string_that_is_not_utf8_is_an_error_once_utf8_is_enabled() -> None:
    """RFC 9755 §3"""
    with pytest.raises(ParseError) as caught:
        lexer(b'"\xff"', utf8=True).mailbox()
    assert not isinstance(caught.value, Refusal)


@pytest.mark.parametrize(("text", "value"), [(b"*", "*"), (b"a%/*]", "a%/*]"), (b'"a *"', "a *"), (b"inbox", "INBOX")])
def test_patterns_may_hold_wildcards(text: bytes, value: str) -> None:
    assert lexer(text).list_mailbox() == value


def test_spaces_at_the_end_are_forgiven_and_nothing_else() -> None:
    lexer(b"  ").end()
    with pytest.raises(ParseError):
        lexer(b" x").end()


ITEMS = st.one_of(
    st.tuples(
        st.just("astring"), st.binary(max_size=12).filter(lambda octets: 0 not in octets and b"}\r\n" not in octets)
    ),
    st.tuples(st.just("number"), st.integers(0, 2**32 - 1)),
    st.tuples(st.just("nstring"), st.none()),
)


@given(st.lists(ITEMS, max_size=8))
def test_what_is_encoded_is_read_back(items: list[tuple[str, Any]]) -> None:
    encode = {"astring": response.astring, "number": lambda number: b"%d" % number, "nstring": response.nstring}
    # a client's literals do not wait; the value itself may hold what looks like the head of one
    line = b"".join(b" " + encode[kind](value).replace(b"}\r\n", b"+}\r\n", 1) for kind, value in items)
    reader = Lexer(raw(b"a" + line), pos=1)
    for kind, value in items:
        reader.space()
        assert getattr(reader, kind)() == value
    reader.end()
