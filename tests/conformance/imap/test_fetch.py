"""FETCH and UID FETCH (RFC 9051 §6.4.5, §7.5.2)."""

from __future__ import annotations

import re

import pytest
from tests.conformance.imap.messages import NESTED, crlf, simple_message
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("9051", "6.4.5")


def one(client: ImapClient, octets: bytes, items: str, *options: str) -> dict[str, object]:
    """Append a message and fetch `items` of it."""
    uid = client.append("INBOX", octets, *options)
    client.ok("NOOP")
    return dict(client.ok(f"UID FETCH {uid} {items}").by_uid[uid])


@pytest.fixture
def three(inbox: ImapClient) -> ImapClient:
    for number in range(3):
        inbox.append("INBOX", simple_message(number))
    inbox.ok("NOOP")
    inbox.ok("FETCH 1:* UID")
    return inbox


class TestRows:
    """trap 14"""

    def test_uid_fetch_has_the_uid_once(self, three: ImapClient) -> None:
        rows = three.ok("UID FETCH 1:* (FLAGS UID)").all("FETCH")
        assert all(row.raw.count(b"UID ") == 1 for row in rows)

    def test_uid_comes_first(self, three: ImapClient, ours: None) -> None:
        for items in ("FLAGS", "(BODY.PEEK[] FLAGS)", "(RFC822.SIZE UID)"):
            assert all(b"FETCH (UID " in row.raw for row in three.ok(f"UID FETCH 1:* {items}").all("FETCH"))

    def test_rows_ascend_and_come_once(self, three: ImapClient) -> None:
        reply = three.ok("FETCH 3,1:2,1 FLAGS")
        assert [row.number for row in reply.all("FETCH")] == [1, 2, 3]

    def test_one_row_holds_all_items(self, three: ImapClient) -> None:
        [row] = three.ok(
            "FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[] BODY.PEEK[TEXT])"
        ).all("FETCH")
        assert set(row.data) == {
            "UID",
            "FLAGS",
            "INTERNALDATE",
            "RFC822.SIZE",
            "ENVELOPE",
            "BODYSTRUCTURE",
            "BODY[]",
            "BODY[TEXT]",
        }

    def test_header_fields_are_echoed_as_asked(self, three: ImapClient) -> None:
        raw = three.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (From SUBJECT x-None)]").raw
        assert re.search(rb'BODY\[HEADER\.FIELDS \("?From"? "?SUBJECT"? "?x-None"?\)\]', raw, re.IGNORECASE)

    @pytest.mark.parametrize("macro", ["ALL", "FAST", "FULL", "fast"])
    def test_macros(self, three: ImapClient, macro: str) -> None:
        found = set(three.ok(f"FETCH 1 {macro}").fetched[1])
        fast = {"FLAGS", "INTERNALDATE", "RFC822.SIZE"}
        assert found == fast | {"ALL": {"ENVELOPE"}, "FAST": set(), "FULL": {"ENVELOPE", "BODY"}}[macro.upper()]

    def test_a_macro_within_a_list_is_refused(self, three: ImapClient, ours: None) -> None:
        three.bad("FETCH 1 (ALL)")

    def test_what_was_asked_twice_comes_once(self, three: ImapClient) -> None:
        assert set(three.ok("FETCH 1 (FLAGS FLAGS UID UID)").fetched[1]) == {"FLAGS", "UID"}

    def test_rev1_names_of_sections_work(self, three: ImapClient) -> None:
        """RFC 3501 §6.4.5"""
        row = three.ok("FETCH 1 (RFC822.HEADER RFC822.TEXT)").fetched[1]
        assert row["RFC822.HEADER"] + row["RFC822.TEXT"] == simple_message(0)
        assert three.ok("FETCH 1 RFC822").fetched[1]["RFC822"] == simple_message(0)


class TestNumbers:
    """trap 27"""

    def test_star_is_the_last(self, three: ImapClient) -> None:
        assert list(three.ok("FETCH * UID").fetched) == [3]

    def test_a_range_may_be_reversed(self, three: ImapClient) -> None:
        assert list(three.ok("FETCH 3:2 UID").fetched) == [2, 3]
        assert list(three.ok("FETCH *:2 UID").fetched) == [2, 3]

    def test_a_uid_range_beyond_the_last_gives_the_last(self, three: ImapClient) -> None:
        assert list(three.ok("UID FETCH 4000000000:* FLAGS").fetched) == [3]

    def test_uids_that_do_not_exist_are_passed_over(self, three: ImapClient) -> None:
        assert three.ok("UID FETCH 4000000000 FLAGS").fetched == {}

    @pytest.mark.parametrize(
        "numbers", ["0", "0:3", "1,0", "x", "1:", ":1", "1,,2", "-1", "4294967296", "99999999999999999999"]
    )
    def test_impossible_numbers_are_refused(self, three: ImapClient, numbers: str) -> None:
        three.bad(f"FETCH {numbers} FLAGS")
        three.bad(f"UID FETCH {numbers} FLAGS")

    def test_numbers_beyond_the_mailbox_are_refused_or_ignored(self, three: ImapClient) -> None:
        assert three.command("FETCH 9 FLAGS").kind in ("BAD", "NO", "OK")

    def test_an_empty_mailbox_answers_ok_to_uids(self, inbox: ImapClient) -> None:
        assert inbox.ok("UID FETCH 1:* FLAGS").fetched == {}
        assert inbox.command("FETCH 1:* FLAGS").kind in ("OK", "BAD")

    def test_ten_thousand_single_uids_are_taken(self, three: ImapClient) -> None:
        """trap 29: mbsync's sets"""
        numbers = ",".join(str(n) for n in range(1, 25_000, 2))
        assert len(numbers) > 60_000
        three.ok(f"UID FETCH {numbers} FLAGS")


class TestSeen:
    @pytest.mark.parametrize(
        "item", ["BODY[]", "BODY[TEXT]", "BODY[1]", "RFC822", "RFC822.TEXT", "BODY[]<0.5>", "BINARY[1]"]
    )
    def test_reading_sets_it_and_says_so(self, three: ImapClient, item: str) -> None:
        """trap 14"""
        assert "\\Seen" in three.ok(f"FETCH 1 {item}").fetched[1]["FLAGS"]

    @pytest.mark.parametrize(
        "item",
        [
            "BODY.PEEK[]",
            "BODY.PEEK[TEXT]",
            "RFC822.HEADER",
            "ENVELOPE",
            "BODYSTRUCTURE",
            "BINARY.PEEK[1]",
            "BINARY.SIZE[1]",
        ],
    )
    def test_peeking_does_not(self, three: ImapClient, item: str) -> None:
        three.ok(f"FETCH 1 {item}")
        assert "\\Seen" not in three.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]

    def test_other_sessions_are_told(self, three: ImapClient, second: ImapClient) -> None:
        second.ok("SELECT INBOX")
        three.ok("FETCH 1 BODY[]")
        assert "\\Seen" in second.ok("NOOP").fetched[1]["FLAGS"]


class TestPartial:
    """trap 15"""

    OCTETS = simple_message(0)

    @pytest.mark.parametrize(("start", "length"), [(0, 10), (5, 1), (0, 1_000_000), (100, 1_000_000), (10_000, 10)])
    def test_pieces(self, three: ImapClient, start: int, length: int) -> None:
        row = three.ok(f"FETCH 1 BODY.PEEK[]<{start}.{length}>").fetched[1]
        assert row[f"BODY[]<{start}>"] == self.OCTETS[start : start + length]

    def test_a_start_at_the_size_gives_the_empty_string(self, three: ImapClient) -> None:
        """iOS 18.2 loops on NIL"""
        size = len(self.OCTETS)
        assert three.ok(f"FETCH 1 BODY.PEEK[]<{size}.10>").fetched[1] == {f"BODY[]<{size}>": b""}

    def test_of_a_part_and_of_text(self, three: ImapClient) -> None:
        row = three.ok("FETCH 1 (BODY.PEEK[1]<1.3> BODY.PEEK[TEXT]<1.3> BODY.PEEK[HEADER]<0.4>)").fetched[1]
        assert row == {"BODY[1]<1>": b"ell", "BODY[TEXT]<1>": b"ell", "BODY[HEADER]<0>": b"Date"}

    @pytest.mark.parametrize("partial", ["<0>", "<.5>", "<0.0>", "<5.>", "<a.b>"])
    def test_malformed_ones_are_refused(self, three: ImapClient, partial: str) -> None:
        three.bad(f"FETCH 1 BODY[]{partial}")

    def test_pieces_of_a_large_message_join_to_the_whole(self, inbox: ImapClient) -> None:
        octets = simple_message(1, size=300_000)
        inbox.append("INBOX", octets)
        inbox.ok("NOOP")
        pieces = [
            inbox.ok(f"FETCH 1 BODY.PEEK[]<{at}.65536>").fetched[1][f"BODY[]<{at}>"] for at in range(0, 300_000, 65536)
        ]
        assert b"".join(pieces) == octets


class TestSections:
    """RFC 9051 §6.4.5.1: the numbered parts of its example"""

    @pytest.mark.parametrize(
        ("section", "expected"),
        [
            ("", NESTED),
            ("HEADER", NESTED.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"),
            ("TEXT", NESTED.partition(b"\r\n\r\n")[2]),
            ("1", b"part one"),
            ("1.MIME", b"Content-Type: text/plain; charset=us-ascii\r\n\r\n"),
            ("2", b"cGFydCB0d28="),
            ("2.MIME", b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
            ("3.HEADER", (
                b"From: c@example.com\r\nSubject: three\r\n"
                b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=three\r\n"
                b"\r\n"
            )),
            ("3.1", b"part three one"),
            ("3.2", b"part three two"),
            ("4.1", b"R0lGODlhAQABAAAAACw="),
            ("4.1.MIME", b"Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
            ("4.2.HEADER", (
                b"From: d@example.com\r\nSubject: four two\r\n"
                b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=fourtwo\r\n"
                b"\r\n"
            )),
            ("4.2.1", b"part four two one"),
            ("4.2.2.1", b"part four two two one"),
            ("4.2.2.2", b"part four two two two"),
            ("HEADER.FIELDS (SUBJECT)", b"Subject: outer\r\n\r\n"),
            ("HEADER.FIELDS (NONE)", b"\r\n"),
            ("4.2.HEADER.FIELDS (FROM SUBJECT)", b"From: d@example.com\r\nSubject: four two\r\n\r\n"),
            ("HEADER.FIELDS.NOT (FROM TO SUBJECT MIME-VERSION)", (
                b"Content-Type: multipart/mixed; boundary=outer\r\n"
                b"\r\n"
            )),
        ],
    )  # fmt: skip
    def test_part(self, inbox: ImapClient, section: str, expected: bytes) -> None:
        assert one(inbox, NESTED, f"BODY.PEEK[{section}]")[f"BODY[{section}]"] == expected

    @pytest.mark.parametrize("section", ["9", "1.1.1", "4.9", "2.HEADER"])
    def test_parts_that_do_not_exist_are_empty_or_nil(self, inbox: ImapClient, section: str) -> None:
        assert one(inbox, NESTED, f"BODY.PEEK[{section}]")[f"BODY[{section}]"] in (None, b"")

    @pytest.mark.parametrize(
        "section", ["0", "MIME", "1.", "HEADER.FIELDS", "HEADER.FIELDS ()", "BOGUS", "1.BOGUS", "-1"]
    )
    def test_impossible_sections_are_refused(self, three: ImapClient, section: str) -> None:
        three.bad(f"FETCH 1 BODY[{section}]")


class TestBinary:
    """RFC 9051 §6.4.5, RFC 3516"""

    def test_it_is_decoded(self, inbox: ImapClient) -> None:
        row = one(inbox, NESTED, "(BINARY.PEEK[2] BINARY.SIZE[2])")
        assert (row["BINARY[2]"], row["BINARY.SIZE[2]"]) == (b"part two", 8)

    def test_a_piece(self, inbox: ImapClient) -> None:
        assert one(inbox, NESTED, "BINARY.PEEK[2]<5.3>")["BINARY[2]<5>"] == b"two"

    def test_nul_octets_come_in_a_literal8(self, inbox: ImapClient) -> None:
        octets = crlf("Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\nYQBi\n")
        assert one(inbox, octets, "BINARY.PEEK[1]")["BINARY[1]"] == b"a\0b"

    def test_an_unknown_encoding_is_unknown_cte(self, inbox: ImapClient) -> None:
        inbox.append("INBOX", crlf("Content-Transfer-Encoding: x-morse\n\n...\n"))
        inbox.ok("NOOP")
        inbox.no("FETCH 1 BINARY[1]", code="UNKNOWN-CTE")


class TestInternaldate:
    def test_two_digits_or_a_space(self, inbox: ImapClient) -> None:
        """trap 6: the reader insists"""
        for day in range(1, 32):
            inbox.append("INBOX", b"\r\n", f'"{day:2d}-Mar-2025 10:00:00 -0330"')
        inbox.ok("NOOP")
        assert len(inbox.ok("FETCH 1:* INTERNALDATE").fetched) == 31


class TestModseq:
    """RFC 7162 §3.1.4, §3.2.6; trap 16"""

    pytestmark = pytest.mark.rfc("7162", "3.1.4")

    def test_changedsince_gives_only_what_changed_and_its_modseq(self, three: ImapClient) -> None:
        rows = three.ok("FETCH 1:* (MODSEQ)").fetched
        highest = max(row["MODSEQ"] for row in rows.values())
        three.ok("STORE 2 +FLAGS ($X)")
        changed = three.ok(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {highest})").fetched
        assert list(changed) == [2]
        assert changed[2]["MODSEQ"] > highest

    def test_changedsince_0_does_not_fail(self, three: ImapClient) -> None:
        """iOS sends it"""
        assert len(three.ok("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 0)").fetched) == 3

    def test_asking_for_modseq_enables_condstore(self, three: ImapClient) -> None:
        three.ok("FETCH 1 (MODSEQ)")
        assert "MODSEQ" in three.ok("STORE 1 +FLAGS ($X)").fetched[1]

    def test_vanished_needs_qresync(self, three: ImapClient) -> None:
        three.bad("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)")

    def test_vanished_needs_changedsince_and_uids(self, three: ImapClient) -> None:
        three.ok("ENABLE QRESYNC")
        three.bad("UID FETCH 1:* (FLAGS) (VANISHED)")
        three.bad("FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)")

    def test_vanished_comes_before_fetch(self, three: ImapClient) -> None:
        three.ok("ENABLE QRESYNC")
        uids = list(three.uids)
        since = max(row["MODSEQ"] for row in three.ok("FETCH 1:* (MODSEQ)").fetched.values())
        three.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        three.ok("EXPUNGE")
        three.ok("STORE 1 +FLAGS.SILENT ($X)")
        reply = three.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since} VANISHED)")
        assert [r.kind for r in reply.untagged if r.kind in ("VANISHED", "FETCH")] == ["VANISHED", "FETCH"]
        earlier, gone = reply.one("VANISHED")
        assert earlier
        assert uids[0] in gone
        assert not set(gone) & set(uids[1:])

    @pytest.mark.parametrize("modifier", ["(CHANGEDSINCE)", "(CHANGEDSINCE x)", "(BOGUS)", "()", "(CHANGEDSINCE -1)"])
    def test_malformed_modifiers_are_refused(self, three: ImapClient, modifier: str) -> None:
        three.bad(f"UID FETCH 1:* (FLAGS) {modifier}")


class TestObjectIds:
    """RFC 8474: EMAILID stays through COPY and MOVE"""

    pytestmark = pytest.mark.rfc("8474", "5.1")

    def test_a_copy_has_the_same_emailid_and_another_append_does_not(self, three: ImapClient, ours: None) -> None:
        three.ok("COPY 1 INBOX")
        three.ok("NOOP")
        rows = three.ok("FETCH 1:* (EMAILID)").fetched
        assert rows[1]["EMAILID"] == rows[4]["EMAILID"]
        assert len({row["EMAILID"] for row in rows.values()}) == 3


@pytest.mark.rfc("9394", "3.3")
@pytest.mark.usefixtures("ours")
class TestPlaces:
    """RFC 9394 §3.3, §3.4"""

    @pytest.mark.parametrize(
        ("asked", "found"), [("1:2", [1, 2]), ("-1:-2", [2, 3]), ("3:9", [3]), ("4:9", []), ("-3:-3", [1])]
    )
    def test_only_messages_at_those_places_are_fetched(self, three: ImapClient, asked: str, found: list[int]) -> None:
        assert [*three.ok(f"UID FETCH 1:* (UID FLAGS) (PARTIAL {asked})").fetched] == found

    def test_places_are_counted_in_the_set_asked_for(self, three: ImapClient) -> None:
        assert [*three.ok(f"UID FETCH {three.uids[1]}:* FLAGS (PARTIAL 1:1)").fetched] == [2]

    def test_places_are_counted_before_changedsince(self, three: ImapClient) -> None:
        three.ok("STORE 1 +FLAGS (\\Seen)")
        since = three.ok("FETCH 1 MODSEQ").fetched[1]["MODSEQ"]
        three.ok("STORE 1,3 +FLAGS ($One)")
        for modifiers in (f"PARTIAL -1:-2 CHANGEDSINCE {since}", f"CHANGEDSINCE {since} PARTIAL -1:-2"):
            assert [*three.ok(f"UID FETCH 1:* FLAGS ({modifiers})").fetched] == [3]

    def test_message_numbers_know_no_partial(self, three: ImapClient) -> None:
        three.bad("FETCH 1:* FLAGS (PARTIAL 1:2)")
        three.bad("UID FETCH 1:* FLAGS (PARTIAL 1:2 PARTIAL 1:2)")
        three.bad("UID FETCH 1:* FLAGS (PARTIAL 1:*)")


@pytest.mark.parametrize(
    "line", ["FETCH", "FETCH 1", "FETCH 1 ()", "FETCH 1 BOGUS", "FETCH 1 (FLAGS", "FETCH 1 FLAGS UID", "FETCH  1 FLAGS"]
)
def test_malformed_commands_are_refused(three: ImapClient, line: str) -> None:
    three.bad(line)
    three.ok("NOOP")


def test_thunderbirds_mutts_and_apples_requests_are_answered(three: ImapClient) -> None:
    for items in (
        (
            "(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc "
            "Subject Date Message-ID Priority X-Priority References Newsgroups "
            "In-Reply-To Content-Type Reply-To)])"
        ),
        (
            "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS "
            "(DATE FROM SENDER SUBJECT TO CC MESSAGE-ID REFERENCES CONTENT-TYPE "
            "CONTENT-DESCRIPTION IN-REPLY-TO REPLY-TO LINES LIST-POST X-LABEL)])"
        ),
        (
            "(INTERNALDATE UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS "
            "(date subject from to cc message-id in-reply-to references content-type "
            "x-priority x-uniform-type-identifier x-universally-unique-identifier "
            "list-id list-unsubscribe bimi-indicator bimi-location x-bimi-indicator-hash "
            "authentication-results dkim-signature)])"
        ),
        "(BODYSTRUCTURE ENVELOPE INTERNALDATE FLAGS UID BODY.PEEK[HEADER])",
    ):  # fmt: skip
        assert len(three.ok(f"UID FETCH 1:* {items}").fetched) == 3
