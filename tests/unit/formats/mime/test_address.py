"""Address lists: every form of RFC 5322 §3.4 and §4.4, and what people make of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.corpus import ADDRESSES

from mailkeep.formats.mime.address import MAX_ADDRESSES, MISSING_DOMAIN, MISSING_MAILBOX, Address, parse_addresses

ANN = Address(None, None, b"ann", b"example.org")
END = Address(None, None, None, None)


def named(name: bytes) -> list[Address]:
    return [ANN._replace(name=name)]


def spec(text: bytes, name: bytes | None = None) -> Address:
    local, _, domain = text.rpartition(b"@")
    return Address(name, None, local, domain)


def group(name: bytes, *members: Address) -> list[Address]:
    return [Address(None, None, name, None), *members, END]


A, B, C = spec(b"a@x.example"), spec(b"b@x.example"), spec(b"c@x.example")
EXPECTED = {
    "bare": [ANN],
    "angle": [ANN],
    "name": named(b"Ann Lee"),
    "quoted name": named(b"Lee, Ann"),
    "quoted name with escapes": named(rb'A "B" \ C'),
    "name with dots": named(b"Ann B. Lee"),
    "name of several words and quotes": named(b"Ann B C Lee"),
    "name with extra space": named(b"Ann B Lee"),
    "comment as name": named(b"Ann Lee"),
    "nested comment": named(b"Ann (the) Lee"),
    "comment before angle": named(b"Ann Lee"),
    "comment everywhere": named(b"Ann"),
    "several": [A, B._replace(name=b"B"), C._replace(name=b"C")],
    "empty elements": [A, B],
    "group": group(b"Team", A, B._replace(name=b"B")),
    "empty group": group(b"undisclosed-recipients"),
    "group among others": [A, *group(b"Team", B), C],
    "quoted group name": group(b"The: Team", A),
    "group without end": group(b"Team", A),
    "route": [Address(b"Ann", b"@a.example,@b.example", b"ann", b"example.org")],
    "domain literal": [spec(b"ann@[192.0.2.1]"), spec(b"bob@[IPv6:2001:db8::1]", b"Bob")],
    "quoted local part": [Address(None, None, b"ann lee", b"example.org"), Address(b"X", None, b"a@b", b"example.org")],
    "obsolete local part": [spec(b"ann.lee@example.org")],
    "no domain": [Address(None, None, b"ann", MISSING_DOMAIN), Address(b"Bob", None, b"bob", MISSING_DOMAIN)],
    "no local part": [Address(None, None, MISSING_MAILBOX, b"example.org")],
    "empty angle": [Address(None, None, MISSING_MAILBOX, MISSING_DOMAIN)],
    "name and empty angle": [Address(b"MAILER-DAEMON", None, MISSING_MAILBOX, MISSING_DOMAIN)],
    "words only": [Address(b"undisclosed recipients", None, MISSING_MAILBOX, MISSING_DOMAIN)],
    "encoded word": [spec(b"zoe@example.org", b"=?utf-8?q?Zo=C3=AB_Gr=C3=BCn?=")],
    "two encoded words": [spec(b"zoe@example.org", b"=?utf-8?q?Zo=C3=AB?= =?utf-8?q?_Gr=C3=BCn?=")],
    "8-bit name": [spec(b"zoe@example.org", b"Zo\xeb")],
    "8-bit address": [spec("zoë@bücher.example".encode())],
    "unclosed quote": named(b"Ann"),
    "unclosed angle": named(b"Ann"),
    "unclosed comment": named(b"Ann"),
    "two at signs": [Address(None, None, b"ann", b"lee")],
    "name with at sign": named(b"ann@x.example"),
    "semicolons as commas": [A, B],
    "trailing junk": [ANN],
    "empty name": [ANN],
    "apostrophes": [spec(b"o'neil@example.org", b"O'Neil")],
    "folded": named(b"Ann Lee"),
    "backslash outside quotes": named(rb"Ann\Lee"),
}


def test_every_address_of_the_corpus_has_its_meaning_here() -> None:
    assert EXPECTED.keys() == ADDRESSES.keys()


@pytest.mark.parametrize("name", ADDRESSES)
def test_addresses(name: str) -> None:
    assert parse_addresses(ADDRESSES[name]) == EXPECTED[name]


def test_odd_addresses_do_not_spoil_their_neighbours() -> None:
    assert parse_addresses(b"a@x.example, (odd, b@x.example, c@x.example") == [A]
    assert parse_addresses(b'a@x.example, "odd, b@x.example') == [A, Address(None, None, b"odd", MISSING_DOMAIN), B]


@pytest.mark.parametrize(
    "piece",
    [
        b"a@b, ",
        b"Team: a@b, c@d; ",
        b"a, ",
        b"(x) a@b, ",
        b'"',
        b"<",
        b"a.",
        b"[",
        b"(",
        b"\\",
        b"[, ",
        b'", ',
        b" ",
        b"\n ",
    ],
)
def test_long_lists_end_at_the_limit(piece: bytes) -> None:
    assert len(parse_addresses(piece * 20_000)) <= MAX_ADDRESSES + 3


@given(st.lists(st.sampled_from([*b'<>@,;:."()[]\\ \r\n\tab=?\xff']), max_size=60).map(bytes))
def test_any_octets_give_well_formed_addresses(value: bytes) -> None:
    depth = 0
    for name, route, local, domain in parse_addresses(value):
        if domain is not None:
            assert local
            continue
        assert name is None
        assert route is None
        depth += 1 if local is not None else -1
        assert depth in (0, 1)
    assert depth == 0
