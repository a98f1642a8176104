from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import imap_grammar as grammar
from tests.unit.imap.wire.feeding import raw

from mailkeep.imap.wire import response
from mailkeep.imap.wire.lexer import Lexer
from mailkeep.imap.wire.response import SearchResult
from mailkeep.imap.wire.status import StatusItem


@pytest.mark.parametrize(
    ("octets", "astring", "string"),
    [
        (b"a", b"a", b'"a"'),
        (b"", b'""', b'""'),
        (b"nil", b'"nil"', b'"nil"'),
        (b"a b", b'"a b"', b'"a b"'),
        (b'a"\\', b'"a\\"\\\\"', b'"a\\"\\\\"'),
        (b"*", b'"*"', b'"*"'),
        (b"a\r\nb", b"{4}\r\na\r\nb", b"{4}\r\na\r\nb"),
        (b"\xc3\xbc", b"{2}\r\n\xc3\xbc", b"{2}\r\n\xc3\xbc"),
        (b"\0", b"{1}\r\n\x80", b"{1}\r\n\x80"),
        (b"x y" * 400, b"{1200}\r\n" + b"x y" * 400, b"{1200}\r\n" + b"x y" * 400),
    ],
)
def test_strings_take_the_simplest_form_that_is_allowed(octets: bytes, astring: bytes, string: bytes) -> None:
    assert response.astring(octets) == astring
    assert response.string(octets) == response.nstring(octets) == string


def test_nothing_is_nil() -> None:
    assert response.nstring(None) == b"NIL"


def test_literal8_keeps_nul() -> None:
    assert response.literal8(b"\0") == b"~{1}\r\n\0"


@pytest.mark.parametrize(
    ("name", "rev1", "rev2"),
    [
        ("INBOX", b"INBOX", b"INBOX"),
        ('a "b" \\*', b'"a \\"b\\" \\\\*"', b'"a \\"b\\" \\\\*"'),
        ("Entwürfe", b'"Entw&APw-rfe"', '"Entwürfe"'.encode()),
        ("a&b", b'"a&-b"', b'"a&b"'),
        ("a\nb", b'"a&AAo-b"', b"{3}\r\na\nb"),
    ],
)
def test_mailbox_names_are_always_quoted(name: str, rev1: bytes, rev2: bytes) -> None:
    assert response.mailbox(name, utf8=False) == rev1
    assert response.mailbox(name, utf8=True) == rev2


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(1996, 7, 17, 2, 44, 25, tzinfo=UTC), b'"17-Jul-1996 02:44:25 +0000"'),
        (datetime(2024, 2, 1, tzinfo=UTC), b'" 1-Feb-2024 00:00:00 +0000"'),
        (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), b'"31-Dec-1969 23:59:59 +0000"'),
    ],
)
def test_a_date_time_pads_its_day_with_a_space(at: datetime, text: bytes) -> None:
    assert response.date_time(int(at.timestamp())) == text


def test_a_date_time_beyond_the_calendar_is_its_last_day() -> None:
    assert response.date_time(10**15).startswith(b'"31-Dec-9999')
    assert response.date_time(-(10**15)).startswith(b'" 1-Jan-0001')


@pytest.mark.parametrize(
    ("numbers", "text"), [([], b""), ([3], b"3"), ([1, 2, 3, 7], b"1:3,7"), ([7, 1, 2, 2], b"7,1:2,2")]
)
def test_runs_keep_the_order(numbers: list[int], text: bytes) -> None:
    assert response.runs(numbers) == text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (response.status_line(b"a", response.OK, "Done"), b"a OK Done\r\n"),
        (response.status_line(b"*", response.BYE, "Bye\r\nbye ü"), b"* BYE Bye bye ?\r\n"),
        (response.status_line(b"a", response.NO, "", b"CLOSED"), b"a NO [CLOSED] .\r\n"),
        (response.continuation(), b"+ OK\r\n"),
        (response.continuation(b""), b"+ \r\n"),
        (response.untagged(response.capability(["IMAP4rev1", "IDLE"])), b"* CAPABILITY IMAP4rev1 IDLE\r\n"),
        (response.enabled([]), b"* ENABLED\r\n"),
        (response.enabled(["CONDSTORE", "QRESYNC"]), b"* ENABLED CONDSTORE QRESYNC\r\n"),
        (response.exists(3), b"* 3 EXISTS\r\n"),
        (response.recent(0), b"* 0 RECENT\r\n"),
        (response.expunge(4), b"* 4 EXPUNGE\r\n"),
        (response.vanished([(1, 3), (7, 7)]), b"* VANISHED 1:3,7\r\n"),
        (response.vanished([(1, 3)], earlier=True), b"* VANISHED (EARLIER) 1:3\r\n"),
        (response.vanished([]), b""),
        (response.mailbox_flags(["\\Seen", "x"]), b"* FLAGS (\\Seen x)\r\n"),
        (response.list_line(["\\HasNoChildren"], b'"a b"'), b'* LIST (\\HasNoChildren) "/" "a b"\r\n'),
        (response.list_line([], b"INBOX", word=b"LSUB"), b'* LSUB () "/" INBOX\r\n'),
        (
            response.list_line([], b'"x"', extended=response.childinfo(["SUBSCRIBED"])),
            b'* LIST () "/" "x" ("CHILDINFO" ("SUBSCRIBED"))\r\n',
        ),
        (
            response.list_line([], b'"x"', extended=response.oldname(b'"y"')),
            b'* LIST () "/" "x" ("OLDNAME" ("y"))\r\n',
        ),
        (
            response.status(b'"x"', [(StatusItem.MESSAGES, 231), (StatusItem.MAILBOXID, "F1")]),
            b'* STATUS "x" (MESSAGES 231 MAILBOXID (F1))\r\n',
        ),
        (response.namespace("", "Shared/"), b'* NAMESPACE (("" "/")) (("Shared/" "/"))\r\n'),
        (response.id_([]), b"* ID NIL\r\n"),
        (response.id_([("name", "x"), ("version", None)]), b'* ID ("name" "x" "version" NIL)\r\n'),
        (response.search([]), b"* SEARCH\r\n"),
        (response.search([], modseq=5), b"* SEARCH\r\n"),
        (response.search([2, 5], modseq=917162500), b"* SEARCH 2 5 (MODSEQ 917162500)\r\n"),
        (response.esearch(b"A1", SearchResult(uid=False)), b'* ESEARCH (TAG "A1")\r\n'),
        (
            response.esearch(b"A1", SearchResult(uid=True, min=1, max=9, all=[(1, 2), (9, 9)], count=3, modseq=5)),
            b'* ESEARCH (TAG "A1") UID MIN 1 MAX 9 ALL 1:2,9 COUNT 3 MODSEQ 5\r\n',
        ),
        (response.esearch(b"A1", SearchResult(uid=True, all=[], count=0)), b'* ESEARCH (TAG "A1") UID COUNT 0\r\n'),
        (response.inprogress(b"A1", 0, 0), b'INPROGRESS ("A1" NIL NIL)'),
        (response.inprogress(b"A1", 454, 1000), b'INPROGRESS ("A1" 454 1000)'),
        (response.inprogress(b"A1", 1000, 1000), b'INPROGRESS ("A1" NIL NIL)'),
        (response.inprogress(b"[A]", 0, 9), b"INPROGRESS (NIL 0 9)"),
        (
            response.esearch(b"A1", SearchResult(uid=True, partial=(b"-1:-3", [(4, 6)]))),
            b'* ESEARCH (TAG "A1") UID PARTIAL (-1:-3 4:6)\r\n',
        ),
        (
            response.esearch(b"A1", SearchResult(uid=False, partial=(b"9:7", []), count=2)),
            b'* ESEARCH (TAG "A1") PARTIAL (9:7 NIL) COUNT 2\r\n',
        ),
        (
            response.esearch(b"A1", SearchResult(uid=True, mailbox=(b'"a b"', 7), all=[(1, 2)])),
            b'* ESEARCH (TAG "A1" MAILBOX "a b" UIDVALIDITY 7) UID ALL 1:2\r\n',
        ),
        (
            response.fetch(
                23,
                [
                    response.uid(5),
                    response.flags(["\\Seen"]),
                    response.internaldate(0),
                    response.size(44827),
                    response.modseq(7),
                ],
            ),
            b"* 23 FETCH (UID 5 FLAGS (\\Seen) "
            b'INTERNALDATE " 1-Jan-1970 00:00:00 +0000" RFC822.SIZE 44827 MODSEQ (7))\r\n',
        ),
        (
            response.fetch(1, [response.emailid("M1"), response.threadid(None), response.threadid("T1")]),
            b"* 1 FETCH (EMAILID (M1) THREADID NIL THREADID (T1))\r\n",
        ),
        (response.savedate(None), b"SAVEDATE NIL"),
        (response.savedate(0), b'SAVEDATE " 1-Jan-1970 00:00:00 +0000"'),
        (response.section(b"BODY[]<0>", b"a\0"), b"BODY[]<0> {2}\r\na\x80"),
        (response.section(b"BODY[9]", None), b"BODY[9] NIL"),
        (response.section_head(b"BODY[]", 5), b"BODY[] {5}\r\n"),
        (response.binary(b"BINARY[1]", b"a"), b"BINARY[1] {1}\r\na"),
        (response.binary(b"BINARY[1]", b"\0"), b"BINARY[1] ~{1}\r\n\0"),
        (response.binary(b"BINARY[1]", None), b"BINARY[1] NIL"),
        (response.binary_size(b"BINARY.SIZE[1]", 9), b"BINARY.SIZE[1] 9"),
        (response.appenduid(38505, [3955]), b"APPENDUID 38505 3955"),
        (response.copyuid(38505, [304, 319, 320], [3956, 3957, 3958]), b"COPYUID 38505 304,319:320 3956:3958"),
        (response.modified([(7, 7), (9, 9)]), b"MODIFIED 7,9"),
        (response.highestmodseq(1), b"HIGHESTMODSEQ 1"),
        (response.permanentflags(["\\Seen"], keywords=True), b"PERMANENTFLAGS (\\Seen \\*)"),
        (response.permanentflags([], keywords=False), b"PERMANENTFLAGS ()"),
        (response.mailboxid("F1"), b"MAILBOXID (F1)"),
        (response.badcharset(["US-ASCII", "UTF-8"]), b"BADCHARSET (US-ASCII UTF-8)"),
    ],
    ids=str,
)
def test_responses_are_exact(line: bytes, text: bytes) -> None:
    assert line == text


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).filter(
    lambda name: name.upper() != "INBOX"
)


@given(NAMES, st.booleans())
def test_a_mailbox_name_is_read_back(name: str, utf8: bool) -> None:
    octets = response.mailbox(name, utf8=utf8)
    row = response.list_line([], octets)
    assert grammar.parse(row, utf8=utf8).kind == "LIST"
    assert Lexer(raw(octets.replace(b"}\r\n", b"+}\r\n", 1)), utf8=utf8).mailbox() == name


@given(st.text() | st.text("[] a"), st.sampled_from([b"", b"ALERT"]))
def test_any_text_makes_one_line_that_clients_can_read(text: str, code: bytes) -> None:
    line = response.status_line(b"a", response.OK, text, code)
    assert grammar.parse(line).text
    assert (grammar.parse(line).code is not None) is bool(code)
    assert line.count(b"\n") == 1


@given(st.binary(max_size=2000))
def test_any_octets_of_a_section_are_read_back_but_for_nul(octets: bytes) -> None:
    line = response.fetch(1, [response.section(b"BODY[]", octets), response.binary(b"BINARY[1]", octets)])
    data = grammar.parse(line).data
    assert data["BODY[]"] == octets.replace(b"\0", b"\x80")
    assert data["BINARY[1]"] == octets
