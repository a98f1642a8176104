"""LDAP as octets."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.ldap import (
    MAX_MESSAGE,
    Code,
    Entry,
    LdapError,
    Reference,
    Result,
    Scope,
    bind,
    check_name,
    fill_name,
    message_size,
    parse_answer,
    parse_filter,
    search,
    start_tls,
    unbind,
)

WORDS = ("user", "name")


def test_a_bind_has_version_name_and_password() -> None:
    assert bind(1, b"cn=a", b"b") == bytes.fromhex("30 11 02 01 01 60 0c 02 01 03 04 04") + b"cn=a" + b"\x80\x01b"
    assert unbind(3) == bytes.fromhex("30 05 02 01 03 42 00")
    assert start_tls(1) == bytes.fromhex("30 1d 02 01 01 77 18 80 16") + b"1.3.6.1.4.1.1466.20037"


def test_lengths_above_127_take_more_octets() -> None:
    long = bind(1, b"x" * 200, b"y" * 300)
    assert long[:4] == b"\x30\x82" + (len(long) - 4).to_bytes(2, "big")
    assert message_size(long) == len(long)


def test_a_search_has_base_scope_limit_filter_and_attributes() -> None:
    condition = parse_filter("(uid={name})", WORDS).encode({"name": "ann"})
    assert search(2, b"dc=x", Scope.SUBTREE, condition, ("mail",), 2) == bytes.fromhex(
        "30 2e 02 01 02 63 29 04 04 64 63 3d 78 0a 01 02 0a 01 00 02 01 02 02 01 00 01 01 00"
        " a3 0a 04 03 75 69 64 04 03 61 6e 6e 30 06 04 04 6d 61 69 6c"
    )


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("(a=b)", "a3 06 04 01 61 04 01 62"),
        ("(a=)", "a3 05 04 01 61 04 00"),
        ("(a=*)", "87 01 61"),
        ("(a=x*)", "a4 08 04 01 61 30 03 80 01 78"),
        ("(a=*x)", "a4 08 04 01 61 30 03 82 01 78"),
        ("(a=x*y*z)", "a4 0e 04 01 61 30 09 80 01 78 81 01 79 82 01 7a"),
        (r"(a=\2a)", "a3 06 04 01 61 04 01 2a"),
        ("(a={user})", "a3 08 04 01 61 04 03 2a 29 28"),
        ("(!(a=b))", "a2 08 a3 06 04 01 61 04 01 62"),
        ("(&(a=b)(|(a=*)(c=d)))", "a0 15 a3 06 04 01 61 04 01 62 a1 0b 87 01 61 a3 06 04 01 63 04 01 64"),
    ],
)
def test_a_filter_becomes_octets_and_what_fills_its_gaps_is_a_value_whatever_it_is(text: str, octets: str) -> None:
    assert parse_filter(text, WORDS).encode({"user": "*)("}) == bytes.fromhex(octets)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a=b",
        "(a=b",
        "(a=b))",
        "(a=b)x",
        "(a)",
        "(=b)",
        "(&)",
        "(!(a=b)(c=d))",
        "(a=b(c)",
        "(a=**)",
        "(a=x**y)",
        "(a>=b)",
        r"(a=\zz)",
        "(a={other})",
        "(a={user)",
        "(!" * 20 + "(a=b)" + ")" * 20,
    ],
)
def test_what_is_no_filter_is_an_error(text: str) -> None:
    with pytest.raises(LdapError):
        parse_filter(text, WORDS)


@pytest.mark.parametrize(
    ("name", "filled"),
    [
        ("ann", "ann"),
        ("a,b", r"a\,b"),
        ("#a", r"\#a"),
        (" a b ", r"\ a b\ "),
        ('a"+<>;=\\', r"a\"\+\<\>\;\=" + "\\\\"),
        ("a\0", r"a\00"),
    ],
)
def test_what_fills_a_name_is_escaped(name: str, filled: str) -> None:
    assert fill_name("uid={name},dc=x", {"name": name}) == f"uid={filled},dc=x".encode()


def test_a_name_may_have_known_gaps_alone() -> None:
    check_name("uid={name},dc=x", WORDS)
    with pytest.raises(LdapError):
        check_name("uid={nam},dc=x", WORDS)


def answer(octets: str) -> object:
    return parse_answer(bytes.fromhex(octets))


def test_answers_are_read() -> None:
    assert answer("30 0c 02 01 01 61 07 0a 01 00 04 00 04 00") == (1, Result(Code.SUCCESS, ""))
    assert answer("30 0f 02 01 01 61 0a 0a 01 31 04 00 04 03 62 61 64") == (1, Result(Code.INVALID_CREDENTIALS, "bad"))
    assert answer("30 84 00 00 00 09 02 01 02 73 84 00 00 00 00") == (2, Reference())
    assert answer("30 1b 02 01 02 64 16 04 04 63 6e 3d 61 30 0e 30 0c 04 04 4d 61 69 6c 31 04 04 02 61 40") == (
        2,
        Entry(b"cn=a", {"mail": (b"a@",)}),
    )


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "30 00",
        "30 03 02 01 01",
        "30 05 02 01 01 63 00",  # a request
        "30 0c 02 01 01 61 07 0a 01 00 04 00 04",
        "30 80 02 01 01 00 00",  # of indefinite length
        "30 0c 04 01 01 61 07 0a 01 00 04 00 04 00",
        "30 85 00 00 00 00 0c 02 01 01 61 07 0a 01 00 04 00 04 00",
    ],
)
def test_what_is_no_answer_is_an_error(octets: str) -> None:
    with pytest.raises(LdapError):
        answer(octets)


def test_the_size_of_a_message_is_known_from_its_head_and_has_a_limit() -> None:
    assert message_size(b"") is None
    assert message_size(b"\x30") is None
    assert message_size(b"\x30\x82\x01") is None
    assert message_size(b"\x30\x82\x01\x00") == 260
    for head in (b"HTTP/1.1", b"\x30\x80", b"\x30\x84" + MAX_MESSAGE.to_bytes(4, "big")):
        with pytest.raises(LdapError):
            message_size(head)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda rest: b"\x30" + bytes([len(rest)]) + rest))
def test_whatever_comes_is_read_or_an_error(octets: bytes) -> None:
    with suppress(LdapError):
        parse_answer(octets)
    with suppress(LdapError):
        message_size(octets)


@given(st.text("(&|!)a=*\\2{user}", max_size=30))
def test_whatever_a_filter_is_it_is_parsed_or_an_error(text: str) -> None:
    with suppress(LdapError):
        parse_filter(text, WORDS).encode({"user": "x", "name": "y"})
