"""THREAD and UID THREAD (RFC 5256, draft-ietf-morg-inthread §4)."""

from __future__ import annotations

import pytest
from tests.imap_client import ImapClient, Literal

pytestmark = [pytest.mark.rfc("5256", "3"), pytest.mark.usefixtures("ours")]


def letter(subject: str, day: int, own: str = "", references: str = "", answers: str = "") -> bytes:
    lines = [f"Subject: {subject}", f"Date: {day} Jan 2024 12:00:00 +0000"]
    lines += [f"Message-ID: <{own}@x>"] if own else []
    lines += ["References: " + " ".join(f"<{each}@x>" for each in references.split())] if references else []
    lines += [f"In-Reply-To: <{answers}@x>"] if answers else []
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


LETTERS = [  # and the day of arrival
    (letter("plan", 1, "a"), 9),
    (letter("other", 2, "b"), 2),
    (letter("Re: plan", 3, "c", "a"), 3),
    (letter("Re: plan", 4, "d", "a c"), 4),
    (letter("Re: plan", 5, "e", answers="a"), 5),
    (letter("Re: other", 6, "f"), 6),
    (letter("lost", 7, "g", "nobody"), 7),
    (letter("lost too", 8, "h", "nobody"), 8),
]


@pytest.fixture
def threads(inbox: ImapClient) -> ImapClient:
    for octets, day in LETTERS:
        inbox.append("INBOX", octets, "()", f'"{day:02d}-Feb-2024 00:00:00 +0000"')
    inbox.ok("NOOP")
    return inbox


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("ORDEREDSUBJECT", "(1 (3)(4)(5))(2 6)(7)(8)"),
        ("REFERENCES", "(1 (3 4)(5))(2 6)((7)(8))"),
        ("REFS", "(2)(6)((7)(8))(1 (3 4)(5))"),
        ("references", "(1 (3 4)(5))(2 6)((7)(8))"),
    ],
)
def test_algorithms(threads: ImapClient, algorithm: str, expected: str) -> None:
    for _ in range(2):
        raw = threads.ok(f"THREAD {algorithm} UTF-8 ALL").raw
        assert f"* THREAD {expected}\r\n".encode() in raw


def test_what_does_not_match_is_as_if_it_were_not_there(threads: ImapClient) -> None:
    """RFC 5256 §4: siblings of a parent that does not match"""
    assert b"* THREAD ((3 4)(5))\r\n" in threads.ok("THREAD REFERENCES UTF-8 3:5").raw
    assert b"* THREAD (3 4)\r\n" in threads.ok("THREAD REFERENCES UTF-8 3:4").raw
    assert b"* THREAD\r\n" in threads.ok('THREAD ORDEREDSUBJECT US-ASCII TEXT "gewp"').raw


def test_the_thread_of_the_rfc(inbox: ImapClient) -> None:
    """RFC 5256 §4: (2)(3 6 (4 23)(44 7 96)), its numbers in the order of a mailbox: 2 3 4 6 7 23 44 96"""
    parents = {"2": "", "3": "", "4": "6", "6": "3", "7": "44", "23": "4", "44": "6", "96": "7"}
    days = {"2": 1, "3": 2, "6": 3, "4": 4, "23": 5, "44": 6, "7": 7, "96": 8}
    for own, parent in parents.items():
        inbox.append("INBOX", letter(f"subject {own}", days[own], own, parent))
    inbox.ok("NOOP")
    assert b"* THREAD (1)(2 4 (3 6)(7 5 8))\r\n" in inbox.ok("THREAD REFERENCES UTF-8 ALL").raw


def test_uid_thread_answers_uids(threads: ImapClient) -> None:
    threads.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    threads.ok("EXPUNGE")
    threads.ok("FETCH 1:* UID")
    a, c, d, e, f, g, h = threads.uids
    assert threads.ok("UID THREAD REFERENCES UTF-8 ALL").one("THREAD") == [[a, [c, d], [e]], [f], [[g], [h]]]
    assert threads.ok("THREAD REFERENCES UTF-8 ALL").one("THREAD") == [[1, [2, 3], [4]], [5], [[6], [7]]]


def test_an_answer_that_comes_joins_its_thread(threads: ImapClient) -> None:
    threads.ok("THREAD REFS UTF-8 ALL")
    threads.append("INBOX", letter("Re: other", 9, "i", "b"), "()", '"20-Feb-2024 00:00:00 +0000"')
    threads.ok("NOOP")
    assert b"* THREAD (6)((7)(8))(1 (3 4)(5))(2 9)\r\n" in threads.ok("THREAD REFS UTF-8 ALL").raw


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "REFERENCES",
        "REFERENCES UTF-8",
        "REFERENCE UTF-8 ALL",
        "(REFERENCES) UTF-8 ALL",
        "REFERENCES UTF-8 NOSUCHKEY",
        "RETURN (ALL) REFERENCES UTF-8 ALL",
    ],
)
def test_wrong_arguments_are_bad(threads: ImapClient, arguments: str) -> None:
    assert "octet" in threads.bad(f"THREAD {arguments}".rstrip()).text


def test_a_thread_5_000_deep_comes_back_in_one_line(inbox: ImapClient) -> None:
    """trap 53"""
    many = 5000
    for start in range(0, many, 500):
        mails = [letter("deep", 1, str(n), str(n - 1)) for n in range(start, start + 500)]
        inbox.ok('APPEND "INBOX"', *(Literal(mail, plus=True) for mail in mails))
    inbox.ok("NOOP")
    [[*members]] = inbox.ok("THREAD REFERENCES UTF-8 ALL").one("THREAD")
    assert members == list(range(1, many + 1))


def test_loops_doubles_and_long_headers_are_answered(inbox: ImapClient) -> None:
    """trap 53"""
    inbox.append("INBOX", letter("a", 1, "1", "2 3"))
    inbox.append("INBOX", letter("b", 2, "2", "3 1"))
    inbox.append("INBOX", letter("c", 3, "3", "1 2"))
    inbox.append("INBOX", letter("d", 4, "1", "1"))
    inbox.append("INBOX", letter("e", 5, "5", " ".join(map(str, range(9000)))))
    inbox.append("INBOX", letter("Re: " * 20_000 + "f", 6, "6"))
    inbox.ok("NOOP")
    for algorithm in ("ORDEREDSUBJECT", "REFERENCES", "REFS"):
        told = repr(inbox.ok(f"THREAD {algorithm} UTF-8 ALL").one("THREAD"))
        assert all(str(number) in told for number in range(1, 7))
