"""APPEND (RFC 9051 §6.3.12)."""

from __future__ import annotations

import re

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Literal

pytestmark = pytest.mark.rfc("9051", "6.3.12")


def body(client: ImapClient, uid: int) -> bytes:
    octets: bytes = client.ok(f"UID FETCH {uid} BODY.PEEK[]").by_uid[uid]["BODY[]"]
    return octets


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\r\n",
        b"no header end",
        b"Subject: bare\nlines\n\nof LF\n",
        b"Subject: mixed\r\n\nbare\nand\r\nCRLF\rand CR\r\n",
        "Subject: ósmy bit\r\n\r\nzażółć\r\n".encode(),
        b"Subject: latin\r\n\r\n" + bytes(range(128, 256)) + b"\r\n",
        b".\r\n..\r\n",
        simple_message(1, size=15_999),
        simple_message(1, size=16_000),
        simple_message(1, size=16_384),
        simple_message(1, size=100_000),
        simple_message(1, size=1_100_000),
    ],
    ids=[
        "empty",
        "crlf",
        "no-header",
        "bare-lf",
        "mixed",
        "utf-8",
        "latin",
        "dots",
        "15999",
        "16000",
        "16384",
        "100k",
        "1.1M",
    ],
)
def test_octets_come_back_as_they_went_in(inbox: ImapClient, octets: bytes) -> None:
    """trap 19: bare LF is kept as it came"""
    reply = inbox.command("APPEND INBOX", Literal(octets))
    if not octets and reply.kind == "NO":
        return  # an empty message may be refused (RFC 3502)
    assert reply.kind == "OK"
    assert reply.code
    [uid] = reply.code.args[1]
    assert body(inbox, uid) == octets
    assert inbox.ok(f"UID FETCH {uid} RFC822.SIZE").by_uid[uid]["RFC822.SIZE"] == len(octets)


def test_nul_is_0x80_in_an_ordinary_literal_and_exact_by_binary(inbox: ImapClient, ours: None) -> None:
    """trap 43"""
    octets = b"Subject: nul\r\n\r\nbefore\0after\0\r\n"
    uid = inbox.ok("APPEND INBOX", Literal(octets, binary=True)).code.args[1][0]  # type: ignore[union-attr]
    assert body(inbox, uid) == octets.replace(b"\0", b"\x80")
    assert inbox.ok(f"UID FETCH {uid} BINARY.PEEK[]").by_uid[uid]["BINARY[]"] == octets
    assert inbox.ok(f"UID FETCH {uid} RFC822.SIZE").by_uid[uid]["RFC822.SIZE"] == len(octets)


def test_a_literal8_is_taken(inbox: ImapClient) -> None:
    """trap 9"""
    inbox.ok("APPEND INBOX", Literal(simple_message(1), binary=True))
    inbox.ok("NOOP")
    assert inbox.exists == 1


def test_flags_and_keywords_are_kept(inbox: ImapClient) -> None:
    """trap 19"""
    inbox.append("INBOX", simple_message(1), "(\\Seen \\Flagged \\Draft $Forwarded Custom)")
    inbox.ok("NOOP")
    flags = [flag for flag in inbox.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"] if flag != "\\Recent"]
    assert sorted(flags) == ["$Forwarded", "Custom", "\\Draft", "\\Flagged", "\\Seen"]


@pytest.mark.parametrize(
    "date",
    [
        "17-Jul-1996 02:44:25 -0700",
        " 1-Feb-2026 23:59:59 +0545",
        "01-Mar-2000 00:00:00 +0000",
        "31-Dec-1969 12:00:00 +0000",
    ],
)
def test_the_internal_date_is_kept(inbox: ImapClient, date: str, request: pytest.FixtureRequest) -> None:
    """trap 19"""
    if "1969" in date:
        request.getfixturevalue("ours")
    inbox.append("INBOX", simple_message(1), f'"{date}"')
    inbox.ok("NOOP")
    kept = inbox.ok("FETCH 1 INTERNALDATE").fetched[1]["INTERNALDATE"]
    assert moment(kept) == moment(date)


def moment(date: str) -> object:
    from datetime import datetime

    return datetime.strptime(date.strip(), "%d-%b-%Y %H:%M:%S %z")


def test_without_a_date_it_is_now(inbox: ImapClient) -> None:
    from datetime import UTC, datetime, timedelta

    inbox.append("INBOX", simple_message(1))
    inbox.ok("NOOP")
    kept = moment(inbox.ok("FETCH 1 INTERNALDATE").fetched[1]["INTERNALDATE"])
    assert abs(kept - datetime.now(UTC)) < timedelta(minutes=1)  # type: ignore[operator]


def test_appenduid_is_right(inbox: ImapClient) -> None:
    """trap 19"""
    validity = inbox.ok("STATUS INBOX (UIDVALIDITY)").one("STATUS")[1]["UIDVALIDITY"]
    reply = inbox.ok("APPEND INBOX", Literal(simple_message(1)))
    assert reply.code
    assert reply.code.name == "APPENDUID"
    assert reply.code.args[0] == validity
    assert list(inbox.ok("UID FETCH 1:* FLAGS").by_uid) == reply.code.args[1]


def test_exists_is_told_to_this_and_other_sessions(inbox: ImapClient, second: ImapClient) -> None:
    """trap 19"""
    second.ok("SELECT INBOX")
    assert inbox.ok("APPEND INBOX", Literal(simple_message(1))).one("EXISTS") == 1
    assert second.ok("NOOP").one("EXISTS") == 1


def test_a_missing_mailbox_is_trycreate(client: ImapClient) -> None:
    """trap 19"""
    reply = client.command("APPEND nowhere", Literal(simple_message(1), plus=True))
    assert reply.kind == "NO"
    assert reply.code
    assert reply.code.name == "TRYCREATE"
    client.ok("NOOP")


def test_a_missing_mailbox_is_told_before_the_literal_is_sent_or_after(client: ImapClient) -> None:
    client.send(b"a APPEND nowhere {5}\r\n")
    response = client.read()
    if response.tag == "+":
        client.send(b"x\r\ny\r\n")
        response = client.read()
    assert (response.tag, response.kind) == ("a", "NO")
    client.ok("NOOP")


def test_a_waiting_client_is_refused_a_literal_too_large_without_sending_it(client: ImapClient, ours: None) -> None:
    """traps 9 and 19"""
    client.send(b"a APPEND INBOX {99999999999}\r\n")
    response = client.read()
    assert (response.tag, response.kind) == ("a", "NO")
    assert response.code
    assert response.code.name == "TOOBIG"
    client.ok("NOOP")


def test_a_literal_too_large_that_was_sent_is_read_and_thrown_away(client: ImapClient, ours: None) -> None:
    """trap 9: never half-parsed; 200 MB of zeros over loopback"""
    words = client.ok("CAPABILITY").one("CAPABILITY")
    [limit] = [int(word.partition("=")[2]) for word in words if word.startswith("APPENDLIMIT=")]
    client.send(b"a APPEND INBOX {%d+}\r\n" % (limit + 1))
    chunk = bytes(1 << 20)
    left = limit + 1
    while left:
        client.send(chunk[: min(left, len(chunk))])
        left -= min(left, len(chunk))
    client.send(b"\r\nb NOOP\r\n")
    first = client.read()
    assert (first.tag, first.kind) == ("a", "NO")
    assert first.code
    assert first.code.name == "TOOBIG"
    assert client.finish("b").kind == "OK"


@pytest.mark.parametrize(
    "line",
    [
        "APPEND INBOX (\\Bogus\\) {5+}", "APPEND INBOX (\\Seen {5+}", 'APPEND INBOX "not a date" {5+}',
        'APPEND INBOX "31-Foo-2020 00:00:00 +0000" {5+}',
    ],
)  # fmt: skip
def test_malformed_arguments_are_refused_and_the_literal_is_not_taken_for_commands(
    client: ImapClient, line: str
) -> None:
    client.send(f"a {line}\r\nb NOO\r\nc NOOP\r\n".encode())
    assert client.finish("a").kind in ("BAD", "NO")
    assert client.finish("c").kind == "OK"


def test_without_a_literal_it_is_refused(client: ImapClient) -> None:
    client.bad("APPEND INBOX (\\Seen)")


def test_several_messages_at_once(inbox: ImapClient) -> None:
    """MULTIAPPEND (RFC 3502): all or nothing"""
    reply = inbox.ok("APPEND INBOX", "(\\Seen)", Literal(simple_message(1)), "(\\Flagged)", Literal(simple_message(2)))
    assert reply.code
    assert len(reply.code.args[1]) == 2
    flags = inbox.ok("FETCH 1:2 FLAGS").fetched
    assert "\\Seen" in flags[1]["FLAGS"]
    assert "\\Flagged" in flags[2]["FLAGS"]


def test_a_date_of_one_digit_without_space_is_taken_or_refused_cleanly(client: ImapClient) -> None:
    client.command('APPEND INBOX "1-Feb-2026 23:59:59 +0000"', Literal(b"x\r\n", plus=True))
    client.ok("NOOP")


def test_a_duplicate_message_id_is_two_messages(inbox: ImapClient) -> None:
    """trap 37"""
    for _ in range(2):
        inbox.append("INBOX", simple_message(1))
    inbox.ok("NOOP")
    assert inbox.exists == 2


def test_the_answer_comes_soon_after_the_last_octet(client: ImapClient) -> None:
    """trap 19: Thunderbird gives up after 20 s"""
    import time

    octets = simple_message(1, size=8_000_000)
    client.start("APPEND INBOX", Literal(octets), tag="big")
    begin = time.monotonic()
    assert client.finish("big").kind == "OK"
    assert time.monotonic() - begin < 10


def test_a_literal_split_anywhere_is_one_message(inbox: ImapClient) -> None:
    """trap 9"""
    octets = simple_message(1)
    command = b"a APPEND INBOX (\\Seen) {%d+}\r\n%s\r\n" % (len(octets), octets)
    for at in range(0, len(command), 37):
        inbox.send(command[:at])
        inbox.send(command[at:])
        assert inbox.finish("a").kind == "OK"
    inbox.ok("NOOP")
    assert {items["RFC822.SIZE"] for items in inbox.ok("FETCH 1:* RFC822.SIZE").fetched.values()} == {len(octets)}


def test_internaldate_is_never_an_rfc5322_date(inbox: ImapClient) -> None:
    """trap 6: on the wire, whatever the day and the zone"""
    for date in (" 1-Jan-2025 00:00:00 -1130", "28-Feb-2025 23:59:59 +1400", "09-Sep-2025 09:09:09 -0030"):
        inbox.append("INBOX", simple_message(1), f'"{date}"')
    inbox.ok("NOOP")
    raw = inbox.ok("FETCH 1:* INTERNALDATE").raw
    assert len(re.findall(rb'INTERNALDATE "[ 0-3][0-9]-[A-Z][a-z]{2}-[0-9]{4} [0-9:]{8} [+-][0-9]{4}"', raw)) == 3
