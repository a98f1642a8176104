"""UTF8=ACCEPT (RFC 6855, RFC 9755)."""

from __future__ import annotations

import pytest
from tests.imap_client import ImapClient, Literal

pytestmark = pytest.mark.rfc("9755", "3")

NAME = "żółw 日本"
MODIFIED_UTF7 = "&AXwA8wFC-w &ZeVnLA-"
MAIL = (
    "Date: Mon, 7 Feb 1994 21:52:25 -0800\r\nFrom: Żółw <żółw@bücher.example>\r\nSubject: Grüße aus Köln\r\n"
    "To: ann@example.org\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8; name=żółw.txt\r\n\r\ntext\r\n"
).encode()


@pytest.fixture
def utf8(inbox: ImapClient, ours: None) -> ImapClient:
    assert [word.upper() for word in inbox.ok("ENABLE UTF8=ACCEPT").one("ENABLED")] == ["UTF8=ACCEPT"]
    return inbox


def test_it_is_offered_after_login(client: ImapClient, ours: None) -> None:
    assert "UTF8=ACCEPT" in client.ok("CAPABILITY").one("CAPABILITY")


def test_mailbox_names_are_utf8_both_ways(utf8: ImapClient) -> None:
    """trap 12"""
    utf8.ok(f'CREATE "{NAME}"'.encode())
    assert NAME in utf8.ok('LIST "" *').listed()
    assert utf8.ok(f'STATUS "{NAME}" (MESSAGES)'.encode()).one("STATUS")[0] == NAME
    assert NAME in utf8.ok('LSUB "" *').listed("LSUB")
    utf8.ok(f'SELECT "{NAME}"'.encode())
    utf8.ok("CREATE R&D")
    assert "R&D" in utf8.ok('LIST "" *').listed()


def test_others_still_see_modified_utf7(utf8: ImapClient, second: ImapClient) -> None:
    utf8.ok(f'CREATE "{NAME}"'.encode())
    assert MODIFIED_UTF7.encode() in second.ok('LIST "" *').raw


@pytest.mark.parametrize("name", [b'"a\xff"', b'"\xc0\xaf"', b'"\xed\xa0\x80"'])
def test_what_is_not_utf8_in_quotes_is_bad(utf8: ImapClient, name: bytes) -> None:
    utf8.bad(b"CREATE " + name)


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\u0085", "\x7f"])
def test_names_that_are_not_net_unicode_are_refused(utf8: ImapClient, character: str) -> None:
    utf8.no(f'CREATE "a{character}b"'.encode())


def test_envelope_and_bodystructure_are_utf8(utf8: ImapClient) -> None:
    utf8.append("INBOX", MAIL)
    utf8.ok("NOOP")
    for items in ("(ENVELOPE BODYSTRUCTURE)", "(UID ENVELOPE BODY)", "(BODYSTRUCTURE)", "ALL"):
        raw = utf8.ok(f"FETCH 1 {items}").raw
        assert (
            "ENVELOPE" not in raw.decode()
        ) or '"Grüße aus Köln" (("Żółw" NIL "żółw" "bücher.example"))'.encode() in raw
        assert b"BODY" not in raw or '"name" "żółw.txt"'.encode() in raw


def test_without_it_they_are_ascii(inbox: ImapClient, ours: None) -> None:
    """trap 7; RFC 6858 §2"""
    inbox.append("INBOX", MAIL)
    inbox.ok("NOOP")
    raw = inbox.ok("FETCH 1 (ENVELOPE BODYSTRUCTURE)").raw
    assert raw.isascii()
    assert b'"invalid" "internationalized-address.invalid"' in raw
    assert b'"name*" "utf-8\'\'%C5%BC%C3%B3%C5%82w.txt"' in raw


def test_it_changes_what_the_session_has_asked_for_before(inbox: ImapClient, ours: None) -> None:
    inbox.append("INBOX", MAIL)
    inbox.ok("NOOP")
    assert inbox.ok("FETCH 1 (ENVELOPE)").raw.isascii()
    inbox.ok("ENABLE UTF8=ACCEPT")
    assert "Grüße".encode() in inbox.ok("FETCH 1 (ENVELOPE)").raw


def test_messages_in_ascii_look_the_same(utf8: ImapClient, second: ImapClient) -> None:
    utf8.append("INBOX", b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: a@b\r\n\r\nx\r\n")
    second.ok("SELECT INBOX")
    utf8.ok("NOOP")
    mine, others = (client.ok("FETCH 1 (ENVELOPE BODYSTRUCTURE)").fetched[1] for client in (utf8, second))
    assert mine == others


@pytest.mark.parametrize("form", [b"UTF8 (~{%d+}\r\n%b)", b"~{%d+}\r\n%b", b"{%d+}\r\n%b"], ids=["utf8", "8", "plain"])
def test_append_takes_all_forms(utf8: ImapClient, form: bytes) -> None:
    """RFC 6855 §4; RFC 9755 §4 has done away with the first"""
    utf8.send(b"a APPEND INBOX (\\Seen) " + form % (len(MAIL), MAIL) + b"\r\n")
    assert utf8.finish("a").kind == "OK"
    assert utf8.ok("FETCH 1 BODY.PEEK[]").fetched[1]["BODY[]"] == MAIL


def test_append_takes_them_in_a_catenation(utf8: ImapClient) -> None:
    head, body = MAIL[:100], MAIL[100:]
    utf8.send(
        b"a APPEND INBOX CATENATE (UTF8 (~{%d+}\r\n%b) TEXT {%d+}\r\n%b)\r\n" % (len(head), head, len(body), body)
    )
    assert utf8.finish("a").kind == "OK"
    assert utf8.ok("FETCH 1 BODY.PEEK[]").fetched[1]["BODY[]"] == MAIL


def test_the_utf8_form_is_refused_until_it_is_enabled(inbox: ImapClient, ours: None) -> None:
    for data in (b"UTF8 (~{%d+}\r\n%b)", b"CATENATE (UTF8 (~{%d+}\r\n%b))"):
        inbox.send(b"a APPEND INBOX " + data % (len(MAIL), MAIL) + b"\r\n")
        assert inbox.finish("a").kind == "NO"
    inbox.ok("NOOP")
    assert inbox.exists == 0


def test_search_takes_utf8_and_no_charset(utf8: ImapClient) -> None:
    """RFC 6855 §3"""
    utf8.append("INBOX", MAIL)
    utf8.ok("NOOP")
    assert utf8.ok('SEARCH SUBJECT "grüße"'.encode()).found == [1]
    assert utf8.ok("SEARCH FROM", Literal("BÜCHER".encode())).found == [1]
    utf8.bad('SEARCH CHARSET UTF-8 SUBJECT "x"')
    utf8.bad('UID SEARCH CHARSET X-NONE SUBJECT "x"')
    utf8.bad(b'SEARCH SUBJECT "\xff"')


def test_sort_and_thread_take_utf8_alone(utf8: ImapClient) -> None:
    """RFC 9755 §3"""
    utf8.ok('SORT (SUBJECT) UTF-8 SUBJECT "grüße"'.encode())
    utf8.ok('THREAD REFERENCES UTF-8 SUBJECT "grüße"'.encode())
    for charset in ("US-ASCII", "ISO-8859-1"):
        utf8.bad(f"SORT (SUBJECT) {charset} ALL")
        utf8.bad(f"THREAD REFERENCES {charset} ALL")


def test_a_header_of_any_charset_is_readable(utf8: ImapClient) -> None:
    utf8.append("INBOX", b"Subject: caf\xe9 \xa3\r\nFrom: \xdcmit <u@example.org>\r\n\r\nx\r\n")
    utf8.ok("NOOP")
    raw = utf8.ok("FETCH 1 ENVELOPE").raw
    assert '"café £"'.encode() in raw
    assert '"Ümit"'.encode() in raw
