from __future__ import annotations

import pytest
from tests.unit.imap.wire.feeding import parse

from mailkeep.imap.wire.lexer import ParseError
from mailkeep.imap.wire.select import Qresync, Select


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"inbox", Select("INBOX")),
        (b"{5+}\r\na b/c", Select("a b/c")),
        (b"INBOX (CONDSTORE)", Select("INBOX", condstore=True)),
        (
            b"x (QRESYNC (67890007 20050715194045000))",
            Select("x", qresync=Qresync(uidvalidity=67890007, modseq=20050715194045000)),
        ),
        (
            b"x (QRESYNC (67890007 90060115194045000 41,43:211,214:541) CONDSTORE)",
            Select(
                "x",
                condstore=True,
                qresync=Qresync(
                    uidvalidity=67890007,
                    modseq=90060115194045000,
                    known_uids=((41, 41), (43, 211), (214, 541)),
                ),
            ),
        ),
        (
            b"x (QRESYNC (1 2 41:211,214:541 (1,5:8 10,20:21,30,32)))",
            Select(
                "x",
                qresync=Qresync(
                    uidvalidity=1,
                    modseq=2,
                    known_uids=((41, 211), (214, 541)),
                    matches=(
                        ((1, 1), (10, 10)),
                        ((5, 6), (20, 21)),
                        ((7, 7), (30, 30)),
                        ((8, 8), (32, 32)),
                    ),
                ),
            ),
        ),
        (
            b"x (QRESYNC (1 0 (1:3 4:6)))",
            Select("x", qresync=Qresync(uidvalidity=1, modseq=0, matches=(((1, 3), (4, 6)),))),
        ),
    ],
    ids=str,
)
def test_selects_are_read(text: bytes, expected: Select) -> None:
    assert parse(b"SELECT " + text) == parse(b"EXAMINE " + text) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"x ()",
        b"x y",
        b"x (FOO)",
        b"x (QRESYNC)",
        b"x (QRESYNC ())",
        b"x (QRESYNC (0 1))",
        b"x (QRESYNC (1))",
        b"x (QRESYNC (1 2 *))",
        b"x (QRESYNC (1 2 $))",
        b"x (QRESYNC (1 2 1:*))",
        b"x (QRESYNC (1 2 1:5 (1,2 1)))",
        b"x (QRESYNC (1 2 1:5 (1 1:2)))",
        b"x (QRESYNC (1 2 1:5 (1)))",
        b"x (QRESYNC (1 2 (1 1) 1:5))",
        b"x (QRESYNC (1 2) QRESYNC (1 2))",
    ],
)
def test_what_is_no_select_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        parse(b"SELECT " + text)
