"""FUZZY in SEARCH and SORT, and how well messages fit (RFC 6203)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import crlf
from tests.imap_client import ImapClient

pytestmark = [pytest.mark.rfc("6203", "3"), pytest.mark.usefixtures("ours")]

MESSAGES = [
    ("Subject: IMAP break\nFrom: ann@example.org\n\nnothing\n", "01-Jan-2024"),
    ("Subject: The breaks of IMAP\nFrom: bob@example.org\n\nnothing\n", "02-Jan-2024"),
    ("Subject: breaking news\nFrom: bob@example.org\n\nimap break imap\n", "03-Jan-2024"),
    ("Subject: lunch\nFrom: ann@example.org\n\nWe break for lunch, says IMAP.\n", "04-Jan-2024"),
    ("Subject: lunch\nFrom: ann@example.org\n\nimap only\n", "08-Jan-2024"),
]


@pytest.fixture
def box(inbox: ImapClient) -> ImapClient:
    for text, day in MESSAGES:
        inbox.append("INBOX", crlf(text), "()", f'"{day} 12:00:00 +0000"')
    inbox.ok("NOOP")
    return inbox


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ('FUZZY (SUBJECT "IMAP break")', [1, 2]),
        ('FUZZY SUBJECT "breaking"', [1, 2, 3]),
        ('FUZZY SUBJECT "break" FROM bob', [2, 3]),
        ('FUZZY TEXT "break IMAP"', [1, 2, 3, 4]),
        ('FUZZY BODY "breaks"', [3, 4]),
        ('FUZZY OR SUBJECT "lunches" BODY "breaks"', [3, 4, 5]),
        ('NOT FUZZY SUBJECT "IMAP break"', [3, 4, 5]),
        ('FUZZY NOT SUBJECT "breaks"', [1, 3, 4, 5]),
        ("FUZZY FUZZY SEEN", []),
        ("FUZZY 2:3", [2, 3]),
        ("FUZZY (SINCE 4-Jan-2024 BEFORE 5-Jan-2024)", [1, 2, 3, 4]),
        ('FUZZY SUBJECT ""', [1, 2, 3, 4, 5]),
        ('FUZZY TEXT "?!"', []),
        ("FUZZY HEADER Subject lunched", [4, 5]),
    ],
)
def test_what_fits_more_or_less_is_found(box: ImapClient, key: str, found: list[int]) -> None:
    assert box.ok(f"SEARCH {key}").found == found


@pytest.mark.rfc("6203", "4")
def test_scores_are_told_in_the_order_of_the_results(box: ImapClient) -> None:
    data = box.ok('SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT "imap break"').one("ESEARCH")
    assert data["ALL"] == [1, 2, 3, 4]
    one, two, three, four = data["RELEVANCY"]
    assert 100 == one > two > four >= 1
    assert three > four


def test_a_score_is_told_where_only_a_part_is_fuzzy_and_where_nothing_can_be(box: ImapClient) -> None:
    data = box.ok('SEARCH RETURN (RELEVANCY ALL) FUZZY SUBJECT "imap break" FROM bob').one("ESEARCH")
    assert (data["ALL"], len(data["RELEVANCY"])) == ([2], 1)
    data = box.ok("SEARCH RETURN (RELEVANCY ALL) FUZZY 1:2").one("ESEARCH")
    assert data["RELEVANCY"] == [100, 100]
    data = box.ok("SEARCH RETURN (RELEVANCY ALL) FUZZY SUBJECT nothing").one("ESEARCH")
    assert data["RELEVANCY"] == []
    data = box.ok("SEARCH RETURN (RELEVANCY ALL) FUZZY SINCE 4-Jan-2024").one("ESEARCH")
    assert (data["ALL"], data["RELEVANCY"]) == ([1, 2, 3, 4, 5], [1, 1, 1, 100, 100])
    data = box.ok("SEARCH RETURN (RELEVANCY ALL) FUZZY OR SUBJECT imap BODY only").one("ESEARCH")
    assert data["ALL"] == [1, 2, 5]


def test_a_page_has_the_scores_of_a_page(box: ImapClient) -> None:
    data = box.ok('SORT RETURN (RELEVANCY PARTIAL 1:2) (RELEVANCY) UTF-8 FUZZY TEXT "imap break"').one("ESEARCH")
    assert data["PARTIAL"][1][0] == 1
    assert len(data["RELEVANCY"]) == 2
    assert data["RELEVANCY"][0] == 100


@pytest.mark.rfc("6203", "6")
def test_the_best_come_first_in_a_sort_by_relevancy(box: ImapClient) -> None:
    numbers = box.ok('SORT (RELEVANCY) UTF-8 FUZZY TEXT "imap break"').one("SORT")["numbers"]
    assert (numbers[0], numbers[-1]) == (1, 4)
    data = box.ok('SORT RETURN (RELEVANCY ALL) (RELEVANCY) UTF-8 FUZZY TEXT "imap break"').one("ESEARCH")
    assert data["ALL"] == numbers
    assert data["RELEVANCY"] == sorted(data["RELEVANCY"], reverse=True)
    data = box.ok('SORT RETURN (RELEVANCY) (REVERSE RELEVANCY DATE) UTF-8 FUZZY TEXT "imap break"').one("ESEARCH")
    assert data["RELEVANCY"] == sorted(data["RELEVANCY"])


@pytest.mark.parametrize(
    "command",
    [
        "SEARCH FUZZY",
        "SEARCH FUZZY )",
        "SEARCH RETURN (RELEVANCY) ALL",
        "SORT (RELEVANCY) UTF-8 ALL",
        "SORT RETURN (RELEVANCY) (DATE) UTF-8 ALL",
    ],
)
def test_relevancy_needs_a_fuzzy_key(box: ImapClient, command: str) -> None:
    assert "octet" in box.bad(command).text


def test_a_fuzzy_search_for_a_thousand_words_is_answered(box: ImapClient) -> None:
    """RFC 6203 §8: long keys"""
    words = " ".join(f"w{n}" for n in range(3000))
    assert box.ok(f'SEARCH FUZZY TEXT "{words}"').found == []
    assert box.ok(f'SEARCH FUZZY TEXT "{"imap " * 5000}"').found == [1, 2, 3, 4, 5]
