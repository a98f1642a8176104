"""SETACL, DELETEACL, LISTRIGHTS and their responses (RFC 4314 §7)."""

from __future__ import annotations

import pytest
from tests.unit.imap.wire.feeding import parse

from mailkeep.imap.wire import acl
from mailkeep.imap.wire.acl import MAX_IDENTIFIER, Identified, Modify, SetAcl
from mailkeep.imap.wire.lexer import ParseError


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"SETACL INBOX/Drafts Chris +cda", SetAcl("INBOX/Drafts", "Chris", Modify.ADD, "cda")),
        (b"SeTacl INBOX/Drafts David lrswida", SetAcl("INBOX/Drafts", "David", Modify.REPLACE, "lrswida")),
        (b'SETACL inbox -fred "-w"', SetAcl("INBOX", "-fred", Modify.REMOVE, "w")),
        (b'SETACL inbox fred ""', SetAcl("INBOX", "fred", Modify.REPLACE, "")),
        (b"SETACL inbox {4+}\r\nfred +", SetAcl("INBOX", "fred", Modify.ADD, "")),
        (b'SETACL x "B\xc3\xbccher" lr', SetAcl("x", "Bücher", Modify.REPLACE, "lr")),
        (b'SETACL x "Bu\xcc\x88cher" lr', SetAcl("x", "Bücher", Modify.REPLACE, "lr")),
        (b"DeleteAcl INBOX Fred", Identified("INBOX", "Fred")),
        (b"LISTRIGHTS ~/Mail/saved smith", Identified("~/Mail/saved", "smith")),
        (b"getacl inbox", "INBOX"),
        (b"MYRIGHTS x", "x"),
    ],
    ids=str,
)
def test_commands_are_read(line: bytes, value: object) -> None:
    assert parse(line) == value


@pytest.mark.parametrize(
    "line",
    [
        b"SETACL", b"SETACL x", b"SETACL x y", b"SETACL x y z w", b'SETACL x "" lr', b'SETACL x "-" lr', b"GETACL",
        b"DELETEACL x", b"DELETEACL x y z", b'LISTRIGHTS x "a\tb"', b'LISTRIGHTS x "\xff"', b"MYRIGHTS",
        b"MYRIGHTS x y",        b"SETACL x %b lr" % (b"y" * (MAX_IDENTIFIER + 1)),
    ],
)  # fmt: skip
def test_what_breaks_the_grammar_is_refused(line: bytes) -> None:
    with pytest.raises(ParseError):
        parse(line)


def test_responses_are_exact() -> None:
    assert acl.acl(b"INBOX", []) == b"* ACL INBOX\r\n"
    assert acl.acl(b"INBOX", [("a@b", "lr"), ("-anyone", "")]) == b'* ACL INBOX a@b lr -anyone ""\r\n'
    assert acl.acl(b"x", [("ü@b", "lr")]) == b"* ACL x {4}\r\n\xc3\xbc@b lr\r\n"
    assert acl.listrights(b"x", "a b", "", "lr") == b'* LISTRIGHTS x "a b" "" l r\r\n'
    assert acl.myrights(b"x", "") == b'* MYRIGHTS x ""\r\n'
