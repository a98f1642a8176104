"""SORT and UID SORT (RFC 5256, RFC 5957, RFC 5267 §3)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import crlf
from tests.imap_client import ImapClient

pytestmark = [pytest.mark.rfc("5256", "3"), pytest.mark.usefixtures("ours")]

MESSAGES = [  # header, internal date, octets of body
    (
        "From: Zoe <b@example.org>\nTo: x@example.org\nCc: c@example.org\nSubject: Re: beta\n"
        "Date: Mon, 1 Jan 2024 23:30:00 -0500\n",
        "03-Jan-2024 00:00:00 +0000",
        1000,
    ),
    (
        "From: =?utf-8?q?=C3=84nne?= <c@example.org>\nTo: Bob <y@example.org>\nSubject: Alpha\n"
        "Date: Tue, 2 Jan 2024 04:00:00 +0000\n",
        "02-Jan-2024 00:00:00 +0000",
        3000,
    ),
    ("From: A@example.org\nSubject: =?utf-8?q?=C3=A4tsch?=\nDate: nobody knows\n", "01-Jan-2024 00:00:00 +0000", 200),
    ("Subject: [list] BETA (fwd)\nDate: Tue, 2 Jan 2024 04:40:00 +0000\n", "01-Jan-2024 00:00:00 +0000", 500),
    ("Subject: Re:\n", "05-Jan-2024 00:00:00 +0000", 0),
]


@pytest.fixture
def sorted_box(inbox: ImapClient) -> ImapClient:
    for header, date, size in MESSAGES:
        inbox.append("INBOX", crlf(header) + b"\r\n" + b"x" * size, "()", f'"{date}"')
    inbox.ok("NOOP")
    return inbox


def numbers(client: ImapClient, program: str, key: str = "ALL") -> list[int]:
    found: list[int] = client.ok(f"SORT ({program}) UTF-8 {key}").one("SORT")["numbers"]
    return found


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("ARRIVAL", [3, 4, 2, 1, 5]),
        ("REVERSE ARRIVAL", [5, 1, 2, 3, 4]),  # equal ones in the order of the mailbox all the same
        ("DATE", [3, 2, 1, 4, 5]),  # by the moment, in UTC; the internal date where there is none
        ("SIZE", [5, 3, 4, 1, 2]),
        ("SUBJECT", [5, 2, 3, 1, 4]),
        ("REVERSE SUBJECT", [1, 4, 3, 2, 5]),
        ("SUBJECT REVERSE DATE", [5, 2, 3, 4, 1]),
        ("FROM", [4, 5, 3, 1, 2]),
        ("TO", [3, 4, 5, 1, 2]),
        ("CC", [2, 3, 4, 5, 1]),
        ("DISPLAYFROM", [4, 5, 3, 2, 1]),  # a@example.org, Änne, Zoe
        ("DISPLAYTO", [3, 4, 5, 2, 1]),
        ("reverse displayto", [1, 2, 3, 4, 5]),
    ],
)
def test_keys(sorted_box: ImapClient, program: str, expected: list[int]) -> None:
    assert numbers(sorted_box, program) == expected
    assert numbers(sorted_box, program) == expected


def test_only_what_matches_is_sorted(sorted_box: ImapClient) -> None:
    assert numbers(sorted_box, "REVERSE ARRIVAL", "SUBJECT beta") == [1, 4]
    assert numbers(sorted_box, "ARRIVAL", "1:3") == [3, 2, 1]


def test_uid_sort_answers_uids(sorted_box: ImapClient) -> None:
    sorted_box.ok("FETCH 1:* UID")
    uids = sorted_box.uids
    assert sorted_box.ok("UID SORT (SIZE) US-ASCII ALL").one("SORT")["numbers"] == [
        uids[n - 1] for n in (5, 3, 4, 1, 2)
    ]


def test_nothing_found_is_still_answered(sorted_box: ImapClient) -> None:
    """RFC 5256 §3: the third example"""
    assert b"* SORT\r\n" in sorted_box.ok('SORT (SUBJECT) US-ASCII TEXT "not in mailbox"').raw


def test_what_is_appended_finds_its_place(sorted_box: ImapClient) -> None:
    assert numbers(sorted_box, "SUBJECT") == [5, 2, 3, 1, 4]
    sorted_box.append("INBOX", b"Subject: [x] re: aab\r\n\r\n", "()")
    sorted_box.ok("NOOP")
    assert numbers(sorted_box, "SUBJECT") == [5, 6, 2, 3, 1, 4]


def test_what_is_expunged_leaves_the_others_where_they_are(sorted_box: ImapClient) -> None:
    assert numbers(sorted_box, "SUBJECT DATE") == [5, 2, 3, 1, 4]
    sorted_box.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    sorted_box.ok("EXPUNGE")
    assert numbers(sorted_box, "SUBJECT DATE") == [4, 2, 1, 3]


def test_messages_expunged_by_another_session_keep_their_numbers_while_sort_runs(
    sorted_box: ImapClient, second: ImapClient
) -> None:
    """RFC 5256 §3: EXPUNGE not during SORT, but during UID SORT"""
    second.ok("SELECT INBOX")
    second.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    second.ok("EXPUNGE")
    reply = sorted_box.ok("SORT (SIZE) UTF-8 ALL")
    assert reply.one("SORT")["numbers"] == [5, 3, 4, 2]
    assert reply.expunged == []
    assert sorted_box.ok("UID SORT (SIZE) UTF-8 ALL").expunged == [1]


@pytest.mark.rfc("5256", "3")
@pytest.mark.parametrize("command", ["SORT (DATE)", "THREAD REFERENCES"])
def test_an_unknown_charset_is_refused_with_those_that_are_known(sorted_box: ImapClient, command: str) -> None:
    reply = sorted_box.no(f"{command} KLINGON SUBJECT x")
    assert reply.code is not None
    assert reply.code.name == "BADCHARSET"


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "(SUBJECT)",
        "(SUBJECT) UTF-8",
        "() UTF-8 ALL",
        "SUBJECT UTF-8 ALL",
        "(SUBJEKT) UTF-8 ALL",
        "(REVERSE) UTF-8 ALL",
        "(REVERSE REVERSE DATE) UTF-8 ALL",
        "(SUBJECT UTF-8 ALL",
        "(SUBJECT) UTF-8 NOSUCHKEY",
        "(SUBJECT  DATE) UTF-8 ALL",
        "RETURN (ALL) UTF-8 ALL",
        "RETURN (NONSENSE) (DATE) UTF-8 ALL",
        "(" + " ".join(["DATE"] * 33) + ") UTF-8 ALL",
    ],
)
def test_wrong_arguments_are_bad(sorted_box: ImapClient, arguments: str) -> None:
    assert "octet" in sorted_box.bad(f"SORT {arguments}".rstrip()).text


@pytest.mark.rfc("5267", "3")
def test_esort_returns_what_it_is_asked_for_in_the_order_of_the_sort(sorted_box: ImapClient) -> None:
    data = sorted_box.ok("SORT RETURN (MIN MAX ALL COUNT) (SIZE) UTF-8 ALL").one("ESEARCH")
    assert (data["MIN"], data["MAX"], data["ALL"], data["COUNT"]) == (5, 2, [5, 3, 4, 1, 2], 5)


@pytest.mark.rfc("5267", "3.3")
def test_an_empty_list_of_options_is_all_and_ranges_ascend(sorted_box: ImapClient) -> None:
    raw = sorted_box.ok("UID SORT RETURN () (SIZE) UTF-8 1:5").raw
    assert b" UID ALL " in raw
    raw = sorted_box.ok("SORT RETURN () (REVERSE DISPLAYTO) UTF-8 ALL").raw
    assert b" ALL 1:5\r\n" in raw
    raw = sorted_box.ok("SORT RETURN () (REVERSE ARRIVAL) UTF-8 1,2,5").raw
    assert b" ALL 5,1:2\r\n" in raw


@pytest.mark.rfc("9394", "3")
def test_a_page_of_a_sort(sorted_box: ImapClient) -> None:
    data = sorted_box.ok("SORT RETURN (PARTIAL 2:3 COUNT) (SIZE) UTF-8 ALL").one("ESEARCH")
    assert (data["PARTIAL"], data["COUNT"]) == (("2:3", [3, 4]), 5)
    data = sorted_box.ok("SORT RETURN (PARTIAL -1:-2) (SIZE) UTF-8 ALL").one("ESEARCH")
    assert data["PARTIAL"] == ("-1:-2", [1, 2])


@pytest.mark.rfc("5182", "2.1")
def test_a_sort_can_be_saved(sorted_box: ImapClient) -> None:
    sorted_box.ok("SORT RETURN (SAVE) (SIZE) UTF-8 SUBJECT beta")
    assert sorted_box.ok("SEARCH $").found == [1, 4]
    sorted_box.ok("SORT RETURN (SAVE MAX) (SIZE) UTF-8 ALL")
    assert sorted_box.ok("SEARCH $").found == [2]


@pytest.mark.rfc("7162", "3.1.5")
def test_a_modseq_key_makes_the_answer_tell_the_highest(sorted_box: ImapClient) -> None:
    data = sorted_box.ok("SORT (SIZE) UTF-8 MODSEQ 1").one("SORT")
    assert data["numbers"] == [5, 3, 4, 1, 2]
    assert data["MODSEQ"] > 1


def test_what_is_gone_from_the_mailbox_is_sorted_in_none(inbox: ImapClient) -> None:
    assert b"* SORT\r\n" in inbox.ok("SORT (SUBJECT DATE) UTF-8 ALL").raw
    assert b"* THREAD\r\n" in inbox.ok("THREAD REFERENCES UTF-8 ALL").raw
