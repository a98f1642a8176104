from __future__ import annotations

import pytest
from tests.unit.imap.wire.feeding import parse

from mailkeep.imap.wire.lexer import ParseError
from mailkeep.imap.wire.sequence_set import SequenceSet
from mailkeep.imap.wire.store import How, Store

TWO_TO_FOUR = SequenceSet(((2, 4),))


@pytest.mark.parametrize(
    ("action", "how", "silent"),
    [
        (b"FLAGS", How.REPLACE, False),
        (b"+Flags", How.ADD, False),
        (b"-flags", How.REMOVE, False),
        (b"FLAGS.SILENT", How.REPLACE, True),
        (b"+FLAGS.SILENT", How.ADD, True),
        (b"-FLAGS.SILENT", How.REMOVE, True),
    ],
)
def test_every_action(action: bytes, how: How, *, silent: bool) -> None:
    expected = Store(numbers=TWO_TO_FOUR, how=how, flags=("\\Deleted", "$Junk"), silent=silent, uid=False)
    assert parse(b"STORE 2:4 %b (\\deleted $Junk)" % action) == expected
    assert parse(b"STORE 2:4 %b \\Deleted $Junk" % action) == expected


def test_the_uid_form_and_the_condition() -> None:
    assert parse(b"UID STORE 2:4 (UNCHANGEDSINCE 12121230045) FLAGS ()") == Store(
        numbers=TWO_TO_FOUR, how=How.REPLACE, flags=(), silent=False, uid=True, unchanged_since=12121230045
    )


@pytest.mark.parametrize(
    "line",
    [
        b"STORE",
        b"STORE 1",
        b"STORE 1 FLAGS",
        b"STORE 1 FLAGS ",
        b"STORE 0 FLAGS (a)",
        b"STORE 1 *FLAGS (a)",
        b"STORE 1 FLAGS.LOUD (a)",
        b"STORE 1 FLAGS (a) b",
        b"STORE 1 FLAGS a  b",
        b"STORE 1 FLAGS (\\*)",
        b"STORE 1 () FLAGS (a)",
        b"STORE 1 (UNCHANGEDSINCE) FLAGS (a)",
        b"STORE 1 (UNCHANGEDSINCE 9223372036854775808) FLAGS (a)",
        b"STORE 1 (UNCHANGEDSINCE 1 UNCHANGEDSINCE 2) FLAGS (a)",
    ],
)
def test_what_is_no_store_is_refused(line: bytes) -> None:
    with pytest.raises(ParseError):
        parse(line)
