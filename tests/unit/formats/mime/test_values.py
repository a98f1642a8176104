"""Values of header fields: folding, parameters, encoded words, dates, ids, subjects, charsets."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.mime.charset import decode_octets, find_codec
from mailkeep.formats.mime.date import parse_date, parse_day
from mailkeep.formats.mime.header import split_fields, unfold
from mailkeep.formats.mime.parameters import decode_parameter, parse_value, strip_comments
from mailkeep.formats.mime.scan import scan
from mailkeep.formats.mime.thread import base_subject, find_message_ids, message_id, references
from mailkeep.formats.mime.words import decode_words


def test_fields_are_split_at_lines_that_begin_with_a_name() -> None:
    header = b"From ann Mon Jan\r\nTo: a,\r\n b\r\njunk\r\nSUBJECT : x\n\tmore\nLast: y"
    assert split_fields(header) == [
        (b"to", b"To: a,\r\n b\r\n"),
        (b"subject", b"SUBJECT : x\n\tmore\n"),
        (b"last", b"Last: y"),
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"X:y\r\n", b"y"),
        (b"X:  y  \r\n", b"y"),
        (b"X:\r\n y\r\n\tz\r\n", b"y z"),
        (b"X: y\r\n \r\n z\r\n", b"y z"),
        (b"X: y\n   z", b"y z"),
        (b"X:\r\n", b""),
        (b"X: a:b", b"a:b"),
    ],
)
def test_unfolding_makes_one_line(field: bytes, value: bytes) -> None:
    assert unfold(field) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b" text/plain", (b"text", b"plain", ())),
        (b"Text / HTML ; Charset=UTF-8", (b"text", b"html", ((b"charset", b"UTF-8"),))),
        (b'a/b; x="y;z"; w=v', (b"a", b"b", ((b"x", b"y;z"), (b"w", b"v")))),
        (rb'a/b; x="y\"z\\"', (b"a", b"b", ((b"x", rb'y"z' + b"\\"),))),
        (b'a/b; x="never closed', (b"a", b"b", ((b"x", b"never closed"),))),
        (b"a/b; x=report (final).pdf", (b"a", b"b", ((b"x", b"report"),))),
        (b"a/b; x=1;; y=2;", (b"a", b"b", ((b"x", b"1"), (b"y", b"2")))),
        (b"a/b; x*0=1; x*1=2", (b"a", b"b", ((b"x", b"12"),))),
        (b"a/b; x*1=2; y=3; x*0*=utf-8''%41", (b"a", b"b", ((b"x*", b"utf-8''%412"), (b"y", b"3")))),
        (b"a/b; x*=utf-8''%C3%BC", (b"a", b"b", ((b"x*", b"utf-8''%C3%BC"),))),
        (b"attachment; filename=x", (b"attachment", b"", ((b"filename", b"x"),))),
        (b"", (b"", b"", ())),
        (b"@@; x=1", (b"", b"", ())),
        (b"a/\xfc; x=1; \xfc=2", (b"a", b"", ((b"x", b"1"),))),
    ],
)
def test_values_with_parameters(value: bytes, expected: object) -> None:
    assert parse_value(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a(b)c", b"a c"),
        (b"a(b(c)d)e", b"a e"),
        (b'a"(b)"c', b'a"(b)"c'),
        (b'a(it"s)b', b"a b"),
        (rb"a(\))b", b"a b"),
        (b"a(b", b"a"),
        (b"a)b", b"a)b"),
    ],
)
def test_comments_are_taken_out(value: bytes, expected: bytes) -> None:
    assert strip_comments(value) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"x; f=plain.txt", "plain.txt"),
        (b"x; f*=iso-8859-1'de'%DCber.pdf", "Über.pdf"),
        (b"x; f*0*=utf-8''%C3; f*1*=%9C; f*2=b%", "Üb%"),
        (b'x; f="=?utf-8?q?=C3=9Cber?="', "Über"),
        (b'x; f="\xc3\x9cber"', "Über"),
        (b"x; f=plain; f*=utf-8''better", "better"),
        (b"x; g=1", None),
    ],
)
def test_parameters_as_text(value: bytes, text: str | None) -> None:
    assert decode_parameter(parse_value(value)[2], b"f") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?ISO-8859-1?Q?a_b?= c", "a b c"),
        (b"=?utf-8?b?w7w=?= =?utf-8?b?w7w=?=", "üü"),
        (b"=?utf-8?b?w7w=?= x =?utf-8?b?w7w=?=", "ü x ü"),
        (b"=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
        (b"=?utf-8*en?q?x?=", "x"),
        (b"=?iso-2022-jp?B?GyRCMnE1RBsoQg==?=", "会議"),
        (b"=?no-such?q?=FC?=", "ü"),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        (b"=?utf-8?q?open", "=?utf-8?q?open"),
        (b"caf\xe9", "café"),
        ("café".encode(), "café"),
    ],
)
def test_encoded_words(value: bytes, text: str) -> None:
    assert decode_words(value) == text


@given(
    st.binary(max_size=80),
    st.sampled_from(["utf-8", "iso-2022-kr", "utf-7", "gb2312", "hz", "utf-16", "no", "idna", "hex"]),
)
def test_any_octets_in_any_charset_are_some_text(octets: bytes, charset: str) -> None:
    assert isinstance(decode_octets(octets, charset), str)
    assert isinstance(decode_words(b"=?%b?q?%b?=" % (charset.encode(), octets)), str)


@pytest.mark.parametrize("name", ["idna", "punycode", "unicode_escape", "hex", "zip", "rot13", "x" * 1000, ""])
def test_names_that_are_no_charsets_of_mail_have_no_codec(name: str) -> None:
    assert find_codec(name) is None


NAMES = [
    "UTF-8", "us-ascii", "ISO-8859-1", "iso8859-15", "Windows-1251", "KOI8-U", "Shift_JIS", "GB2312", "ks_c_5601-1987",
    "Big5", "windows-874", "ISO-8859-8-I", "cp1252", "EUC-KR",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_charsets_of_mail_have_a_codec(name: str) -> None:
    codec = find_codec(name)
    assert codec is not None
    assert "x".encode(codec) == b"x"


UTC = dt.UTC


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (b"Fri, 21 Nov 1997 09:55:06 -0600", dt.datetime(1997, 11, 21, 15, 55, 6, tzinfo=UTC)),
        (b"1 Jan 2025 10:00 +0100 (CET)", dt.datetime(2025, 1, 1, 9, 0, tzinfo=UTC)),
        (b"21 Nov 97 09:55:06 GMT", dt.datetime(1997, 11, 21, 9, 55, 6, tzinfo=UTC)),
        (b"Thu,  1  Jan  2025  10:00:00  EST", dt.datetime(2025, 1, 1, 15, tzinfo=UTC)),
        (b"Mon Jan  6 10:00:00 2025", dt.datetime(2025, 1, 6, 10, tzinfo=UTC)),
        (b"6 Jan 2025", dt.datetime(2025, 1, 6, tzinfo=UTC)),
        (b"31 Dec 2016 23:59:60 +0000", dt.datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"32 Jan 2025 10:00:00 +0000", None),
        (b"1 Foo 2025 10:00:00 +0000", None),
        (b"1 Jan 2025 10:00:00 +9999", dt.datetime(2025, 1, 1, 10, tzinfo=UTC)),
        (b"1 Jan 0000 10:00:00 +0000", None),
        (b"yesterday", None),
        (b"", None),
    ],
)
def test_dates(value: bytes, moment: dt.datetime | None) -> None:
    assert parse_date(value) == moment


@pytest.mark.rfc("9051", "6.4.4")
def test_the_day_of_a_date_is_the_one_written_whatever_the_zone() -> None:
    assert parse_day(b"1 Jan 2025 00:30:00 +1200") == dt.date(2025, 1, 1)


@given(st.binary(max_size=60))
def test_any_octets_are_a_date_or_none(value: bytes) -> None:
    assert parse_date(value) is None or isinstance(parse_day(value), dt.date)


def test_message_ids_are_found_in_any_company() -> None:
    assert find_message_ids(b"<a@b> (x) <c@d><a@b> junk <e f>") == [b"a@b", b"c@d"]
    root = scan(b"Message-ID: <3@x>\r\nReferences: <1@x>\r\n <2@x>\r\nIn-Reply-To: Your message <2@x> <0@x>\r\n\r\n")
    assert message_id(root) == b"3@x"
    assert references(root) == [b"1@x", b"2@x", b"0@x"]


def test_long_references_keep_the_first_and_the_last() -> None:
    root = scan(b"References: " + b" ".join(b"<%d@x>" % n for n in range(500)) + b"\r\n\r\n")
    found = references(root)
    assert (len(found), found[0], found[-1]) == (100, b"0@x", b"499@x")


@pytest.mark.rfc("5256", "2.1")
@pytest.mark.parametrize(
    ("subject", "base"),
    [
        (b"Dinner", ("dinner", False)),
        (b"Re: Dinner", ("dinner", True)),
        (b"RE : re[2]: Fwd: Dinner (fwd)", ("dinner", True)),
        (b"[list] Re: [list] Dinner", ("dinner", True)),
        (b"Re: [list] Dinner", ("dinner", True)),
        (b"[fwd: Re: Dinner]", ("dinner", True)),
        (b"AW: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", ("grüsse", True)),
        (b"[list]", ("[list]", False)),
        (b"Re:", ("", True)),
        (b"Regards", ("regards", False)),
        (b"  a \t b  ", ("a b", False)),
        (b"", ("", False)),
    ],
)
def test_base_subjects(subject: bytes, base: tuple[str, bool]) -> None:
    assert base_subject(subject) == base


@given(st.lists(st.sampled_from(["re", "fwd", ":", "[", "]", "(fwd)", " ", "x", "[fwd:"]), max_size=30).map("".join))
def test_a_base_subject_has_nothing_more_to_strip(subject: str) -> None:
    base, _ = base_subject(subject.encode())
    assert base_subject(base.encode())[0] == base
