"""SEARCH and UID SEARCH (RFC 9051 §6.4.4, RFC 4731, RFC 5182, RFC 5032)."""

from __future__ import annotations

import base64
import quopri

import pytest
from tests.conformance.imap.messages import crlf, simple_message
from tests.imap_client import ImapClient, Literal

pytestmark = pytest.mark.rfc("9051", "6.4.4")


def message(headers: str, body: bytes) -> bytes:
    return crlf(headers) + b"\r\n" + body


MESSAGES = [
    (
        message(
            (
                "From: Ann Example <ann@example.org>\nTo: bob@example.net\n"
                "Subject: Quarterly report\nDate: Mon, 1 Jan 2024 23:30:00 -0500\n"
                "Message-ID: <1@x>\n"
            ),
            b"plain words here\r\n",
        ),
        "(\\Seen)",
        "10-Jan-2024 12:00:00 +0000",
    ),
    (
        message(
            (
                "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>\n"
                "Cc: ann@example.org\nSubject: =?utf-8?B?R3LDtsOfZQ==?= matters\n"
                "Date: Tue, 2 Jan 2024 00:30:00 +0900\n"
            ),
            b"more\r\n",
        ),
        "(\\Flagged $Junk)",
        "11-Jan-2024 00:00:01 +0000",
    ),
    (
        message(
            (
                "From: c@example.org\nSubject: encoded\nContent-Type: text/plain; "
                "charset=utf-8\nContent-Transfer-Encoding: base64\n"
            ),
            base64.encodebytes("Zażółć gęślą jaźń".encode()).replace(b"\n", b"\r\n"),
        ),
        "(\\Answered \\Seen)",
        "12-Jan-2024 23:59:59 +0000",
    ),
    (
        message(
            (
                "From: d@example.org\nSubject: latin\nContent-Type: text/plain; "
                "charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n"
            ),
            quopri.encodestring("Die Straße ist naß und sehr weit weg".encode("latin-1")),
        ),
        "(\\Deleted)",
        "13-Jan-2024 12:00:00 +0000",
    ),
    (
        message(
            ("From: e@example.org\nBcc: hidden@example.org\nSubject: \nX-Empty:\nX-Folded: one\n two\n"),
            b"x" * 5000 + b"\r\n",
        ),
        "(\\Draft)",
        "14-Jan-2024 12:00:00 +0000",
    ),
    (
        message(
            ("From: f@example.org\nSubject: parts\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"),
            (
                b"--b\r\nContent-Type: text/plain\r\n\r\nfirst needle\r\n"
                b"--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: "
                b"base64\r\n\r\n"
            )
            + base64.b64encode(b"<p>second haystack</p>")
            + b"\r\n--b--\r\n",
        ),
        "()",
        "15-Jan-2024 12:00:00 +0000",
    ),
]


def argument(word: str) -> str | Literal:
    """A word of a search key; 8-bit goes as a literal (RFC 3501 §9)."""
    return word if word.isascii() else Literal(word.encode(), plus=True)


@pytest.fixture
def searched(inbox: ImapClient) -> ImapClient:
    for octets, flags, date in MESSAGES:
        inbox.append("INBOX", octets, flags, f'"{date}"')
    inbox.ok("NOOP")
    return inbox


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("ALL", [1, 2, 3, 4, 5, 6]),
        ("SEEN", [1, 3]), ("UNSEEN", [2, 4, 5, 6]), ("FLAGGED", [2]), ("UNFLAGGED", [1, 3, 4, 5, 6]),
        ("ANSWERED", [3]), ("UNANSWERED", [1, 2, 4, 5, 6]), ("DELETED", [4]), ("UNDELETED", [1, 2, 3, 5, 6]),
        ("DRAFT", [5]), ("UNDRAFT", [1, 2, 3, 4, 6]), ("KEYWORD $Junk", [2]), ("KEYWORD $JUNK", [2]),
        ("UNKEYWORD $Junk", [1, 3, 4, 5, 6]), ("KEYWORD NeverSeen", []), ("UNKEYWORD NeverSeen", [1, 2, 3, 4, 5, 6]),
        ("BEFORE 12-Jan-2024", [1, 2]), ("ON 12-Jan-2024", [3]), ("SINCE 12-Jan-2024", [3, 4, 5, 6]),
        ("SENTBEFORE 2-Jan-2024", [1]), ("SENTON 1-Jan-2024", [1]), ("SENTON 2-Jan-2024", [2]),
        ("SENTSINCE 2-Jan-2024", [2]), ('BEFORE "12-Jan-2024"', [1, 2]),
        ("LARGER 5000", [5]), ("SMALLER 200", None),
        ("FROM ann", [1]), ("FROM ANN@EXAMPLE", [1]), ("FROM Jürgen", [2]), ("TO bob", [1]), ("CC ann", [2]),
        ("BCC hidden", [5]), ("SUBJECT report", [1]), ("SUBJECT GRÖSSE", [2]), ("SUBJECT größe", [2]),
        ("TEXT ann@example", [1, 2]), ("BODY words", [1]), ("BODY zażółć", [3]), ("BODY ZAŻÓŁĆ", [3]),
        ("BODY straße", [4]), ("BODY needle", [6]), ("BODY haystack", [6]), ("BODY ann@example", []),
        ("TEXT needle", [6]), ('BODY "words here"', [1]), ('BODY "sehr weit"', [4]), ("BODY ord", [1]),
        ("HEADER X-Empty \"\"", [5]), ('HEADER Message-ID ""', [1]), ("HEADER Message-ID <1@", [1]),
        ('HEADER X-Folded "one two"', [5]), ("HEADER No-Such x", []), ('SUBJECT ""', [1, 2, 3, 4, 5, 6]),
        ("NOT SEEN", [2, 4, 5, 6]), ("OR SEEN FLAGGED", [1, 2, 3]), ("NOT OR SEEN FLAGGED", [4, 5, 6]),
        ("(SEEN ANSWERED)", [3]), ("SEEN NOT ANSWERED", [1]), ("OR (SEEN ANSWERED) (FLAGGED KEYWORD $Junk)", [2, 3]),
        ("2:4", [2, 3, 4]), ("4:2", [2, 3, 4]), ("*", [6]), ("1,3,5", [1, 3, 5]), ("2:* UNSEEN", [2, 4, 5, 6]),
        ("NOT 1:3", [4, 5, 6]), ("NEW", None), ("OLD", None), ("RECENT", None),
        ("OLDER 86400", [1, 2, 3, 4, 5, 6]), ("YOUNGER 86400", []),
    ],
    ids=lambda value: value.replace(" ", "_") if isinstance(value, str) else "",
)  # fmt: skip
def test_keys(searched: ImapClient, key: str, found: list[int] | None) -> None:
    """trap 28: decoded, case folded; SENT* by the header's own date"""
    reply = searched.ok("SEARCH CHARSET UTF-8", *map(argument, key.split(" ")))
    if found is not None:
        assert reply.found == found


def test_uid_search_answers_uids_of_the_same_messages(searched: ImapClient) -> None:
    searched.ok("FETCH 1:* UID")
    assert searched.ok("UID SEARCH 2:3").found == searched.uids[1:3]
    assert searched.ok(f"SEARCH UID {searched.uids[4]}").found == [5]


def test_nothing_found_is_still_answered(searched: ImapClient) -> None:
    """trap 17"""
    assert b"* SEARCH\r\n" in searched.ok("SEARCH KEYWORD NeverSeen").raw


def test_esearch_names_the_tag_in_a_quoted_string(searched: ImapClient) -> None:
    """trap 17: byte for byte"""
    searched.send(b"a1 SEARCH RETURN (ALL) FLAGGED\r\n")
    assert searched.read_raw() == b'* ESEARCH (TAG "a1") ALL 2\r\n'
    searched.finish("a1")


def test_esearch_of_uids_says_so(searched: ImapClient) -> None:
    """trap 17"""
    data = searched.ok("UID SEARCH RETURN (COUNT) ALL").one("ESEARCH")
    assert data["UID"]
    assert data["COUNT"] == 6


def test_esearch_that_finds_nothing_has_only_a_count(searched: ImapClient) -> None:
    """trap 17; RFC 9051 §6.4.4: MIN, MAX and ALL are left out"""
    data = searched.ok("SEARCH RETURN (MIN MAX ALL COUNT) KEYWORD NeverSeen").one("ESEARCH")
    assert {name: value for name, value in data.items() if name != "TAG"} == {"COUNT": 0}


def test_all_results_at_once(searched: ImapClient) -> None:
    data = searched.ok("SEARCH RETURN (MIN MAX ALL COUNT) UNSEEN").one("ESEARCH")
    assert (data["MIN"], data["MAX"], data["ALL"], data["COUNT"]) == (2, 6, [2, 4, 5, 6], 4)


@pytest.mark.rfc("9394", "3")
@pytest.mark.usefixtures("ours")
class TestPartial:
    """RFC 9394 §3.1, §3.2.  The unseen are 2, 4, 5, 6."""

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ("1:2", [2, 4]), ("3:3", [5]), ("2:1", [2, 4]), ("3:10", [5, 6]), ("5:9", []),
            ("-1:-2", [5, 6]), ("-2:-1", [5, 6]), ("-4:-100", [2]), ("-5:-9", []),
        ],
    )  # fmt: skip
    def test_the_results_at_those_places_are_told(self, searched: ImapClient, asked: str, found: list[int]) -> None:
        assert searched.ok(f"SEARCH RETURN (PARTIAL {asked}) UNSEEN").one("ESEARCH")["PARTIAL"] == (asked, found)

    def test_of_no_result_at_all_it_is_nil_byte_for_byte(self, searched: ImapClient) -> None:
        searched.send(b"a1 UID SEARCH RETURN (PARTIAL -1:-100) KEYWORD NeverSeen\r\n")
        assert searched.read_raw() == b'* ESEARCH (TAG "a1") UID PARTIAL (-1:-100 NIL)\r\n'
        searched.finish("a1")

    def test_other_options_are_about_all_results(self, searched: ImapClient) -> None:
        data = searched.ok("SEARCH RETURN (PARTIAL 2:3 MIN MAX COUNT) UNSEEN").one("ESEARCH")
        assert (data["PARTIAL"], data["MIN"], data["MAX"], data["COUNT"]) == (("2:3", [4, 5]), 2, 6, 4)

    @pytest.mark.parametrize(
        ("options", "saved"),
        [
            ("PARTIAL 2:3", [4, 5]), ("PARTIAL 2:3 MIN", [2, 4, 5]), ("PARTIAL 2:3 MAX", [4, 5, 6]),
            ("PARTIAL 2:2 MIN MAX", [2, 4, 6]), ("PARTIAL 2:3 COUNT", [2, 4, 5, 6]),
            ("PARTIAL 2:3 MIN COUNT", [2, 4, 5, 6]), ("PARTIAL 8:9", []),
        ],
    )  # fmt: skip
    def test_what_is_saved(self, searched: ImapClient, options: str, saved: list[int]) -> None:
        searched.ok(f"SEARCH RETURN (SAVE {options}) UNSEEN")
        assert searched.ok("SEARCH RETURN (ALL) $").one("ESEARCH").get("ALL", []) == saved

    def test_modseq_is_that_of_what_is_returned(self, searched: ImapClient) -> None:
        searched.ok("STORE 4 +FLAGS ($One)")
        searched.ok("STORE 6 +FLAGS ($One)")
        modseqs = {n: row["MODSEQ"] for n, row in searched.ok("FETCH 1:* (MODSEQ)").fetched.items()}
        data = searched.ok("SEARCH RETURN (PARTIAL 1:2) UNSEEN MODSEQ 1").one("ESEARCH")
        assert data["MODSEQ"] == modseqs[4]

    @pytest.mark.parametrize("options", ["PARTIAL 1:2 ALL", "PARTIAL 1:*", "PARTIAL 0:1", "PARTIAL -1:2", "PARTIAL"])
    def test_what_is_no_partial_is_refused(self, searched: ImapClient, options: str) -> None:
        searched.bad(f"SEARCH RETURN ({options}) UNSEEN")


def test_rev2_answers_esearch_only(searched: ImapClient, ours: None) -> None:
    searched.ok("ENABLE IMAP4rev2")
    reply = searched.ok("SEARCH SEEN")
    assert reply.all("SEARCH") == []
    assert reply.one("ESEARCH")["ALL"] == [1, 3]


def test_a_quoted_charset_is_taken(searched: ImapClient) -> None:
    """trap 28"""
    assert searched.ok('SEARCH CHARSET "UTF-8" SEEN').found == [1, 3]
    assert searched.ok("SEARCH CHARSET us-ascii SEEN").found == [1, 3]


def test_an_unknown_charset_is_badcharset(searched: ImapClient) -> None:
    """trap 28"""
    searched.no("SEARCH CHARSET KLINGON-8 TEXT x", code="BADCHARSET")


@pytest.mark.parametrize("plus", [False, True], ids=["synchronizing", "non-synchronizing"])
def test_literals_are_taken(searched: ImapClient, plus: bool) -> None:
    """traps 9 and 28"""
    text = Literal("größe".encode(), plus=plus)
    assert searched.ok("SEARCH CHARSET UTF-8 SUBJECT", text, "NOT SEEN").found == [2]


def test_hundreds_of_ors_on_a_line_of_64_kilobytes_work(searched: ImapClient) -> None:
    """traps 28 and 29: an iPhone's threads"""
    ids = [f"HEADER Message-ID <{n}-{'x' * 60}@example.org>" for n in range(700)]
    key = "HEADER Message-ID <1@x>"
    for other in ids:
        key = f"OR {other} {key}"
    assert len(key) > 60_000
    assert searched.ok(f"SEARCH {key}").found == [1]


def test_deep_parentheses_are_taken_or_refused_cleanly(searched: ImapClient) -> None:
    """trap 28"""
    assert searched.ok(f"SEARCH {'(' * 50}SEEN{')' * 50}").found == [1, 3]
    assert searched.command(f"SEARCH {'(' * 5000}SEEN{')' * 5000}").kind in ("OK", "BAD", "NO")
    assert searched.command("SEARCH " + "NOT " * 5000 + "SEEN").kind in ("OK", "BAD", "NO")
    searched.ok("NOOP")


@pytest.mark.parametrize(
    "line",
    [
        "SEARCH",
        "SEARCH BOGUS",
        "SEARCH NOT",
        "SEARCH OR SEEN",
        "SEARCH (SEEN",
        "SEARCH BEFORE yesterday",
        "SEARCH RETURN (BOGUS) ALL",
        "SEARCH LARGER x",
        "SEARCH UID",
        "SEARCH 0",
        "SEARCH KEYWORD \\Seen",
    ],
)
def test_malformed_commands_are_refused(searched: ImapClient, line: str) -> None:
    searched.bad(line)


def test_an_empty_mailbox_finds_nothing(inbox: ImapClient) -> None:
    """trap 27"""
    assert inbox.ok("SEARCH ALL").found == []
    assert inbox.ok("UID SEARCH UID 1:*").found == []


def test_a_saved_result_follows_expunges(searched: ImapClient) -> None:
    """RFC 5182 §2.1"""
    searched.ok("SEARCH RETURN (SAVE) UNSEEN")
    searched.ok("EXPUNGE")
    assert searched.ok("SEARCH RETURN (ALL) $").one("ESEARCH")["ALL"] == [2, 4, 5]


def test_a_search_that_saves_may_begin_from_what_is_saved(searched: ImapClient) -> None:
    """RFC 5182 §2.1"""
    searched.ok("SEARCH RETURN (SAVE) UNSEEN")
    assert searched.ok("SEARCH RETURN (SAVE ALL) $ 3:5").one("ESEARCH")["ALL"] == [4, 5]
    assert searched.ok("SEARCH RETURN (ALL) $").one("ESEARCH")["ALL"] == [4, 5]


def test_message_numbers_beyond_the_mailbox_find_nothing(searched: ImapClient) -> None:
    """RFC 7377 §2: no error with any search"""
    assert searched.ok("SEARCH 5:1000").found == [5, 6]
    assert searched.ok("SEARCH 7").found == []
    assert searched.ok("SEARCH NOT 4:999").found == [1, 2, 3]
    assert searched.ok("SEARCH 999:*").found == [6]


def test_a_saved_result_is_empty_at_first_and_after_select(searched: ImapClient) -> None:
    assert searched.ok("FETCH $ UID").fetched == {}
    searched.ok("SEARCH RETURN (SAVE) ALL")
    searched.ok("SELECT INBOX")
    assert searched.ok("UID FETCH $ UID").fetched == {}


def test_a_saved_result_serves_store_copy_and_uid_fetch(searched: ImapClient) -> None:
    searched.ok("CREATE box")
    searched.ok("UID SEARCH RETURN (SAVE) SEEN")
    assert set(searched.ok("UID FETCH $ FLAGS").fetched) == {1, 3}
    assert set(searched.ok("STORE $ +FLAGS ($X)").fetched) == {1, 3}
    searched.ok("COPY $ box")
    assert searched.ok("STATUS box (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 2


def test_a_search_expunged_elsewhere_meanwhile_does_not_tell_expunge(searched: ImapClient, second: ImapClient) -> None:
    """trap 2"""
    second.ok("SELECT INBOX")
    second.ok("EXPUNGE")
    searched.ok("SEARCH ALL")
    assert searched.ok("NOOP").expunged == [4]


class TestModseq:
    """RFC 7162 §3.1.5, §3.1.6"""

    pytestmark = pytest.mark.rfc("7162", "3.1.5")

    def test_the_answer_carries_the_highest_of_those_found(self, searched: ImapClient) -> None:
        searched.ok("STORE 2 +FLAGS ($One)")
        searched.ok("STORE 3 +FLAGS ($One)")
        rows = searched.ok("FETCH 1:* (MODSEQ)").fetched
        reply = searched.ok(f"SEARCH MODSEQ {rows[2]['MODSEQ']}").one("SEARCH")
        assert reply == {"numbers": [2, 3], "MODSEQ": rows[3]["MODSEQ"]}

    def test_min_tells_the_modseq_of_that_message(self, searched: ImapClient) -> None:
        searched.ok("STORE 2 +FLAGS ($One)")
        searched.ok("STORE 3 +FLAGS ($One)")
        rows = searched.ok("FETCH 1:* (MODSEQ)").fetched
        reply = searched.ok(f"SEARCH RETURN (MIN) MODSEQ {rows[2]['MODSEQ']}").one("ESEARCH")
        assert (reply["MIN"], reply["MODSEQ"]) == (2, rows[2]["MODSEQ"])

    def test_zero_finds_all(self, searched: ImapClient) -> None:
        assert searched.ok("SEARCH MODSEQ 0").one("SEARCH")["numbers"] == [1, 2, 3, 4, 5, 6]

    def test_nothing_found_has_no_modseq(self, searched: ImapClient) -> None:
        assert searched.ok("SEARCH MODSEQ 999999999").one("SEARCH") == {"numbers": []}


def test_a_simple_message_is_found_right_after_it_was_appended(inbox: ImapClient) -> None:
    for number in range(5):
        inbox.append("INBOX", simple_message(number, text=f"unique{number}word"))
        inbox.ok("NOOP")
        assert inbox.ok(f"SEARCH BODY unique{number}word").found == [number + 1]
