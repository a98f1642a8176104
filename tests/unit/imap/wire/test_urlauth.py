"""The grammar of GENURLAUTH, RESETKEY and URLFETCH."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.imap.wire.feeding import parse

from mailkeep.imap.wire.lexer import ParseError
from mailkeep.imap.wire.resetkey import Resetkey
from mailkeep.imap.wire.urlfetch import UrlRequest, Wanted


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'GENURLAUTH "imap://a/b" INTERNAL', (("imap://a/b", "INTERNAL"),)),
        (b"genurlauth {1+}\r\nx internal y XSAMPLE", (("x", "INTERNAL"), ("y", "XSAMPLE"))),
        (b"RESETKEY", Resetkey()),
        (b"RESETKEY ", Resetkey()),
        (b"RESETKEY inbox", Resetkey("INBOX")),
        (b"RESETKEY x internal XSAMPLE", Resetkey("x", ("INTERNAL", "XSAMPLE"))),
        (b'URLFETCH "a" b', (UrlRequest("a"), UrlRequest("b"))),
        (b'URLFETCH ("a")', (UrlRequest("a"),)),
        (
            b'URLFETCH ("a" binary BODYPARTSTRUCTURE) b',
            (UrlRequest("a", Wanted.BINARY | Wanted.BODYPARTSTRUCTURE), UrlRequest("b")),
        ),
    ],
    ids=str,
)
def test_commands(text: bytes, value: Any) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    "text",
    [
        b"GENURLAUTH", b"GENURLAUTH x", b"GENURLAUTH x ", b'GENURLAUTH x "INTERNAL"', b"GENURLAUTH x INTERNAL y",
        b"GENURLAUTH" + b" x INTERNAL" * 501, b"RESETKEY x (INTERNAL)", b"URLFETCH", b"URLFETCH ()", b"URLFETCH (x",
        b"URLFETCH (x BODY BINARY)", b"URLFETCH (x BODY BODY)", b"URLFETCH (x y)", b"URLFETCH ((x))",
        b"URLFETCH" + b" x" * 501, b'URLFETCH "\xff"',
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        parse(text)
