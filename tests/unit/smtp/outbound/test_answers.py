"""What other servers answer, cut in any way and with any octets; and the message as it goes on the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.smtp.wire.answer import MAX_LINE, MAX_LINES, Answer, AnswerReader, NoAnswer, parse_offers
from mailkeep.smtp.wire.stuffing import Stuffing


def read(octets: bytes, size: int = 1 << 20) -> list[Answer]:
    reader, answers = AnswerReader(), []
    for at in range(0, len(octets), size):
        reader.feed(octets[at : at + size])
        while (answer := reader.next()) is not None:
            answers.append(answer)
    return answers


@pytest.mark.rfc("5321", "4.2")
@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"250 OK\r\n", Answer(250, "", ("OK",))),
        (b"250\r\n", Answer(250, "", ("",))),
        (b"250 OK\n", Answer(250, "", ("OK",))),
        (b"250-one\r\n250 two\r\n", Answer(250, "", ("one", "two"))),
        (b"250 2.1.0 fine\r\n", Answer(250, "2.1.0", ("fine",))),
        (b"550 5.1.1\r\n", Answer(550, "5.1.1", ("",))),
        (b"550-5.1.1 no\r\n550 5.1.1 such\r\n", Answer(550, "5.1.1", ("no", "such"))),
        (b"550 2.1.1 contradicts itself\r\n", Answer(550, "", ("2.1.1 contradicts itself",))),
        (b"250 b\xc3\xbccher\r\n", Answer(250, "", ("bücher",))),
        (b"250 \xff\x00\x1b[2J\r\n", Answer(250, "", ("\ufffd??[2J",))),
        (b"354-\r\n354 go\r\n", Answer(354, "", ("", "go"))),
    ],
)
def test_answers_are_read_whole_and_octet_by_octet(octets: bytes, expected: Answer) -> None:
    assert read(octets) == [expected]
    assert read(octets * 2, 1) == [expected, expected]


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n",
        b"25 x\r\n",
        b"2500\r\n",
        b"150 x\r\n",
        b"650 x\r\n",
        b"\r\n",
        b"\xff" * (MAX_LINE + 1),
        b"250 " + b"x" * MAX_LINE + b"\r\n",
        b"250-x\r\n" * (MAX_LINES + 1),
        b"250_x\r\n",
    ],
)
def test_what_is_no_answer_is_not_understood(octets: bytes) -> None:
    with pytest.raises(NoAnswer):
        read(octets)


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_octets_are_answers_or_not_understood(octets: bytes, size: int) -> None:
    try:
        answers = read(octets, size)
    except NoAnswer:
        return
    assert all(200 <= answer.code <= 599 and answer.text.isprintable() for answer in answers)
    assert read(octets) == answers


@pytest.mark.rfc("5321", "4.1.1.1")
def test_offers_are_read_from_the_lines_after_the_first() -> None:
    offers = parse_offers(
        Answer(250, "", ("SIZE 1", "size 1000", "AUTH PLAIN login", "AUTH=CRAM-MD5", "!", "", "LIMITS RCPTMAX=20 X=1"))
    )
    assert offers.size == 1000
    assert offers.mechanisms == {"PLAIN", "LOGIN", "CRAM-MD5"}
    assert offers.recipients == 20
    assert "SIZE" in offers
    assert "PIPELINING" not in offers


@given(st.lists(st.text(max_size=80), max_size=20))
def test_whatever_is_offered_has_some_size_and_some_limit(lines: list[str]) -> None:
    offers = parse_offers(Answer(250, "", ("x", *lines)))
    assert offers.size >= 0
    assert offers.recipients >= 0


def stuffed(*pieces: bytes) -> bytes:
    stuffing = Stuffing()
    return b"".join(map(stuffing.add, pieces)) + stuffing.end()


@pytest.mark.rfc("5321", "4.5.2")
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"", b".\r\n"),
        (b"x\r\n", b"x\r\n.\r\n"),
        (b"x", b"x\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"..x\r\n.y\r\n", b"...x\r\n..y\r\n.\r\n"),
        (b"a\nb\rc\r\n", b"a\r\nb\r\nc\r\n.\r\n"),
        (b"a\n.\r\n", b"a\r\n..\r\n.\r\n"),
        (b"a\r.\r", b"a\r\n..\r\n.\r\n"),
        (b"a\r\r\n", b"a\r\n\r\n.\r\n"),
    ],
)
def test_lines_end_with_crlf_and_dots_are_doubled(message: bytes, expected: bytes) -> None:
    assert stuffed(message) == expected
    assert stuffed(*(message[at : at + 1] for at in range(len(message)))) == expected


@given(
    st.lists(st.binary(max_size=20) | st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"\n.\n"]), max_size=20)
)
def test_no_message_holds_its_own_end(pieces: list[bytes]) -> None:
    octets = stuffed(*pieces)
    assert octets == stuffed(b"".join(pieces))
    assert (b"\r\n" + octets).index(b"\r\n.\r\n") == len(octets) - 3
    assert octets.count(b"\r\n") == octets.count(b"\r") == octets.count(b"\n")
