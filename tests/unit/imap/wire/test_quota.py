"""GETQUOTA and SETQUOTA (RFC 9208 §7)."""

from __future__ import annotations

import pytest
from tests.unit.imap.wire.feeding import parse

from mailkeep.imap.wire import response
from mailkeep.imap.wire.lexer import ParseError
from mailkeep.imap.wire.quota import MAX_RESOURCES, SetQuota


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b'GETQUOTA "!partition/sda4"', "!partition/sda4"),
        (b'GETQUOTA ""', ""),
        (b"GETQUOTA {5+}\r\n#user", "#user"),
        (b"GETQUOTAROOT inbox", "INBOX"),
        (b'SETQUOTA "#user/alice" (STORAGE 510)', SetQuota("#user/alice", (("STORAGE", 510),))),
        (b'SETQUOTA "" (storage 0 x-foo 9)', SetQuota("", (("STORAGE", 0), ("X-FOO", 9)))),
        (b'SETQUOTA "" ()', SetQuota("", ())),
        (b'SETQUOTA "" (MESSAGE 9223372036854775807)', SetQuota("", (("MESSAGE", 2**63 - 1),))),
    ],
    ids=str,
)
def test_commands_are_read(line: bytes, value: object) -> None:
    assert parse(line) == value


@pytest.mark.parametrize(
    "line",
    [
        b"GETQUOTA", b"GETQUOTA a b", b"GETQUOTAROOT", b"SETQUOTA a", b"SETQUOTA a STORAGE 1", b"SETQUOTA a (STORAGE)",
        b"SETQUOTA a (STORAGE -1)", b"SETQUOTA a (STORAGE 1 STORAGE 2)", b"SETQUOTA a (STORAGE 9223372036854775808)",
        b"SETQUOTA a (STORAGE 1) b", b"SETQUOTA a (%b)" % b" ".join(b"x%d 1" % i for i in range(MAX_RESOURCES + 1)),
    ],
)  # fmt: skip
def test_what_breaks_the_grammar_is_refused(line: bytes) -> None:
    with pytest.raises(ParseError):
        parse(line)


def test_responses_are_written_as_the_grammar_says() -> None:
    rows = [("STORAGE", 54, 111), ("MESSAGE", 42, 1000)]
    assert response.quota("#user/alice", rows) == b"QUOTA #user/alice (STORAGE 54 111 MESSAGE 42 1000)"
    assert response.quota("", []) == b'QUOTA "" ()'
    assert response.quotaroot(b"INBOX", "#user/alice") == b"QUOTAROOT INBOX #user/alice"
