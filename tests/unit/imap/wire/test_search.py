from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.imap.wire.feeding import parse

from mailkeep.imap.wire.lexer import ParseError
from mailkeep.imap.wire.search import (
    MAX_DEPTH,
    MAX_KEYS,
    All,
    And,
    Body,
    Date,
    DateOf,
    EmailId,
    Filter,
    HasFlag,
    Header,
    Key,
    Larger,
    ModSeq,
    Not,
    Numbers,
    Older,
    Or,
    Search,
    Smaller,
    Text,
    ThreadId,
    Uids,
    When,
    Younger,
)
from mailkeep.imap.wire.search_return import Partial, Return, Returns
from mailkeep.imap.wire.sequence_set import STAR, SequenceSet

SEEN = HasFlag("\\Seen")
DRAFT = HasFlag("\\Draft")
FLAGGED = HasFlag("\\Flagged")
ONE = Numbers(SequenceSet(((1, 1),)))
FEBRUARY = date(1994, 2, 1)


def key(text: bytes) -> Key:
    command = parse(b"SEARCH " + text)
    assert isinstance(command, Search)
    return command.key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"ALL", All()),
        (b"answered", HasFlag("\\Answered")),
        (b"DELETED", HasFlag("\\Deleted")),
        (b"DRAFT", DRAFT),
        (b"FLAGGED", FLAGGED),
        (b"SEEN", SEEN),
        (b"RECENT", HasFlag("\\Recent")),
        (b"NEW", And((HasFlag("\\Recent"), Not(SEEN)))),
        (b"OLD", Not(HasFlag("\\Recent"))),
        (b"UNANSWERED", Not(HasFlag("\\Answered"))),
        (b"UNDELETED", Not(HasFlag("\\Deleted"))),
        (b"UNDRAFT", Not(DRAFT)),
        (b"UNFLAGGED", Not(FLAGGED)),
        (b"UNSEEN", Not(SEEN)),
        (b"KEYWORD $Junk", HasFlag("$Junk")),
        (b"UNKEYWORD $Junk", Not(HasFlag("$Junk"))),
        (b"BCC x", Header("Bcc", "x")),
        (b"CC x", Header("Cc", "x")),
        (b'FROM "Smith"', Header("From", "Smith")),
        (b"SUBJECT {3+}\r\na b", Header("Subject", "a b")),
        (b"TO x", Header("To", "x")),
        (b'HEADER X-Y ""', Header("X-Y", "")),
        (b"BODY x", Body("x")),
        (b"TEXT x", Text("x")),
        (b"BEFORE 1-Feb-1994", Date(DateOf.INTERNAL, When.BEFORE, FEBRUARY)),
        (b'ON "1-Feb-1994"', Date(DateOf.INTERNAL, When.ON, FEBRUARY)),
        (b"SINCE 01-feb-1994", Date(DateOf.INTERNAL, When.SINCE, FEBRUARY)),
        (b"SENTBEFORE 1-Feb-1994", Date(DateOf.SENT, When.BEFORE, FEBRUARY)),
        (b"SENTON 1-Feb-1994", Date(DateOf.SENT, When.ON, FEBRUARY)),
        (b"SENTSINCE 1-Feb-1994", Date(DateOf.SENT, When.SINCE, FEBRUARY)),
        (b"SAVEDBEFORE 1-Feb-1994", Date(DateOf.SAVED, When.BEFORE, FEBRUARY)),
        (b"SAVEDON 1-Feb-1994", Date(DateOf.SAVED, When.ON, FEBRUARY)),
        (b"SAVEDSINCE 1-Feb-1994", Date(DateOf.SAVED, When.SINCE, FEBRUARY)),
        (b"SAVEDATESUPPORTED", All()),
        (b"OLDER 60", Older(60)),
        (b"YOUNGER 86400", Younger(86400)),
        (b"LARGER 9223372036854775807", Larger(2**63 - 1)),
        (b"SMALLER 0", Smaller(0)),
        (b"2:4,7", Numbers(SequenceSet(((2, 4), (7, 7))))),
        (b"*", Numbers(SequenceSet(((STAR, STAR),)))),
        (b"$", Numbers(SequenceSet((), saved=True))),
        (b"UID 5:*", Uids(SequenceSet(((5, STAR),)))),
        (b"UID $", Uids(SequenceSet((), saved=True))),
        (b"MODSEQ 620162338", ModSeq(620162338)),
        (b'MODSEQ "/flags/\\\\draft" all 620162338', ModSeq(620162338)),
        (b"EMAILID M6d99ac3275bb4e", EmailId("M6d99ac3275bb4e")),
        (b"THREADID T64b478a75b7ea9", ThreadId("T64b478a75b7ea9")),
        (b"FILTER on-the-road", Filter("on-the-road")),
    ],
    ids=str,
)
def test_every_key(text: bytes, expected: Key) -> None:
    assert key(text) == key(b"(%b)" % text) == expected
    assert key(b"NOT " + text) == Not(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"SEEN DRAFT", And((SEEN, DRAFT))),
        (b"((SEEN)) DRAFT", And((SEEN, DRAFT))),
        (b"OR SEEN DRAFT", Or((SEEN, DRAFT))),
        (b"OR (SEEN DRAFT) FLAGGED", Or((And((SEEN, DRAFT)), FLAGGED))),
        (b"OR SEEN OR DRAFT FLAGGED", Or((SEEN, DRAFT, FLAGGED))),
        (b"OR OR SEEN DRAFT FLAGGED", Or((SEEN, DRAFT, FLAGGED))),
        (b"OR SEEN DRAFT FLAGGED", And((Or((SEEN, DRAFT)), FLAGGED))),
        (b"NOT OR SEEN DRAFT", Not(Or((SEEN, DRAFT)))),
        (b"OR NOT SEEN NOT DRAFT", Or((Not(SEEN), Not(DRAFT)))),
        (b"NOT NOT SEEN", SEEN),
        (b"NOT NOT NOT SEEN", Not(SEEN)),
        (b"NOT (SEEN NOT DRAFT) FLAGGED", And((Not(And((SEEN, Not(DRAFT)))), FLAGGED))),
        (b"OR NOT MODSEQ 720162338 LARGER 50000", Or((Not(ModSeq(720162338)), Larger(50000)))),
    ],
)
def test_keys_combine(text: bytes, expected: Key) -> None:
    assert key(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"RETURN () ", Return.ALL),
        (b"RETURN (ALL) ", Return.ALL),
        (b"return (min COUNT) ", Return.MIN | Return.COUNT),
        (b"RETURN (SAVE) ", Return.SAVE),
        (b"RETURN (MAX ALL SAVE) CHARSET utf-8 ", Return.MAX | Return.ALL | Return.SAVE),
        (b"RETURN (COUNT UPDATE CONTEXT) ", Return.COUNT | Return.UPDATE | Return.CONTEXT),
    ],
)
def test_return_options(text: bytes, expected: Return) -> None:
    given = b"CHARSET" in text
    assert parse(b"SEARCH %bSEEN" % text) == Search(key=SEEN, returns=Returns(expected), uid=False, charset_given=given)
    assert parse(b"UID SEARCH %bSEEN" % text) == Search(
        key=SEEN, returns=Returns(expected), uid=True, charset_given=given
    )


def test_without_return_there_are_no_options() -> None:
    assert parse(b"SEARCH SEEN") == Search(key=SEEN, returns=None, uid=False)


@pytest.mark.parametrize(
    ("text", "low", "high", "from_end"),
    [
        (b"1:500", 1, 500, False),
        (b"500:400", 400, 500, False),
        (b"-1:-100", 1, 100, True),
        (b"-500:-400", 400, 500, True),
        (b"7:7", 7, 7, False),
        (b"1:4294967295", 1, 4294967295, False),
    ],
)
def test_partial_ranges(text: bytes, low: int, high: int, from_end: bool) -> None:
    partial = Partial(text, low, high, from_end=from_end)
    expected = Returns(Return.PARTIAL | Return.MIN, partial)
    assert parse(b"SEARCH RETURN (PARTIAL %b MIN) SEEN" % text).returns == expected


@given(st.lists(st.integers(), max_size=12), st.integers(1, 14), st.integers(1, 14), st.booleans())
def test_a_partial_holds_the_results_at_its_places(results: list[int], low: int, high: int, from_end: bool) -> None:
    low, high = min(low, high), max(low, high)
    count = len(results)
    places = [count - n + 1 if from_end else n for n in range(low, high + 1)]
    expected = [results[place - 1] for place in sorted(places) if 1 <= place <= count]
    assert Partial(b"", low, high, from_end=from_end).of(results) == expected


def test_a_modseq_key_is_noticed_at_any_depth() -> None:
    assert parse(b"SEARCH OR SEEN NOT (DRAFT MODSEQ 5)").modseq
    assert not parse(b"SEARCH SEEN").modseq


@pytest.mark.parametrize("charset", [b"UTF-8", b'"utf-8"', b"{5+}\r\nUTF-8", b"US-ASCII", b"utf8"])
def test_known_charsets(charset: bytes) -> None:
    line = b"CHARSET %b TEXT {12+}\r\n%b" % (charset, "отпуск".encode())
    assert key(line) == Text("отпуск")


def test_an_unknown_charset_is_told_with_what_was_to_be_saved() -> None:
    search = parse(b"SEARCH RETURN (SAVE) CHARSET KOI8-R TEXT x")
    assert (search.charset_known, search.returns) == (False, Returns(Return.SAVE))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"FOO",
        b"FOO x",
        b"SEEN  DRAFT",
        b"SUBJECT",
        b"HEADER x",
        b"OR SEEN",
        b"NOT",
        b"NOT ",
        b"()",
        b"(SEEN",
        b"SEEN)",
        b"(OR SEEN) DRAFT",
        b"OR (SEEN)",
        b"(SEEN ) DRAFT",
        b"SEEN(DRAFT)",
        b"SINCE 32-Feb-1994",
        b"SINCE x",
        b"UID x",
        b"UID 0",
        b"LARGER -1",
        b"FILTER a/b",
        b"OLDER 0",
        b"KEYWORD \\Seen",
        b"MODSEQ x",
        b'MODSEQ "/flags/x" 5',
        b'MODSEQ "/flags/x" mine 5',
        b"RETURN (FOO) ALL",
        b"RETURN (MIN",
        b"RETURN (MIN) ",
        b"RETURN (PARTIAL) ALL",
        b"RETURN (PARTIAL 1) ALL",
        b"RETURN (PARTIAL 1:*) ALL",
        b"RETURN (PARTIAL 0:5) ALL",
        b"RETURN (PARTIAL -1:5) ALL",
        b"RETURN (PARTIAL 1:-5) ALL",
        b"RETURN (PARTIAL 1:4294967296) ALL",
        b"RETURN (PARTIAL 1:5 PARTIAL 6:9) ALL",
        b"RETURN (PARTIAL 1:5 ALL) ALL",
        b"RETURN (PARTIAL 1:5x) ALL",
        b"CHARSET UTF-8",
        b"TEXT {1+}\r\n\xff",
    ],
)
def test_what_is_no_search_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        key(text)


def test_thousands_of_alternatives_are_one() -> None:
    count = MAX_KEYS - 1
    right = key(b"OR FROM a " * count + b"FROM a")
    left = key(b"OR " * count + b"FROM a" + b" FROM a" * count)
    assert right == left == Or((Header("From", "a"),) * (count + 1))


def test_thousands_of_negations_cancel_out() -> None:
    assert key(b"NOT " * 10_001 + b"SEEN") == Not(SEEN)


@pytest.mark.parametrize(
    ("opening", "closing"), [(b"(", b")"), (b"NOT (", b")"), (b"OR SEEN NOT ", b""), (b"(SEEN OR DRAFT (", b"))")]
)
def test_depth_is_bounded(opening: bytes, closing: bytes) -> None:
    kinds = opening.count(b"(") + opening.count(b"OR ") + opening.count(b"NOT ")
    times = MAX_DEPTH // kinds
    hash(key(opening * times + b"SEEN" + closing * times))
    with pytest.raises(ParseError, match="deeply"):
        key(opening * (times + 1) + b"SEEN" + closing * (times + 1))


def test_keys_are_bounded_in_number() -> None:
    assert key(b"(" + b"1 " * (MAX_KEYS - 1) + b"SEEN)") == And((ONE,) * (MAX_KEYS - 1) + (SEEN,))
    with pytest.raises(ParseError, match="More than"):
        key(b"(" + b"1 " * MAX_KEYS + b"SEEN)")
