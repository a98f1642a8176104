"""RETR and TOP: octet by octet (RFC 1939 §5, §7), and for who has not said UTF8 (RFC 6856 §2.1, RFC 6858)."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest
from tests.conformance.pop3.pop3_client import Pop3
from tests.live import Account, Service

ODD = {
    "no line end at the end": b"Subject: a\r\n\r\nbody",
    "a bare LF at the end": b"Subject: a\r\n\r\nbody\n",
    "a bare CR at the end": b"Subject: a\r\n\r\nbody\r",
    "bare LFs and dots": b"Subject: a\n\n.\n..\n.\r\n\n.\r\nx\r\n",
    "dots alone": b"Subject: a\r\n\r\n.\r\n.\r\n",
    "only a header": b"Subject: a\r\n",
    "8-bit octets in the body": b"Subject: a\r\n\r\n\xff\xfe\x80\r\n",
    "a dot first": b".x: a\r\n\r\n.\r\n",
}


@pytest.fixture
def plain(server: Service, account: Account) -> Pop3:
    """A connection over TLS, before login."""
    return Pop3(server.pop3s, server.tls())


def test_a_message_comes_as_it_is_kept(pop: Pop3, letters: list[bytes]) -> None:
    assert [pop.message(f"RETR {number}") for number in (1, 2, 3)] == letters
    assert pop.ok("RETR 2") == f"{len(letters[1])} octets"
    assert pop.rest() == letters[1]


def test_top_tells_the_header_and_lines_of_the_body(pop: Pop3) -> None:
    assert pop.message("TOP 2 0") == b"Subject: two\r\n\r\n"
    assert pop.message("TOP 2 1") == b"Subject: two\r\n\r\n.\r\n"
    assert pop.message("TOP 2 2") == b"Subject: two\r\n\r\n.\r\n..dots\r\n"
    assert pop.message("TOP 2 99") == pop.message("RETR 2")


def test_sizes_are_those_of_what_is_sent(server: Service, account: Account, plain: Pop3) -> None:
    client = server.connect(account)
    for message in ODD.values():
        client.append("INBOX", message)
    with plain:
        plain.log_in(account.user, account.password)
        listed = [int(line.split()[1]) for line in plain.lines("LIST")]
        got = [plain.message(f"RETR {number}") for number in range(1, len(ODD) + 1)]
        assert listed == [len(message) for message in got]
        assert int(plain.ok("STAT").split()[1]) == sum(listed)
    for message, received in zip(ODD.values(), got, strict=True):
        assert received == message + (b"" if message.endswith(b"\r\n") else b"\r\n")


def test_a_nul_is_sent_as_another_octet(server: Service, account: Account, plain: Pop3) -> None:
    server.connect(account).append("INBOX", b"Subject: a\r\n\r\nx")
    server.deliver(account.user, b"Subject: a\r\n\r\na\0b\r\n")
    with plain:
        plain.log_in(account.user, account.password)
        message = plain.message("RETR 2")
        assert message.endswith(b"\r\n\r\na\x80b\r\n")
        assert plain.ok("LIST 2") == f"2 {len(message)}"


def test_a_large_message_comes_whole(server: Service, account: Account, plain: Pop3) -> None:
    body = b"".join(b".%d %b\r\n" % (number, b"x" * (number % 70)) for number in range(20_000))
    server.connect(account).append("INBOX", b"Subject: large\r\n\r\n" + body)
    with plain:
        plain.log_in(account.user, account.password)
        assert plain.message("RETR 1") == b"Subject: large\r\n\r\n" + body
        assert plain.message("TOP 1 19999").count(b"\r\n") == 20_001


FOREIGN = (
    "From: Jürgen Müller <jürgen@exämple.org>, Ann <ann@example.org>\r\n"
    "To: Bücher: ann@example.org, bob@example.org;\r\n"
    "Subject: Grüße aus Köln, und noch viel mehr davon, was in eine Zeile nicht paßt\r\n"
    "Message-ID: <jürgen@exämple.org>\r\n"
    "X-Note: ä\r\n"
    "Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    "MIME-Version: 1.0\r\n"
    'Content-Type: multipart/mixed; boundary="b"; note="ä"\r\n'
    "\r\n"
    "--b\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "\r\n"
    "Schöne Grüße\r\n"
    "--b\r\n"
    "Content-Type: text/plain\r\n"
    'Content-Disposition: attachment; filename="Öl.txt"; size=3\r\n'
    "\r\n"
    "Öl.\r\n"
    "--b--\r\n"
).encode()


@pytest.mark.rfc("6856", "2.1")
def test_who_says_utf8_gets_the_message_as_it_is(server: Service, account: Account, plain: Pop3) -> None:
    server.connect(account).append("INBOX", FOREIGN)
    with plain:
        plain.ok("UTF8")
        plain.log_in(account.user, account.password)
        assert plain.message("RETR 1") == FOREIGN
        assert plain.ok("LIST 1") == f"1 {len(FOREIGN)}"


@pytest.mark.rfc("6858", "2")
def test_others_get_headers_in_ascii(server: Service, account: Account, plain: Pop3) -> None:
    server.connect(account).append("INBOX", FOREIGN)
    with plain:
        plain.log_in(account.user, account.password)
        got = plain.message("RETR 1")
        assert plain.ok("LIST 1") == f"1 {len(got)}"
        assert plain.message("TOP 1 0") == got[: got.index(b"\r\n\r\n") + 4]
    read = message_from_bytes(got, policy=policy.default)
    assert got[: got.index(b"\r\n\r\n")].isascii()
    assert [address.addr_spec for address in read["From"].addresses] == [
        "invalid@internationalized-address.invalid",
        "ann@example.org",
    ]
    assert read["From"].addresses[0].display_name == "Jürgen Müller"
    assert [address.addr_spec for address in read["To"].addresses] == ["ann@example.org", "bob@example.org"]
    assert read["To"].groups[0].display_name == "Bücher"
    assert read["Subject"] == "Grüße aus Köln, und noch viel mehr davon, was in eine Zeile nicht paßt"
    assert read["Message-ID"] is None
    assert read["X-Note"] is None
    assert read["Date"] is not None
    text, file = read.iter_parts()
    assert text.get_content().rstrip() == "Schöne Grüße"
    assert file.get_filename() == "Öl.txt"
    assert file["Content-Disposition"].params["size"] == "3"


@pytest.mark.rfc("6856", "2.1")
def test_stls_does_not_follow_utf8(stranger: Pop3) -> None:
    stranger.ok("UTF8")
    assert stranger.refused("STLS") == "STLS comes before UTF8"
