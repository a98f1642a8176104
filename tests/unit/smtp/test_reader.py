"""The reader: however octets are cut, the same lines and the same message come out."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkeep.smtp.wire.reader import MAX_LINE, Event, Line, Mark, Octets, Reader


def read(pieces: list[bytes]) -> list[object]:
    """What a dialogue consists of; after "DATA" and "BDAT n" the message is expected, its pieces are joined."""
    reader = Reader()
    events: list[object] = []
    for piece in pieces:
        reader.feed(piece)
        while (event := reader.next()) is not None:
            note(events, event)
            match event:
                case Line(b"DATA"):
                    reader.expect_data()
                case Line(line) if line.startswith(b"BDAT "):
                    reader.expect_chunk(int(line[5:]))
                case _:
                    pass
    events.append(("left", reader.buffered()) if events and events[-1] is Mark.END else "open")
    return events


def note(events: list[object], event: Event) -> None:
    match event:
        case Octets(octets) if events and isinstance(events[-1], bytes):
            events[-1] += octets
        case Octets(octets):
            events.append(octets)
        case _:
            events.append(event)


def message(stuffed: bytes) -> object:
    """The message that DATA with these octets gives."""
    events = read([b"DATA\r\n" + stuffed])
    return next((event for event in events if isinstance(event, bytes)), b"") if Mark.END in events else None


def stuff(octets: bytes) -> bytes:
    """What a client sends for a message that ends in CRLF (RFC 5321 §4.5.2)."""
    return (b"\r\n" + octets).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


octets_near_the_end = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a", b"\0", b"\xff"])).map(
    b"".join
)


@settings(deadline=None)
@given(octets_near_the_end, st.lists(st.integers(1, 7)))
def test_a_message_is_the_same_however_it_is_cut(text: bytes, cuts: list[int]) -> None:
    whole = b"DATA\r\n" + stuff(text + b"\r\n") + b"NOOP\r\n"
    pieces, rest = [], whole
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    expected = [Line(b"DATA"), text + b"\r\n", Mark.END, Line(b"NOOP"), "open"]
    assert read([*pieces, rest]) == expected
    assert read([whole[i : i + 1] for i in range(len(whole))]) == expected


@settings(deadline=None)
@given(octets_near_the_end)
def test_any_octets_after_data_are_read_alike_whole_and_one_by_one(stream: bytes) -> None:
    whole = b"DATA\r\n" + stream
    one_by_one = read([whole[i : i + 1] for i in range(len(whole))])
    assert read([whole]) == one_by_one


@pytest.mark.parametrize(
    "not_an_end",
    [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n\r.\r\n", b"\r.\r\n", b"\r\n..\r\n", b"\r\n.\0\r\n"],
    ids=repr,
)
@pytest.mark.rfc("5321", "4.1.1.4")
def test_nothing_but_crlf_dot_crlf_ends_the_message(not_an_end: bytes) -> None:
    events = read([b"DATA\r\nfirst" + not_an_end + b"MAIL FROM:<smuggled@example.org>\r\n.\r\n"])
    assert [event for event in events if isinstance(event, Line)] == [Line(b"DATA")]


@pytest.mark.parametrize(
    ("stuffed", "expected"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"a\r\n..b\r\n...\r\n.\r\n", b"a\r\n.b\r\n..\r\n"),
        (b"a\n..b\r\n.\r\n", b"a\n..b\r\n"),
        (b"bare\nlf\rcr\0nul\r\n.\r\n", b"bare\nlf\rcr\0nul\r\n"),
        (b"\r\r\n.\r\n", b"\r\r\n"),
    ],
    ids=repr,
)
@pytest.mark.rfc("5321", "4.5.2")
def test_dots_are_unstuffed_and_all_else_is_kept(stuffed: bytes, expected: bytes) -> None:
    assert message(stuffed) == expected


@pytest.mark.rfc("3030", "2")
def test_a_chunk_has_exactly_its_size_and_is_not_unstuffed() -> None:
    events = read([b"BDAT 9\r\n\r\n.\r\n..\nNBDAT 0\r\nNOOP\r\n"])
    assert events == [Line(b"BDAT 9"), b"\r\n.\r\n..\nN", Mark.END, Line(b"BDAT 0"), Mark.END, Line(b"NOOP"), "open"]


def test_a_line_of_exactly_the_limit_is_read_and_a_longer_one_is_skipped() -> None:
    longest = b"a" * (MAX_LINE - 2)
    for size in (1, 7, 100_000):
        stream = longest + b"\r\n" + longest + b"b\r\nNOOP\r\n"
        pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
        assert read(pieces) == [Line(longest), Mark.TOO_LONG, Line(b"NOOP"), "open"]


def test_a_line_without_end_takes_no_memory() -> None:
    reader = Reader()
    for _ in range(100):
        reader.feed(b"x" * 65536)
        assert reader.next() is None
        assert reader.buffered() <= MAX_LINE
    reader.feed(b"\r\nNOOP\r\n")
    assert reader.next() is Mark.TOO_LONG
    assert reader.next() == Line(b"NOOP")


@pytest.mark.rfc("5321", "2.3.8")
def test_a_line_that_ends_with_lf_alone_is_no_command() -> None:
    assert read([b"NOOP\nNOOP\r\n"]) == [Mark.BARE_LF, Line(b"NOOP"), "open"]


def test_a_message_of_nothing_but_dots_is_read_in_reasonable_time() -> None:
    reader = Reader()
    reader.feed(b"DATA\r\n")
    assert reader.next() == Line(b"DATA")
    reader.expect_data()
    started = time.process_time()
    size = 0
    for _ in range(64):
        reader.feed(b".\r\r\n." * 32_768)
        while isinstance(event := reader.next(), Octets):
            size += len(event.octets)
    assert size > 8_000_000
    assert time.process_time() - started < 2.0
