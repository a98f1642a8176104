from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.imap.wire.feeding import LIMITS, events, octet_by_octet, outcome

from mailkeep.imap.wire.framing import (
    Framer,
    Limits,
    LiteralData,
    NeedContinuation,
    Raw,
    Refused,
    Streamed,
    TooLong,
)

SMALL = Limits(max_line=40, max_literals=3, max_memory=20, max_append=30, stream_over=8)


def test_a_line_is_a_command() -> None:
    assert outcome([b"a NOOP\r\n"]) == [Raw(b"a NOOP")]


def test_a_bare_lf_ends_a_line() -> None:
    assert outcome([b"a NOOP\nb NOOP\n"]) == [Raw(b"a NOOP"), Raw(b"b NOOP")]


def test_an_empty_line_is_an_empty_command() -> None:
    assert outcome([b"\r\n\n"]) == [Raw(b""), Raw(b"")]


def test_only_the_line_end_is_taken_off() -> None:
    assert outcome([b"a NOOP \r\r\n"]) == [Raw(b"a NOOP \r")]


def test_many_commands_in_one_piece_come_in_order() -> None:
    piece = b"".join(b"a%d NOOP\r\n" % i for i in range(1000))
    assert outcome([piece]) == [Raw(b"a%d NOOP" % i) for i in range(1000)]


def test_octets_fed_before_the_last_were_read_wait_their_turn() -> None:
    framer = Framer(LIMITS)
    for piece in (b"a NOOP\r\nb NO", b"", b"OP\r\nc NOOP\r\n", b"d NOOP\r\n"):
        framer.feed(piece)
    assert framer.buffered == 32
    assert [framer.next() for _ in range(5)] == [Raw(b"%c NOOP" % i) for i in b"abcd"] + [None]
    assert framer.buffered == 0


def test_a_synchronizing_literal_asks_and_then_is_read() -> None:
    framer = Framer(LIMITS)
    framer.feed(b"a LOGIN {3}\r\n")
    asked = framer.next()
    assert asked == NeedContinuation(b"a", "LOGIN", 3, Raw(b"a LOGIN {3}\r\n"))
    assert framer.next() is None
    framer.accept()
    framer.feed(b"ann pw\r\n")
    assert framer.next() == Raw(b"a LOGIN {3}\r\n pw", (b"ann",))


def test_a_refused_announcement_abandons_the_command() -> None:
    framer = Framer(LIMITS)
    framer.feed(b"a LOGIN {3}\r\nb NOOP\r\n")
    framer.next()
    framer.refuse()
    assert framer.next() == Raw(b"b NOOP")


def test_non_synchronizing_literals_do_not_ask() -> None:
    octets = b"a LOGIN {3+}\r\nann {2+}\r\npw\r\nb NOOP\r\n"
    assert list(events([octets])) == [Raw(b"a LOGIN {3+}\r\n {2+}\r\n", (b"ann", b"pw")), Raw(b"b NOOP")]


def test_a_literal_may_hold_line_ends_announcements_and_nul() -> None:
    inside = b"x {5}\r\n\0\n"
    octets = b"a LOGIN {%d+}\r\n%b b\r\n" % (len(inside), inside)
    assert outcome([octets]) == [Raw(b"a LOGIN {9+}\r\n b", (inside,))]


def test_an_empty_literal_is_one() -> None:
    assert outcome([b"a LOGIN {0+}\r\n {0}\r\n", b"\r\n"]) == [Raw(b"a LOGIN {0+}\r\n {0}\r\n", (b"", b""))]


def test_literal8_is_announced_with_a_tilde() -> None:
    assert outcome([b"a APPEND x ~{3+}\r\n\0\0\0\r\n"]) == [Raw(b"a APPEND x ~{3+}\r\n", (b"\0\0\0",))]


@pytest.mark.parametrize("line", [b"a {5} x", b"a {5+} ", b"a {}", b"a {-1}", b"a {+}", b"a {1++}", b"a x}", b"a }"])
def test_only_an_announcement_at_the_end_of_a_line_announces(line: bytes) -> None:
    assert outcome([line + b"\r\n"]) == [Raw(line)]


def test_a_literal_too_large_is_refused_before_it_is_sent() -> None:
    framer = Framer(SMALL)
    framer.feed(b"a LOGIN {21}\r\nb NOOP\r\n")
    assert framer.next() == Refused(b"a", "LOGIN")
    assert framer.next() == Raw(b"b NOOP")


def test_a_non_synchronizing_literal_too_large_is_thrown_away_with_its_command() -> None:
    octets = b"a LOGIN {21+}\r\n%b {99+}\r\n%b x\r\nb NOOP\r\n" % (b"\n" * 21, b"\n" * 99)
    assert outcome([octets], SMALL) == [Refused(b"a", "LOGIN"), Raw(b"b NOOP")]


def test_a_client_that_waits_with_a_refused_command_is_answered_at_once() -> None:
    octets = b"a LOGIN {21+}\r\n%b {5}\r\n" % (b"\n" * 21)
    assert outcome([octets, b"b NOOP\r\n"], SMALL) == [Refused(b"a", "LOGIN"), Raw(b"b NOOP")]


def test_the_literals_of_a_command_are_bounded_in_sum() -> None:
    assert outcome([b"a LOGIN {10+}\r\n0123456789 {10+}\r\n0123456789\r\n"], SMALL) == [
        Raw(b"a LOGIN {10+}\r\n {10+}\r\n", (b"0123456789", b"0123456789"))
    ]
    assert outcome([b"a LOGIN {10+}\r\n0123456789 {11}\r\n"], SMALL) == [Refused(b"a", "LOGIN", (b"0123456789",))]


def test_the_literals_of_a_command_are_bounded_in_number() -> None:
    assert outcome([b"a X " + b"{0+}\r\n" * 3 + b"\r\n"], SMALL) == [Raw(b"a X " + b"{0+}\r\n" * 3, (b"",) * 3)]
    assert outcome([b"a X " + b"{0+}\r\n" * 4 + b"\r\nb NOOP\r\n"], SMALL) == [
        Refused(b"a", "X", (b"",) * 3),
        Raw(b"b NOOP"),
    ]


def test_an_absurd_size_is_refused() -> None:
    assert outcome([b"a LOGIN {99999999999999999999}\r\n"]) == [Refused(b"a", "LOGIN")]


def test_a_line_at_the_limit_passes_and_one_beyond_does_not() -> None:
    line = b"a " + b"x" * 36
    assert outcome([line + b"\r\n"], SMALL) == [Raw(line)]
    assert outcome([line + b"x\r\nb NOOP\r\n"], SMALL) == [TooLong(b"a"), Raw(b"b NOOP")]


def test_a_long_line_is_thrown_away_with_the_literals_in_it() -> None:
    octets = b"a " + b"x" * 100 + b" {3+}\r\nabc" + b"y" * 100 + b"{3}\r\n"
    assert outcome([octets + b"b NOOP\r\n"], SMALL) == [TooLong(b"a"), Raw(b"b NOOP")]


def test_a_long_line_without_a_tag_is_answered_untagged() -> None:
    assert outcome([b"x" * 1000 + b"\r\n"], SMALL) == [TooLong(b"*")]


def test_the_lines_of_a_command_are_bounded_together() -> None:
    octets = b"a LOGIN {1+}\r\nx" + b"y" * 24
    assert outcome([octets + b"\r\n"], SMALL) == [Raw(b"a LOGIN {1+}\r\n" + b"y" * 24, (b"x",))]
    assert outcome([octets + b"yy\r\n"], SMALL) == [TooLong(b"a", (b"x",))]


def test_a_large_message_of_append_is_streamed() -> None:
    (asked, first, last, whole) = events([b"a APPEND x {9}\r\n", b"1234", b"56789\r\n"], SMALL)
    assert isinstance(asked, NeedContinuation)
    assert isinstance(first, LiteralData)
    assert (first.chunk, first.last) == (b"1234", False)
    assert isinstance(last, LiteralData)
    assert (last.chunk, last.last) == (b"56789", True)
    assert whole == Raw(b"a APPEND x {9}\r\n", (first.literal,))
    assert first.literal.size == 9


def test_a_small_message_of_append_is_held_in_memory() -> None:
    assert list(events([b"a append x {8+}\r\n12345678\r\n"], SMALL)) == [Raw(b"a append x {8+}\r\n", (b"12345678",))]


@pytest.mark.parametrize("mailbox", [b"{1+}\r\nx", b'"a b"', b"x (\\Seen)", b'x (\\Seen) " 1-Jan-2020 00:00:00 +0000"'])
def test_only_the_messages_of_append_are_streamed(mailbox: bytes) -> None:
    (data, whole) = events([b"a APPEND %b {9+}\r\n123456789\r\n" % mailbox], Limits(max_append=9, stream_over=8))
    assert isinstance(data, LiteralData)
    assert isinstance(whole, Raw)
    assert whole.literals[-1] is data.literal


def test_a_mailbox_name_of_append_is_never_streamed() -> None:
    assert outcome([b"a APPEND {30}\r\n"], SMALL) == [Refused(b"a", "APPEND")]


def test_a_message_beyond_the_limit_is_refused() -> None:
    assert outcome([b"a APPEND x {31}\r\n"], SMALL) == [Refused(b"a", "APPEND")]
    assert outcome([b"a APPEND x {31+}\r\n" + b"x" * 31 + b"\r\n"], SMALL) == [Refused(b"a", "APPEND")]


def test_a_literal_that_does_not_wait_may_have_a_limit_of_its_own() -> None:
    limits = Limits(max_append=100, max_nonsynchronizing=4)
    assert outcome([b"a APPEND x {4+}\r\n1234\r\n"], limits) == [Raw(b"a APPEND x {4+}\r\n", (b"1234",))]
    assert outcome([b"a APPEND x {5+}\r\n12345\r\n"], limits) == [Refused(b"a", "APPEND")]
    assert outcome([b"a APPEND x {5}\r\n", b"12345\r\n"], limits) == [Raw(b"a APPEND x {5}\r\n", (b"12345",))]


def test_before_login_no_message_is_taken() -> None:
    assert outcome([b"a APPEND x {1}\r\n"], Limits()) == [Refused(b"a", "APPEND")]


def test_small_messages_are_streamed_once_memory_is_full() -> None:
    octets = b"a APPEND x {8+}\r\n12345678 {8+}\r\n12345678 {8+}\r\n12345678\r\n"
    (data, whole) = events([octets], Limits(max_memory=20, max_append=30))
    assert isinstance(data, LiteralData)
    assert isinstance(whole, Raw)
    assert [type(literal) for literal in whole.literals] == [bytes, bytes, Streamed]


def test_a_message_can_be_refused_while_it_comes() -> None:
    framer = Framer(SMALL)
    framer.feed(b"a APPEND x {9+}\r\n1234")
    first = framer.next()
    assert isinstance(first, LiteralData)
    framer.refuse()
    framer.feed(b"56789 {3+}\r\nabc\r\nb NOOP\r\n")
    assert framer.next() == Refused(b"a", "APPEND", (first.literal,))
    assert framer.next() == Raw(b"b NOOP")


def test_reset_forgets_everything() -> None:
    framer = Framer(LIMITS)
    framer.feed(b"a STARTTLS\r\nb LOGIN {3}\r\n")
    framer.feed(b"c NOOP\r\n")
    framer.next()
    framer.next()
    framer.reset()
    assert (framer.buffered, framer.mid_command, framer.next()) == (0, False, None)
    framer.feed(b"d NOOP\r\n")
    assert framer.next() == Raw(b"d NOOP")


def test_mid_command_tells_of_an_unfinished_command() -> None:
    framer = Framer(LIMITS)
    for piece, expected in ((b"a NO", True), (b"OP\r\n", False), (b"b LOGIN {3}\r\n", True)):
        framer.feed(piece)
        framer.next()
        assert framer.mid_command is expected


def test_a_raw_line_is_no_command() -> None:
    framer = Framer(LIMITS)
    framer.feed(b"a IDLE\r\nDO")
    framer.next()
    assert framer.next_line() is None
    framer.feed(b"NE\r\nb LOGIN {3}\r\n\n")
    assert framer.next_line() == b"DONE"
    assert framer.next_line() == b"b LOGIN {3}"
    assert framer.next_line() == b""


def test_a_raw_line_too_long_is_thrown_away() -> None:
    framer = Framer(SMALL)
    framer.feed(b"x" * 41 + b"\r\nnext\r\n")
    assert framer.next_line() == TooLong(b"*")
    assert framer.next_line() == b"next"


def test_a_long_line_in_small_pieces_costs_linear_time() -> None:
    size = 200_000
    assert outcome([b"a"] * size + [b"\r\n"]) == [Raw(b"a" * size)]


TRAFFIC = st.lists(
    st.sampled_from(
        [
            b"a NOOP\r\n",
            b"b LOGIN {3+}\r\nann {2}\r\npw\r\n",
            b"c APPEND x (\\Seen) {9+}\r\n123456789\r\n",
            b"d APPEND {3+}\r\nbox {31+}\r\n" + b"z" * 31 + b"\r\n",
            b"e " + b"x" * 60 + b"{2+}\r\nab}\r\n",
            b"f LOGIN {21+}\r\n" + b"\n" * 21 + b"x\r\n",
            b"g X {0+}\r\n{0}\r\n{0+}\r\n\r\n",
            b"}\n",
            b"\r\n",
        ]
    ),
    max_size=6,
).map(b"".join)


@given(TRAFFIC, st.lists(st.integers(1, 40), max_size=20))
def test_however_octets_are_split_the_commands_are_the_same(octets: bytes, sizes: list[int]) -> None:
    pieces = []
    rest = octets
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    assert outcome([*pieces, rest], SMALL) == outcome([octets], SMALL) == outcome(octet_by_octet(octets), SMALL)


def test_octets_that_wait_cost_little_however_small_the_pieces_they_came_in() -> None:
    framer = Framer(Limits(max_line=1 << 20))
    framer.feed(b"a")
    for _ in range(100_000):
        framer.feed(b"xy")
        assert framer.buffered
    assert framer.buffered == 200_001
    assert len(framer._chunks) < 1000
    framer.feed(b"\r\n")
    assert framer.next() == Raw(b"a" + b"xy" * 100_000)
    assert framer.buffered == 0


def test_the_messages_of_one_append_are_bounded_together_and_the_next_append_begins_anew() -> None:
    limits = Limits(max_append=9, max_appended=12, stream_over=100)
    one, two = b"a APPEND x {9+}\r\n123456789", b" {4+}\r\n1234"
    assert outcome([one + two + b"\r\n"], limits) == [Refused(b"a", "APPEND", (b"123456789",))]
    assert [type(event) for event in outcome([one + b"\r\n", one + b"\r\n"], limits)] == [Raw, Raw]
