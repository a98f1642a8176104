"""Grammar of SORT, THREAD, COMPARATOR and LANGUAGE."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.imap.wire.feeding import PARSERS

from mailkeep.imap.wire import command
from mailkeep.imap.wire.comparator import ComparatorOrder
from mailkeep.imap.wire.framing import Raw
from mailkeep.imap.wire.lexer import ParseError
from mailkeep.imap.wire.search import All, Fuzzy, Header, Not, Search
from mailkeep.imap.wire.search_return import Partial, Return, Returns
from mailkeep.imap.wire.sort import Criterion, Sort, SortKey
from mailkeep.imap.wire.thread import Algorithm, Thread


def parse(text: bytes, off: frozenset[str] = frozenset()) -> Any:
    head = command.parse(Raw(b"a " + text), off=off)
    return PARSERS[head.name](head.args)


ALL = Search(key=All(), returns=None, uid=False)


def test_a_sort_has_criteria_in_order_and_a_program() -> None:
    assert parse(b"SORT (SUBJECT reverse Date) utf-8 ALL") == Sort(
        criteria=(Criterion(SortKey.SUBJECT), Criterion(SortKey.DATE, reverse=True)), returns=None, search=ALL
    )


@pytest.mark.parametrize(
    ("text", "returns"),
    [
        (b"RETURN () ", Returns(Return.ALL)),
        (b"RETURN (MIN COUNT) ", Returns(Return.MIN | Return.COUNT)),
        (b"RETURN (PARTIAL 1:3) ", Returns(Return.PARTIAL, Partial(b"1:3", 1, 3))),
    ],
)
def test_an_extended_sort_has_return_options(text: bytes, returns: Returns) -> None:
    assert parse(b"SORT %b(SIZE) UTF-8 ALL" % text).returns == returns


def test_uid_forms_say_so() -> None:
    assert parse(b"UID SORT (SIZE) UTF-8 ALL").search.uid
    assert parse(b"UID THREAD REFS UTF-8 ALL") == Thread(
        algorithm=Algorithm.REFS, search=Search(key=All(), returns=None, uid=True)
    )


def test_the_program_is_not_read_in_an_unknown_charset() -> None:
    assert not parse(b"SORT (SIZE) KLINGON \xff").search.charset_known
    assert not parse(b"THREAD REFS KLINGON \xff").search.charset_known


@pytest.mark.parametrize(
    ("text", "off"),
    [
        (b"SORT (DISPLAYFROM) UTF-8 ALL", "SORT=DISPLAY"),
        (b"SORT RETURN () (DATE) UTF-8 ALL", "ESORT"),
        (b"SORT (RELEVANCY) UTF-8 FUZZY ALL", "SEARCH=FUZZY"),
        (b"SEARCH FUZZY ALL", "SEARCH=FUZZY"),
        (b"THREAD REFS UTF-8 ALL", "THREAD=REFS"),
    ],
)
def test_what_is_switched_off_is_not_understood(text: bytes, off: str) -> None:
    parse(text)
    with pytest.raises(ParseError):
        parse(text, frozenset({off}))


@pytest.mark.rfc("6203", "7")
def test_fuzzy_takes_one_key() -> None:
    work, ann = Header("Subject", "work"), Header("From", "ann")
    assert parse(b"SEARCH FUZZY SUBJECT work FROM ann").key.keys == (Fuzzy(work), ann)
    assert parse(b"SEARCH FUZZY (SUBJECT work FROM ann)").key.key.keys == (work, ann)
    assert parse(b"SEARCH FUZZY FUZZY SUBJECT work").key == Fuzzy(work)
    assert parse(b"SEARCH NOT FUZZY NOT SUBJECT work").key == Not(Fuzzy(Not(work)))


@pytest.mark.rfc("4790", "3.2")
@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "i;octet", True),
        ("i;*", "i;octet", True),
        ("i;*-casemap", "i;ascii-casemap", True),
        ("i;*-casemap", "i;octet", False),
        ("I;Octet", "i;octet", True),
        ("i.octet", "i;octet", False),
        ("", "i;octet", False),
    ],
)
def test_wildcards_of_comparators(pattern: str, name: str, matches: bool) -> None:
    assert ComparatorOrder(pattern).matches(name) is matches


def test_comparators_and_languages_are_lists_that_may_be_empty() -> None:
    assert parse(b"COMPARATOR") == ()
    assert parse(b'COMPARATOR -i;octet "cz;*"') == (ComparatorOrder("i;octet", reverse=True), ComparatorOrder("cz;*"))
    assert parse(b"LANGUAGE") == ()
    assert parse(b'LANGUAGE FR-CA "en" *') == ("fr-ca", "en", "*")
