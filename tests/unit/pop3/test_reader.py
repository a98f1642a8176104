"""Lines, however they are cut, and those that are too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.pop3.wire import auth
from mailkeep.pop3.wire.command import WireError, number, optional_number, split
from mailkeep.pop3.wire.lang import parse as parse_lang
from mailkeep.pop3.wire.login import name, password
from mailkeep.pop3.wire.reader import MAX_AUTH, MAX_LINE, Mark, Reader
from mailkeep.pop3.wire.top import parse as parse_top


def read(*pieces: bytes, answering: bool = False) -> list[bytes | Mark]:
    reader = Reader()
    reader.answering = answering
    out: list[bytes | Mark] = []
    for piece in pieces:
        reader.feed(piece)
        while (line := reader.next()) is not None:
            out.append(line)
    return out


def line_of(octets: int, start: bytes = b"USER ") -> bytes:
    return start + b"x" * (octets - len(start) - 2) + b"\r\n"


@given(st.lists(st.sampled_from([b"STAT", b"\r\n", b"\n", b"\r", b"RETR 1", b" "]), max_size=20), st.data())
def test_any_cut_gives_the_same_lines(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    cut = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert read(*cut) == read(whole) == read(*(whole[i : i + 1] for i in range(len(whole))))


def test_a_line_of_512_octets_is_read_and_a_longer_one_is_not() -> None:
    assert read(line_of(MAX_LINE)) == [line_of(MAX_LINE)[:-2]]
    assert read(line_of(MAX_LINE + 1), b"NOOP\r\n") == [Mark.TOO_LONG, b"NOOP"]


def test_an_endless_line_is_not_kept() -> None:
    reader = Reader()
    for _ in range(1000):
        reader.feed(b"x" * 1000)
        assert reader.next() is None
        assert reader.buffered() <= MAX_LINE
    reader.feed(b"\r\nNOOP\r\n")
    assert reader.next() is Mark.TOO_LONG
    assert reader.next() == b"NOOP"


def test_lines_of_an_authentication_may_be_long() -> None:
    long = line_of(MAX_AUTH, b"auth XOAUTH2 ")
    assert read(long[:700], long[700:]) == [long[:-2]]
    assert read(line_of(MAX_AUTH, b"x"), answering=True) == [line_of(MAX_AUTH, b"x")[:-2]]
    assert read(line_of(MAX_AUTH + 1, b"AUTH ")) == [Mark.TOO_LONG]


@pytest.mark.parametrize("line", [b"", b" STAT", b"ST\0AT", b"USER \x80", b"+OK", b"USER a\x7f"])
def test_what_is_no_command_is_refused(line: bytes) -> None:
    with pytest.raises(WireError):
        split(line)


def test_a_keyword_is_read_in_any_case() -> None:
    assert split(b"reTR 1") == ("RETR", "1")
    assert split(b"PASS a b ") == ("PASS", "a b ")
    assert split("USER jürgen".encode()) == ("USER", "jürgen")


def test_spaces_belong_to_a_password_but_not_to_a_name() -> None:
    assert name(" ann ") == "ann"
    assert password(" a b ") == " a b "
    for parse in (name, password):
        with pytest.raises(WireError):
            parse("")


@pytest.mark.parametrize("argument", ["", "x", "-1", "1.5", "1 2", "99999999999", "٣"])
def test_what_is_no_number_is_refused(argument: str) -> None:
    with pytest.raises(WireError):
        number(argument)


def test_numbers() -> None:
    assert number(" 007 ") == 7
    assert optional_number("") is None
    assert optional_number("3") == 3
    top = parse_top("3  10")
    assert (top.number, top.lines) == (3, 10)
    for argument in ("", "1", "1 2 3", "1 -2"):
        with pytest.raises(WireError):
            parse_top(argument)


def test_auth() -> None:
    assert auth.parse(" ") is None
    assert auth.parse("plain") == auth.Auth("PLAIN", None)
    assert auth.parse("PLAIN =") == auth.Auth("PLAIN", b"")
    assert auth.parse("PLAIN AGEAYg==") == auth.Auth("PLAIN", b"\0a\0b")
    assert auth.response(b"*") is None
    assert auth.response(b"") == b""
    for argument in ("PLAIN =AAA", "PLAIN AAA=BBB", "PLAIN !", "PL!AIN", "PLAIN a b"):  # RFC 5034 §4
        with pytest.raises(WireError):
            auth.parse(argument)
    for line in (b"=AAA", b"AAA=BBB", b"AA A", b"A"):
        with pytest.raises(WireError):
            auth.response(line)


def test_lang() -> None:
    assert parse_lang("") is None
    assert parse_lang("*") == "*"
    assert parse_lang("en-GB") == "en-gb"
    for argument in ("e n", "*-en", "[en]", "x" * 9):
        with pytest.raises(WireError):
            parse_lang(argument)


@given(st.binary(max_size=600))
def test_no_octets_bring_a_parser_down(octets: bytes) -> None:
    for line in read(octets + b"\r\n"):
        if isinstance(line, Mark):
            continue
        try:
            _, argument = split(line)
        except WireError:
            continue
        for parse in (number, optional_number, parse_top, parse_lang, auth.parse, name, password):
            try:
                parse(argument)
            except WireError:
                continue
