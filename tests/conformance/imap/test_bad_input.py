"""What is not IMAP: refused with words, and the connection goes on (RFC 9051 §7.1.3)."""

from __future__ import annotations

import random

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Literal
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("9051", "7.1.3")


@pytest.mark.parametrize(
    "line",
    [
        b"a BOGUS", b"a", b"a ", b"a  NOOP", b"a NOOP extra",
        b"a SELECT", b'a SELECT "open', b'a SELECT "bad \\escape"',
        b"a SELECT \x80\xff", b"a SELECT a\0b", b'a SELECT "a\0b"',
        b"a LIST (((", b"a FETCH 1 (((((", b"a STATUS INBOX ((MESSAGES))",
        b"a UID", b"a ENABLE \xe9", b"a SEARCH \x01", b"a SELECT {x}",
        b"a SELECT {-1}", b"a SELECT {}", b"a SELECT {1", b"a NOOP)",
        b"a LOGIN", b"a STARTTLS", b"a AUTHENTICATE PLAIN", b"a SELECT INBOX (", b"a STORE 1", b"a APPEND INBOX x",
    ],
    ids=repr,
)  # fmt: skip
def test_a_line_that_is_not_a_command_is_bad_and_the_connection_goes_on(client: ImapClient, line: bytes) -> None:
    client.send(line + b"\r\nz NOOP\r\n")
    first = client.read()
    assert first.kind in ("BAD", "NO")
    assert first.tag in ("a", "*")
    assert len(first.text) > 3
    assert client.finish("z").kind == "OK"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b" a NOOP",
        b"* NOOP",
        b"+ NOOP",
        b'"a" NOOP',
        b"(a) NOOP",
        b"\x80 NOOP",
        b"a\0b NOOP",
        b"{1} NOOP",
        b"GET / HTTP/1.1",
    ],
    ids=repr,
)
def test_a_line_without_a_tag_is_bad_and_the_connection_goes_on(client: ImapClient, line: bytes) -> None:
    client.send(line + b"\r\nz NOOP\r\n")
    assert client.read().kind == "BAD"
    assert client.finish("z").kind == "OK"


def test_a_bare_lf_ends_a_line_or_is_refused(client: ImapClient) -> None:
    client.send(b"a NOOP\nb NOOP\r\nc NOOP\r\n")
    while client.read().tag != "c":
        pass


def test_twenty_mistakes_in_a_row_end_it_with_bye(client: ImapClient, ours: None) -> None:
    client.send(b"a BOGUS\r\n" * 25)
    kinds = []
    while "BYE" not in kinds:
        kinds.append(client.read().kind)
    assert kinds.count("BAD") == 20
    assert client.ended()


def test_a_good_command_between_forgives_mistakes(client: ImapClient) -> None:
    for _ in range(5):
        for _ in range(8):
            client.bad("BOGUS")
        client.ok("NOOP")


def test_a_line_of_64_kilobytes_is_taken(inbox: ImapClient) -> None:
    """trap 29"""
    inbox.ok("UID FETCH " + ",".join(["1"] * 32_000) + " FLAGS")


def test_a_line_of_ten_megabytes_is_toobig_and_the_connection_goes_on(client: ImapClient, ours: None) -> None:
    """trap 29"""
    client.send(b"a NOOP " + b"x" * 10_000_000 + b"\r\nz NOOP\r\n")
    first = client.read()
    assert first.kind == "BAD"
    assert first.code
    assert first.code.name == "TOOBIG"
    assert client.finish("z").kind == "OK"


@pytest.mark.parametrize("command", ["LOGIN", "SELECT", "CREATE", 'LIST ""', "SEARCH SUBJECT", "ID"])
def test_a_waiting_client_is_refused_a_literal_too_large(
    server: Service, account: Account, command: str, ours: None
) -> None:
    """trap 9"""
    client = server.connect() if command == "LOGIN" else server.connect(account)
    if command.startswith("SEARCH"):
        client.ok("SELECT INBOX")
    client.send(f"a {command} {{99999999}}\r\n".encode())
    response = client.read()
    assert response.tag in ("a", "*")
    assert response.kind in ("BAD", "NO")
    client.send(b"z NOOP\r\n")
    assert client.finish("z").kind == "OK"


def test_a_literal_too_large_that_was_sent_anyway_is_thrown_away(server: Service, ours: None) -> None:
    """trap 9: not half-parsed, and before login too"""
    client = server.connect()
    client.send(b"a LOGIN {3000000+}\r\n" + b"b NOOP\r\n" * 375_000 + b" x\r\nz NOOP\r\n")
    first = client.read()
    if first.kind == "BYE":
        return
    assert (first.tag, first.kind) in (("a", "BAD"), ("a", "NO"))
    assert client.finish("z").kind == "OK"


def test_a_thousand_literals_in_one_command_are_bounded(client: ImapClient) -> None:
    """trap 9: CVE-2024-34055"""
    client.send(b"a ID (" + b"{60000+}\r\n" + b"x" * 60000)
    for _ in range(200):
        client.send(b" {60000+}\r\n" + b"x" * 60000)
    client.send(b")\r\nz NOOP\r\n")
    while True:
        response = client.read()
        if response.kind == "BYE" or response.tag == "z":
            break
        assert response.kind in ("BAD", "NO")


FORMS = [
    lambda name: name.encode(),
    lambda name: b'"%b"' % name.encode(),
    lambda name: b"{%d+}\r\n%b" % (len(name), name.encode()),
]


@pytest.mark.parametrize("seed", range(7))
def test_any_split_of_the_octets_means_the_same(client: ImapClient, seed: int) -> None:
    """trap 9: commands in several forms, cut anywhere"""
    chance = random.Random(seed)
    client.command("CREATE xbox")
    octets = simple_message(seed)
    stream = b"".join(
        [
            b"a1 STATUS %b (MESSAGES)\r\n" % chance.choice(FORMS)("xbox"),
            b"a2 APPEND %b (\\Seen) {%d+}\r\n%b\r\n" % (chance.choice(FORMS)("xbox"), len(octets), octets),
            b"a3 SELECT %b\r\n" % chance.choice(FORMS)("xbox"),
            b"a4 SEARCH SUBJECT %b BODY %b\r\n" % (chance.choice(FORMS)("message"), chance.choice(FORMS)("Hello")),
            b"a5 IDLE\r\nDONE\r\na6 NOOP\r\n",
        ]
    )
    at = 0
    while at < len(stream):
        size = chance.choice([1, 2, 3, 7, 50])
        client.send(stream[at : at + size])
        at += size
    tagged = []
    found = []
    while "a6" not in tagged:
        response = client.read()
        if response.kind == "SEARCH":
            found = response.data["numbers"]
        if response.tag not in ("*", "+"):
            assert response.kind == "OK", response.raw
            tagged.append(response.tag)
    assert tagged == ["a1", "a2", "a3", "a4", "a5", "a6"]
    assert found == [1]


def test_an_answer_comes_in_one_tls_record(server: Service, account: Account) -> None:
    """trap 31: Evolution lost its place when a line was split"""
    client = server.connect_tls(account)
    for number in range(20):
        client.send(b"n%d NOOP\r\n" % number)
        assert client.socket.recv(65536).endswith(b"\r\n")


def test_answers_to_pipelined_commands_come_in_order(client: ImapClient) -> None:
    """trap 11: untagged data stands before its own tag"""
    client.send(b"".join(b"s%d STATUS INBOX (MESSAGES)\r\n" % n for n in range(500)))
    for number in range(500):
        assert client.read().kind == "STATUS"
        assert client.read().tag == f"s{number}"


def test_http_on_this_port_gets_no_hold(server: Service) -> None:
    client = server.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\na NOOP\r\n")
    kinds = [client.read().kind for _ in range(3)]
    assert set(kinds) <= {"BAD", "BYE"}


def test_tls_on_the_clear_port_harms_nobody_else(server: Service, client: ImapClient) -> None:
    other = server.connect()
    other.send(bytes.fromhex("16030100c8010000c40303") + bytes(200))
    client.ok("NOOP")


def test_a_client_that_vanishes_in_a_literal_leaves_nothing(
    server: Service, account: Account, client: ImapClient
) -> None:
    other = server.connect(account)
    other.send(b"a APPEND INBOX {100000+}\r\n" + b"x" * 5000)
    other.close()
    client.ok("NOOP")
    assert client.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 0


def test_a_slow_reader_does_not_hold_up_others(server: Service, account: Account, client: ImapClient) -> None:
    for _ in range(8):
        client.append("INBOX", simple_message(1, size=1_000_000))
    slow = server.connect(account)
    slow.ok("SELECT INBOX")
    slow.send(b"a FETCH 1:* BODY.PEEK[]\r\n" * 4)  # and reads nothing
    for _ in range(50):
        client.ok("NOOP")


def test_literals_in_every_astring(client: ImapClient) -> None:
    """trap 9"""
    client.ok("CREATE", Literal(b"lit", plus=True))
    client.ok("SUBSCRIBE", Literal(b"lit"))
    client.ok("STATUS", Literal(b"lit"), "(MESSAGES)")
    client.ok("SELECT", Literal(b"lit", plus=True))
    client.ok("LIST", Literal(b""), Literal(b"l%"))
    client.ok("RENAME", Literal(b"lit"), Literal(b"til", plus=True))
    client.ok("DELETE", Literal(b"til"))
