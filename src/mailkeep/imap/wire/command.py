"""The head of a command: its tag and its name (RFC 9051 §2.2.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailkeep.imap.wire.framing import UNKNOWN_TAG, Raw
from mailkeep.imap.wire.lexer import Lexer, ParseError

# The tag excludes "+", which would look like a continuation request in a response
_HEAD: Final = re.compile(
    rb'([^\x00-\x20\x7f-\xff(){%*"\\+]{1,255}) (UID +)?([A-Za-z0-9.\-]{1,64})(?=[ ]|\Z)', re.IGNORECASE
)
_TAG: Final = re.compile(rb'([^\x00-\x20\x7f-\xff(){%*"\\+]{1,255})(?=[ ]|\Z)')


class InvalidCommand(ParseError):
    """There is no tag and name.  `tag` is what the BAD must carry: ``*`` when the tag itself cannot be read."""

    def __init__(self, text: str, tag: bytes) -> None:
        super().__init__(text)
        self.tag = tag


# Not frozen: one is made for each command on the hot path.
@dataclass(slots=True)
class Command:
    """A command before its arguments are read.  `name` is in upper case; ``UID FETCH`` and its like are one name."""

    tag: bytes
    name: str
    args: Lexer


def parse(raw: Raw, *, utf8: bool = False, off: frozenset[str] = frozenset()) -> Command:
    """Split off tag and name.  `utf8` and `off`: see `Lexer`.  Raises: InvalidCommand."""
    found = _HEAD.match(raw.text)
    if found is None:
        tag = _TAG.match(raw.text)
        if tag is None:
            raise InvalidCommand("Invalid tag", UNKNOWN_TAG)
        raise InvalidCommand("Missing command" if tag.end() == len(raw.text) else "Invalid command name", tag[1])
    name = found[3].decode("ascii").upper()
    return Command(found[1], "UID " + name if found[2] else name, Lexer(raw, found.end(), utf8=utf8, off=off))
