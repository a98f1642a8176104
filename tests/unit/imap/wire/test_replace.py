from __future__ import annotations

import pytest
from tests.unit.imap.wire.feeding import LIMITS, parse

from mailkeep.imap.wire.append import Message
from mailkeep.imap.wire.framing import Framer, Limits, LiteralData, Raw
from mailkeep.imap.wire.lexer import ParseError
from mailkeep.imap.wire.replace import Replace
from mailkeep.imap.wire.sequence_set import STAR, SequenceSet


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            b"REPLACE 4 Drafts (\\Seen) {2+}\r\nhi",
            Replace(
                number=SequenceSet(((4, 4),)),
                uid=False,
                mailbox="Drafts",
                message=Message(data=b"hi", flags=("\\Seen",)),
            ),
        ),
        (
            b"uid replace * {1+}\r\nx ~{2+}\r\n\0i",
            Replace(
                number=SequenceSet(((STAR, STAR),)), uid=True, mailbox="x", message=Message(data=b"\0i", binary=True)
            ),
        ),
    ],
    ids=["number", "uid"],
)
def test_a_message_takes_the_place_of_one(text: bytes, value: Replace) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    "text",
    [
        b"", b" x {1+}\r\nx", b" 0 x {1+}\r\nx", b" 1:2 x {1+}\r\nx", b" 1,2 x {1+}\r\nx", b" $ x {1+}\r\nx", b" 1 x",
        b" 1 x {1+}\r\nx {1+}\r\ny", b" 1 {1+}\r\nx", b" 01 x {1+}\r\nx", b" 4294967296 x {1+}\r\nx",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        parse(b"REPLACE" + text)


@pytest.mark.parametrize("name", [b"REPLACE 1", b"UID REPLACE 1", b"uid  replace 1"])
def test_its_message_is_streamed_and_may_be_as_large_as_that_of_append(name: bytes) -> None:
    framer = Framer(Limits(max_append=9, max_memory=4, stream_over=3))
    framer.feed(b"a %b box (\\Seen) {9+}\r\n123456789\r\n" % name)
    first, whole = framer.next(), framer.next()
    assert isinstance(first, LiteralData)
    assert first.chunk == b"123456789"
    assert isinstance(whole, Raw)
    assert LIMITS.max_append > 9
