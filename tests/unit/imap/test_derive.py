"""What IMAP keeps beside a message: always legal to send, and the same as what the message itself would give."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import imap_grammar
from tests.any_mail import MAIL
from tests.corpus import ODD, many_parts, messages, nested, nested_messages
from tests.structure import parse_list, structure_differences

from mailkeep.formats.mime.scan import MAX_HEADER, scan
from mailkeep.formats.mime.section import Text, read_section
from mailkeep.formats.mime.words import decode_words
from mailkeep.imap.derive import (
    BOTH_OF_LISTING,
    DERIVERS,
    HEADERS,
    HOT,
    LIST,
    PARTS,
    FieldNames,
    Listing,
    has_utf8_form,
    header_fields,
    listing,
    parts,
    utf8_listing,
)

BY_KIND = {deriver.kind: deriver for deriver in DERIVERS}


def derive(kind: str, data: bytes) -> bytes:
    return BY_KIND[kind].function(scan(data), data)


def listed(data: bytes) -> Listing:
    return listing(derive(LIST, data))


def envelope(data: bytes) -> Any:
    return parse_list(listed(data).envelope)


def structure(data: bytes) -> Any:
    return parse_list(listed(data).bodystructure)


def check_grammar(data: bytes) -> None:
    """The rendered items are read by a strict parser, and hold nothing that needs UTF8=ACCEPT."""
    row = listed(data)
    response = b"* 1 FETCH (%b BODY %b)\r\n" % (row.both, row.body)
    imap_grammar.parse(response)
    for quoted in re.findall(rb"\"(?:[^\"\\]|\\.)*\"", re.sub(rb"\{\d+\}\r\n", b"", row.envelope)):
        assert b"\0" not in quoted
    assert b"\0" not in response
    body, cut = parse_list(row.body), _without_extensions(parse_list(row.bodystructure))
    assert list(structure_differences(body, cut)) == []


def _without_extensions(body: Any) -> Any:
    count = next(number for number, each in enumerate(body) if not isinstance(each, list))
    if count:
        return [*[_without_extensions(each) for each in body[:count]], body[count]]
    if body[0] == b"message" and isinstance(body[7], list):
        return [*body[:8], _without_extensions(body[8]), body[9]]
    return body[: 8 if body[0] == b"text" else 7]


@pytest.mark.rfc("9051", "7.5.2")
@pytest.mark.parametrize("name", ODD)
def test_odd_messages_are_listed_in_the_grammar_of_the_rfc(name: str) -> None:
    check_grammar(ODD[name])


@pytest.mark.rfc("9051", "7.5.2")
def test_ordinary_messages_are_listed_in_the_grammar_of_the_rfc() -> None:
    for data in messages(150, seed=5):
        check_grammar(data)


@given(MAIL)
def test_any_octets_are_listed_in_the_grammar_of_the_rfc(data: bytes) -> None:
    check_grammar(data)


BOMBS = [nested(10_000), nested_messages(10_000), many_parts(100_000)]


@pytest.mark.parametrize("data", BOMBS, ids=["10,000 levels", "10,000 messages", "100,000 parts"])
def test_bombs_are_listed_in_bounded_space(data: bytes) -> None:
    check_grammar(data)
    assert sum(len(deriver.function(scan(data), data)) for deriver in DERIVERS) < 200_000


def test_a_row_is_the_two_items_as_they_stand() -> None:
    data = derive(LIST, ODD["message in a message"])
    row = listing(data)
    assert data[BOTH_OF_LISTING] == b"ENVELOPE %b BODYSTRUCTURE %b" % (row.envelope, row.bodystructure) == row.both


@pytest.mark.rfc("9051", "7.5.2")
def test_an_envelope_has_ten_fields_and_nil_for_what_is_absent() -> None:
    assert listed(b"\r\nbody").envelope == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"
    assert listed(ODD["empty envelope fields"]).envelope == b'("" "" NIL NIL NIL NIL NIL NIL NIL "")'


@pytest.mark.rfc("9051", "7.5.2")
def test_sender_and_reply_to_are_those_of_from_where_absent_or_empty() -> None:
    ann = b'((NIL NIL "ann" "x.example"))'
    row = listed(b"From: ann@x.example\r\nSender: \r\nDate: soon\r\nTo: nobody:;\r\n\r\n").envelope
    nobody = b'((NIL NIL "nobody" NIL)(NIL NIL NIL NIL))'
    assert row == b'("soon" NIL %b %b %b %b NIL NIL NIL NIL)' % (ann, ann, ann, nobody)


def test_line_ends_and_nul_go_into_literals() -> None:
    assert b"{3}\r\na\x80b" in listed(b"Subject: a\0b\r\n\r\n").envelope
    assert b"{3}\r\na\rb" in listed(b"Subject: a\rb\r\n\r\n").envelope
    assert rb'"a \"b\" \\"' in listed(b'Subject: a "b" \\\r\n\r\n').envelope


@pytest.mark.rfc("6858", "2")
def test_8_bit_octets_become_ascii_that_says_what_is_meant() -> None:
    data = (
        "Date: 1 Jan (März)\r\nSubject: =?utf-8?q?a?= café\r\nFrom: Zoë <zoe@x.example>\r\n"
        "To: grüße@x.example, Bücher <zoe@bücher.example>, Gäste: ann@x.example;\r\nMessage-ID: <ä@x>\r\n\r\n"
    ).encode()
    fields = envelope(data)
    sender, to = fields[2], fields[5]
    assert decode_words(fields[1]) == "a café"
    assert (fields[0], fields[9]) == (b"1 Jan (M??rz)", None)
    assert (decode_words(sender[0][0]), sender[0][2:]) == ("Zoë", [b"zoe", b"x.example"])
    nobody = [b"invalid", b"internationalized-address.invalid"]
    assert [(decode_words(one[0]), one[2:]) for one in to[:2]] == [
        ("grüße@x.example", nobody), ("Bücher", nobody),
    ]  # fmt: skip
    assert decode_words(to[2][2]) == "Gäste"


@pytest.mark.parametrize("name", sorted(ODD))
def test_whatever_comes_is_listed_in_ascii(name: str) -> None:
    row = listed(ODD[name]).both
    assert row.replace(b"\x80", b"").isascii()  # 0x80 stands for NUL


@pytest.mark.rfc("6855", "3")
@pytest.mark.parametrize("name", sorted(ODD))
def test_the_utf8_form_is_utf8_and_marked_where_it_differs(name: str) -> None:
    data = ODD[name]
    form = utf8_listing(scan(data))
    if b"\0" not in data:
        form.both.decode("utf-8")
    assert (form == listed(data)) or has_utf8_form(derive(LIST, data))


def test_the_utf8_form_is_quoted() -> None:
    form = utf8_listing(scan("Subject: café\r\nFrom: Zoë <ö@bücher.example>\r\n\r\n".encode()))
    assert '"café" (("Zoë" NIL "ö" "bücher.example"))'.encode() in form.envelope
    latin = utf8_listing(scan(b"Subject: caf\xe9\r\n\r\n"))
    assert '"café"'.encode() in latin.envelope


def test_encoded_words_are_left_as_they_came() -> None:
    data = ODD["encoded word with a line break inside"]
    assert envelope(data)[1] == b"=?utf-8?q?a=0D=0ABcc:_x?="


def test_address_fields_given_twice_are_one_list_and_of_others_the_first_counts() -> None:
    fields = envelope(ODD["fields twice"])
    assert [address[2] for address in fields[5]] == [b"a", b"b"]
    assert (fields[1], fields[9]) == (b"one", b"<1@x>")


STRUCTURES = [
    ("empty message", b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)'),
    (
        "multipart with an empty body",
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)'
        b' "mixed" ("boundary" "b") NIL NIL NIL)',
    ),
    (
        "location, id, md5, description",
        b'("text" "plain" ("charset" "us-ascii") "<x@y>" "d" "7bit" 6 1 "abc=" NIL NIL "http://example.org/ a")',
    ),
    (
        "languages",
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL ("en" "fr-CA" "x-klingon") NIL)',
    ),
    (
        "disposition without parameters",
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL ("attachment" NIL) NIL NIL)',
    ),
    (
        "8-bit file name",
        b'("application" "pdf" ("name*" "utf-8\'\'%C3%9Cbersicht.pdf") NIL NIL "7bit" 6 NIL NIL NIL NIL)',
    ),
    (
        "RFC 2231 continuations out of order",
        b'("application" "pdf" ("name" "ab.pdf") NIL NIL "7bit" 6 NIL NIL NIL NIL)',
    ),
    ("type in capitals", b'("text" "html" ("charset" "UTF-8") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
    (
        "message in a message",
        b'("message" "rfc822" NIL NIL NIL "7bit" 45'
        b' (NIL "inner" ((NIL NIL "i" "example.org"))((NIL NIL "i" "example.org"))((NIL NIL "i" "example.org"))'
        b" NIL NIL NIL NIL NIL)"
        b' ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL) 4 NIL NIL NIL NIL)',
    ),
    (
        "digest",
        b'(("message" "rfc822" NIL NIL NIL "7bit" 20 (NIL "one" NIL NIL NIL NIL NIL NIL NIL NIL)'
        b' ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL)'
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL)'
        b'("message" "rfc822" NIL NIL NIL "7bit" 18 (NIL "three" NIL NIL NIL NIL NIL NIL NIL NIL)'
        b' ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL)'
        b' "digest" ("boundary" "b") NIL NIL NIL)',
    ),
]


@pytest.mark.rfc("9051", "7.5.2")
@pytest.mark.parametrize(("name", "expected"), STRUCTURES, ids=[name for name, _ in STRUCTURES])
def test_body_structures(name: str, expected: bytes) -> None:
    assert structure(ODD[name]) == parse_list(expected)


def test_body_is_bodystructure_without_extension_data() -> None:
    assert listed(ODD["languages"]).body == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1)'


HEADER = (
    b"From: a@x.example\r\nX-Odd: 1\r\nTo: b@x.example,\r\n c@x.example\r\nSUBJECT: s\r\nDate: now\r\n"
    b"To: d@x.example\r\nX-Other: 2\r\nList-Id: l"
)


def kept(data: bytes, *names: bytes) -> bytes | None:
    return header_fields(derive(HEADERS, data), FieldNames.of(names))


def test_fields_asked_for_are_answered_from_the_block_as_they_came() -> None:
    assert kept(HEADER, b"to", b"SUBJECT") == (
        b"To: b@x.example,\r\n c@x.example\r\nSUBJECT: s\r\nTo: d@x.example\r\n\r\n"
    )
    assert kept(HEADER, b"List-Id") == b"List-Id: l\r\n\r\n"
    assert kept(HEADER, b"cc") == b"\r\n"


def test_fields_that_the_block_lacks_are_answered_only_if_the_message_lacks_them_too() -> None:
    assert kept(HEADER, b"Date", b"X-Odd") is None
    assert kept(HEADER, b"Date", b"X-Unheard-Of") == b"Date: now\r\n\r\n"


def test_a_header_too_large_to_keep_is_left_to_the_message() -> None:
    assert kept(b"X: " + b"y" * MAX_HEADER + b"\r\nSubject: late\r\n\r\n", b"subject") is None


@given(MAIL, st.sets(st.sampled_from([*HOT[:8], b"x", b"content-md5", b"content-disposition", b"{3}"])))
def test_the_block_answers_as_the_message_would(data: bytes, names: set[bytes]) -> None:
    answer = kept(data, *names)
    assert answer is None or answer == read_section(data, scan(data), (), Text.FIELDS, names)


def test_the_part_map_answers_sections() -> None:
    data = ODD["message in a message"]
    assert read_section(data, parts(derive(PARTS, data)), (1,), Text.TEXT) == b"body\r\n"


@given(MAIL)
def test_all_that_is_derived_of_any_octets_can_be_read_back(data: bytes) -> None:
    parts(derive(PARTS, data))
    listing(derive(LIST, data))
    header_fields(derive(HEADERS, data), FieldNames.of([b"to"]))
