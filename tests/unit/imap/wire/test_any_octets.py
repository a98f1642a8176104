"""Whatever octets come, the grammar answers with values or ParseError, in bounded time."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.imap.wire.feeding import PARSERS, outcome
from tests.unit.imap.wire.rfc_examples import COMMANDS, WITH_LITERALS

from mailkeep.imap.wire import authenticate, command
from mailkeep.imap.wire.framing import Framer, Limits, NeedContinuation, Raw
from mailkeep.imap.wire.lexer import Lexer, ParseError

WORDS = st.sampled_from(
    rb"""( ) [ ] < > { } " \ * % $ , : ; . + - ~ & = / 0 1 5 9 1:* 2,4:7 4294967296 {3} {3+} ~{2+} FETCH STORE SEARCH
    UID FLAGS +FLAGS BODY[ BODY.PEEK[ HEADER.FIELDS TEXT MIME <0.5> RFC822 BINARY[1] OR NOT SEEN SINCE 1-Feb-1994 MODSEQ
    "/flags/x" all HEADER SUBJECT CHARSET UTF-8 RETURN (ALL) (SUBSCRIBED) STATUS (MESSAGES) QRESYNC (1 2) INBOX
    "" "a b" "Entw&APw-rfe" &- NIL \Seen \Recent $Junk UTF8 (~{3+} USE CHANGEDSINCE VANISHED UNCHANGEDSINCE x
    /private/comment /shared/ (DEPTH infinity) (MAXSIZE
    (REVERSE DATE) (RELEVANCY) REFERENCES FUZZY RELEVANCY i;* en-CA "default"
    IN PARTIAL -1:-9 SUBTREE MAILBOXES
    """.split()
)
OCTETS = st.lists(WORDS | st.sampled_from([b" ", b"\r\n", b"\n", b"\r"]) | st.binary(max_size=6), max_size=25)


def try_to_read(raw: Raw, *, utf8: bool = False) -> None:
    with suppress(ParseError):
        head = command.parse(raw, utf8=utf8)
        PARSERS.get(head.name, PARSERS["NOOP"])(head.args)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(PARSERS)), OCTETS.map(b" ".join) | OCTETS.map(b"".join), st.booleans())
def test_arguments_of_any_octets_are_read_or_refused(name: str, octets: bytes, utf8: bool) -> None:
    for event in outcome([b"a %b %b\r\n" % (name.encode(), octets)]):
        if isinstance(event, Raw):
            try_to_read(event, utf8=utf8)


@given(st.sampled_from(sorted(PARSERS)), OCTETS.map(b" ".join), st.lists(st.binary(max_size=5), max_size=3))
def test_a_parser_does_not_trust_that_text_and_literals_fit(name: str, octets: bytes, literals: list[bytes]) -> None:
    lexer = Lexer(Raw(octets, tuple(literals)))
    with suppress(ParseError):
        PARSERS[name](lexer)
    assert 0 <= lexer.pos <= len(octets)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(COMMANDS + WITH_LITERALS), st.data())
def test_a_damaged_command_is_read_or_refused(octets: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(octets)))
        octets = octets[:at] + data.draw(WORDS | st.binary(max_size=2)) + octets[at + data.draw(st.integers(0, 3)) :]
    for event in outcome([octets, b"\r\n"]):
        if isinstance(event, Raw):
            try_to_read(event)


@given(st.binary())
def test_a_sasl_response_of_any_octets_is_read_or_refused(line: bytes) -> None:
    with suppress(ParseError):
        authenticate.response(line)


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"{9}\r\n", b"{9+}\r\n", b"a APPEND x {20+}\n", b"\n"])))
def test_a_framer_takes_any_octets_and_goes_on(pieces: list[bytes]) -> None:
    framer = Framer(Limits(max_line=60, max_literals=4, max_memory=20, max_append=30, stream_over=5))
    for piece in pieces:
        framer.feed(piece)
        while (event := framer.next()) is not None:
            if isinstance(event, NeedContinuation):
                framer.accept()
            if isinstance(event, Raw):
                assert len(event.text) <= 60
    framer.reset()
    framer.feed(b"a NOOP\r\n")
    assert framer.next() == Raw(b"a NOOP")


UNITS = (
    b"(",
    b" ",
    b'"',
    b'"" ',
    b"\\",
    b'\\"',
    b"a ",
    b"1,",
    b"*",
    b"OR ",
    b"NOT ",
    b"FUZZY ",
    b"REVERSE ",
    b"i;*",
    b"en-",
    b"(a ",
    b"BODY[",
    b"1.",
    b"&",
    b"&AA",
)


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_a_long_line_is_read_or_refused_in_little_time(name: str) -> None:
    started = time.process_time()
    for unit in UNITS:
        for start in (b"a %b " % name.encode(), b'a %b "' % name.encode(), b"a %b 1 (" % name.encode()):
            try_to_read(Raw(start + unit * (50_000 // len(unit))))
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        (b"SEARCH", b"1 "),
        (b"SEARCH", b"(1) "),
        (b"SEARCH", b"OR 1 "),
        (b"SEARCH", b"NOT "),
        (b"SEARCH", b"FUZZY "),
        (b"SEARCH", b"FUZZY NOT "),
        (b"SORT (DATE) UTF-8", b"OR 1 "),
        (b"SORT (", b"DATE "),
        (b"COMPARATOR", b"i;octet "),
        (b"LANGUAGE", b"en "),
        (b"SEARCH (", b"1 "),
        (b"SEARCH TEXT {0+}", b"\r\n TEXT {0+}"),
        (b"STORE 1 FLAGS", b"a "),
        (b"STORE 1 FLAGS (", b"a "),
        (b"FETCH", b"1,"),
        (b"FETCH 1 (", b"UID "),
        (b"FETCH 1 BODY[HEADER.FIELDS (", b"a "),
        (b"ENABLE", b"a "),
        (b'ID ("x"', b'"x" '),
        (b"SELECT x (QRESYNC (1 1 1 (", b"1,"),
    ],
    ids=str,
)
def test_the_longest_line_costs_little_time(name: bytes, unit: bytes) -> None:
    started = time.process_time()
    text = b"a %b " % name + unit * (500_000 // len(unit)) + b"1"
    try_to_read(Raw(text, (b"",) * 40_000))
    assert time.process_time() - started < 2
