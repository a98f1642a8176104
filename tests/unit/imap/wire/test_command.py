from __future__ import annotations

import pytest

from mailkeep.imap.wire import command
from mailkeep.imap.wire.command import InvalidCommand
from mailkeep.imap.wire.framing import Raw


@pytest.mark.parametrize(
    ("line", "tag", "name", "rest"),
    [
        (b"a NOOP", b"a", "NOOP", b""),
        (b"a.1]~[ nOOp ", b"a.1]~[", "NOOP", b" "),
        (b"a UID FETCH 1 FLAGS", b"a", "UID FETCH", b" 1 FLAGS"),
        (b"a uid  fetch 1", b"a", "UID FETCH", b" 1"),
        (b"a UID", b"a", "UID", b""),
        (b"a UID (", b"a", "UID", b" ("),
        (b"a UIDX 1", b"a", "UIDX", b" 1"),
    ],
)
def test_tag_and_name_are_split_off(line: bytes, tag: bytes, name: str, rest: bytes) -> None:
    found = command.parse(Raw(line))
    assert (found.tag, found.name, found.args.text[found.args.pos :]) == (tag, name, rest)


@pytest.mark.parametrize(
    ("line", "tag"),
    [
        (b"", b"*"),
        (b" ", b"*"),
        (b" a NOOP", b"*"),
        (b"+ NOOP", b"*"),
        (b"a+b NOOP", b"*"),
        (b'"a" NOOP', b"*"),
        (b"\xff NOOP", b"*"),
        (b"a\tNOOP", b"*"),
        (b"x" * 256 + b" NOOP", b"*"),
        (b"a", b"a"),
        (b"a ", b"a"),
        (b"a  NOOP", b"a"),
        (b"a (NOOP)", b"a"),
        (b"a NOOP\0", b"a"),
        (b"a NOOP\r", b"a"),
        (b"a NOOP(", b"a"),
        (b"a " + b"N" * 65, b"a"),
    ],
)
def test_a_bad_head_is_answered_with_the_tag_if_there_is_one(line: bytes, tag: bytes) -> None:
    with pytest.raises(InvalidCommand) as caught:
        command.parse(Raw(line))
    assert caught.value.tag == tag
