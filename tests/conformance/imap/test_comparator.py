"""COMPARATOR, and what compares by it (RFC 5255 §4, RFC 4790, RFC 5051)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import crlf
from tests.imap_client import ImapClient, Literal

pytestmark = [pytest.mark.rfc("5255", "4.7"), pytest.mark.usefixtures("ours")]

MESSAGES = [
    "From: Éva <eva@example.org>\nSubject: École\nMessage-ID: <1@x>\n\nbody of the école\n",
    "From: eva <Eva@example.org>\nSubject: zebra\nMessage-ID: <2@x>\n\nBODY OF THE ÉCOLE\n",
    "From: x@example.org\nSubject: Zebra\nX-Note: zebra\nMessage-ID: <3@x>\n\n=20 and Straße\n",
    "From: y@example.org\nSubject: école\nMessage-ID: <4@x>\n\nx\n",
]


@pytest.fixture
def letters(inbox: ImapClient) -> ImapClient:
    for text in MESSAGES:
        inbox.append("INBOX", crlf(text))
    inbox.ok("NOOP")
    return inbox


def test_the_active_comparator_is_told(client: ImapClient) -> None:
    assert b"* COMPARATOR i;unicode-casemap\r\n" in client.ok("COMPARATOR").raw


@pytest.mark.parametrize(
    ("arguments", "active", "matching"),
    [
        ("i;octet", "i;octet", []),
        ('"i;octet"', "i;octet", []),
        ("I;OCTET", "i;octet", []),
        ("i;basic i;ascii-casemap", "i;ascii-casemap", []),
        ('"cz;*" i;unicode-casemap', "i;unicode-casemap", []),
        ('"i;*-casemap"', "i;unicode-casemap", ["i;unicode-casemap", "i;ascii-casemap"]),
        ("i;octet *", "i;octet", ["i;unicode-casemap", "i;ascii-casemap", "i;octet"]),
        ("-i;octet", "-i;octet", []),
        ("+i;octet", "i;octet", []),
        ("default", "i;unicode-casemap", []),
    ],
)
def test_the_first_argument_that_matches_wins(
    client: ImapClient, arguments: str, active: str, matching: list[str]
) -> None:
    client.ok("COMPARATOR i;ascii-casemap")
    assert client.ok(f"COMPARATOR {arguments}").one("COMPARATOR") == (active, matching)
    assert client.ok("COMPARATOR").one("COMPARATOR") == (active, [])


@pytest.mark.rfc("5255", "4.9")
def test_what_nobody_knows_is_refused_and_changes_nothing(client: ImapClient) -> None:
    client.ok("COMPARATOR i;octet")
    client.no('COMPARATOR "cz;*" i;ascii-numeric', code="BADCOMPARATOR")
    assert client.ok("COMPARATOR").one("COMPARATOR") == ("i;octet", [])


@pytest.mark.parametrize(
    "arguments", ['""', '"a b"', '"**"', "i;*a*b*c*d*e*f*", "ä", '"i;octet', "(i;octet)", "x" * 300]
)
def test_wrong_arguments_are_bad(client: ImapClient, arguments: str) -> None:
    assert "octet" in client.bad(b"COMPARATOR " + arguments.encode()).text


def search(client: ImapClient, *key: str) -> list[int]:
    return client.ok(
        "SEARCH CHARSET UTF-8", *(Literal(k.encode(), plus=True) if not k.isascii() else k for k in key)
    ).found


@pytest.mark.rfc("5255", "4.2")
def test_search_compares_by_the_active_comparator(letters: ImapClient) -> None:
    assert search(letters, "SUBJECT", "ÉCOLE") == [1, 4]
    assert search(letters, "SUBJECT", "ecole") == []
    assert search(letters, "FROM", "eva") == [1, 2]
    assert search(letters, "BODY", "école") == [1, 2]
    letters.ok("COMPARATOR i;ascii-casemap")
    assert search(letters, "SUBJECT", "École") == [1]
    assert search(letters, "SUBJECT", "ÉCOLE") == [1]
    assert search(letters, "SUBJECT", "zEBRA") == [2, 3]
    assert search(letters, "BODY", "ÉCOLE") == [2]
    letters.ok("COMPARATOR i;octet")
    assert search(letters, "SUBJECT", "Zebra") == [3]
    assert search(letters, "NOT SUBJECT", "Zebra") == [1, 2, 4]
    assert search(letters, "HEADER X-Note", "zebra") == [3]
    assert search(letters, "HEADER X-Note", "Zebra") == []
    assert search(letters, 'HEADER X-Note ""') == [3]
    assert search(letters, "TEXT", "Zebra") == [3]
    assert search(letters, "FROM", "Eva") == [2]
    assert search(letters, "OR BODY", "école", "SUBJECT", "école") == [1, 4]
    letters.ok("COMPARATOR default")
    assert search(letters, "FROM", "Eva") == [1, 2]


@pytest.mark.rfc("5051", "2")
def test_a_letter_is_found_in_itself_with_an_accent(letters: ImapClient) -> None:
    """Texts are decomposed, and then a substring is looked for"""
    assert search(letters, "SUBJECT", "e") == [1, 2, 3, 4]
    assert search(letters, "BODY", "strasse") == [3]


@pytest.mark.rfc("5255", "4.2")
@pytest.mark.parametrize(
    ("comparator", "order", "threads"),
    [
        ("i;unicode-casemap", [1, 4, 2, 3], b"(1 4)(2 3)"),
        ("i;ascii-casemap", [2, 3, 1, 4], b"(1)(2 3)(4)"),
        ("i;octet", [3, 2, 1, 4], b"(1)(2)(3)(4)"),
        ("-i;octet", [4, 1, 2, 3], b"(1)(2)(3)(4)"),
    ],
)
def test_sort_and_thread_compare_by_the_active_comparator(
    letters: ImapClient, comparator: str, order: list[int], threads: bytes
) -> None:
    letters.ok(f"COMPARATOR {comparator}")
    assert letters.ok("SORT (SUBJECT) UTF-8 ALL").one("SORT")["numbers"] == order
    assert b"* THREAD " + threads + b"\r\n" in letters.ok("THREAD ORDEREDSUBJECT UTF-8 ALL").raw


def test_each_connection_has_its_own(letters: ImapClient, second: ImapClient) -> None:
    letters.ok("COMPARATOR i;octet")
    assert second.ok("COMPARATOR").one("COMPARATOR") == ("i;unicode-casemap", [])
