from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.unit.imap.wire.feeding import LIMITS, parse

from mailkeep.imap.wire import append, command
from mailkeep.imap.wire.append import Append, Catenation, Message, TextPart, UrlPart
from mailkeep.imap.wire.framing import Framer, Limits, LiteralData, NeedContinuation, Raw
from mailkeep.imap.wire.lexer import ParseError

AT = int(datetime(1994, 2, 8, 5, 52, 25, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"x {2+}\r\nhi", Message(data=b"hi")),
        (b"x (\\Seen $Label) {2}\r\nhi", Message(data=b"hi", flags=("\\Seen", "$Label"))),
        (b'x " 7-Feb-1994 21:52:25 -0800" {2+}\r\nhi', Message(data=b"hi", internaldate=AT)),
        (b'x () " 7-Feb-1994 21:52:25 -0800" {2+}\r\nhi', Message(data=b"hi", internaldate=AT)),
        (b"x (\\Recent) {2+}\r\nhi", Message(data=b"hi", flags=("\\Recent",))),
        (b"x ~{3+}\r\n\0hi", Message(data=b"\0hi", binary=True)),
        (b"x {3+}\r\n\0hi", Message(data=b"\0hi")),
        (b"x UTF8 (~{2+}\r\nhi)", Message(data=b"hi", binary=True, utf8=True)),
        (b"x (\\Seen) utf8 (~{2}\r\nhi)", Message(data=b"hi", flags=("\\Seen",), binary=True, utf8=True)),
        (b"{1+}\r\nx {2+}\r\nhi ", Message(data=b"hi")),
    ],
    ids=str,
)
def test_one_message(text: bytes, message: Message) -> None:
    assert parse(b"APPEND " + text) == Append("x", (message,))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (b"(TEXT {2+}\r\nhi)", (TextPart(b"hi"),)),
        (b'(URL "/x/;UID=1" text {2+}\r\nhi URL {3+}\r\n/yz)', (UrlPart("/x/;UID=1"), TextPart(b"hi"), UrlPart("/yz"))),
        (
            b"(TEXT UTF8 (~{2+}\r\nhi) UTF8 (~{1+}\r\nx) URL /y)",
            (TextPart(b"hi", utf8=True), TextPart(b"x", utf8=True), UrlPart("/y")),
        ),
    ],
    ids=str,
)
def test_a_catenation(text: bytes, parts: tuple[TextPart | UrlPart, ...]) -> None:
    """RFC 4469 §5; UTF8: RFC 6855 §4"""
    assert parse(b"APPEND x (\\Seen) CATENATE " + text) == Append(
        "x", (Message(data=Catenation(parts), flags=("\\Seen",)),)
    )


@pytest.mark.parametrize(
    "text",
    [
        b"()",
        b"(TEXT)",
        b"(TEXT hi)",
        b"(URL)",
        b"({2+}\r\nhi)",
        b"(TEXT {1+}\r\nx",
        b"(TEXT {1+}\r\nxURL /y)",
        b"TEXT {1+}\r\nx",
    ],
)
def test_what_is_no_catenation_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        parse(b"APPEND x CATENATE " + text)


@pytest.mark.parametrize(
    "text",
    [b"CATENATE (%b)" % b" ".join([b"URL /y"] * 1001), b" ".join([b"CATENATE (URL /x)"] * 1001)],
    ids=["one", "many"],
)
def test_a_catenation_has_a_bounded_number_of_parts(text: bytes) -> None:
    with pytest.raises(ParseError, match="More than 1000"):
        parse(b"APPEND x " + text)


def test_several_messages() -> None:
    assert parse(b"APPEND x {1+}\r\na (\\Seen) {1+}\r\nb") == Append(
        "x", (Message(data=b"a"), Message(data=b"b", flags=("\\Seen",)))
    )


def test_a_streamed_message_is_handed_on() -> None:
    framer = Framer(Limits(max_append=3, stream_over=0))
    framer.feed(b"a APPEND x UTF8 (~{3+}\r\nabc)\r\n")
    data = framer.next()
    whole = framer.next()
    assert isinstance(data, LiteralData)
    assert isinstance(whole, Raw)
    (message,) = append.parse(command.parse(whole).args).messages
    assert message.data is data.literal


def test_the_mailbox_is_known_before_the_message_is_sent() -> None:
    framer = Framer(LIMITS)
    framer.feed(b"a APPEND {1+}\r\nx (\\Seen) {3}\r\n")
    asked = framer.next()
    assert isinstance(asked, NeedContinuation)
    assert append.mailbox(command.parse(asked.command).args) == "x"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"x",
        b"x hi",
        b'x "hi"',
        b"x (\\Seen)",
        b"x {2+}\r\nhi there",
        b"x {2+}\r\nhi)",
        b"x UTF8 ({2+}\r\nhi)",
        b"x UTF8 (~{2+}\r\nhi",
        b"x UTF8 ~{2+}\r\nhi",
        b'x " 7-Feb-1994 21:52:25 -0800" (\\Seen) {2+}\r\nhi',
        b'x "7 Feb 1994" {2+}\r\nhi',
        b"~{1+}\r\nx {2+}\r\nhi",
    ],
)
def test_what_is_no_append_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        parse(b"APPEND " + text)
