"""GETMETADATA and SETMETADATA (RFC 5464 §4, §5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailkeep.imap.wire.framing import Streamed
from mailkeep.imap.wire.lexer import Lexer, ParseError

MAX_ENTRIES: Final = 200  # of one GETMETADATA
MAX_VALUES: Final = 100  # of one SETMETADATA
MAX_NAME: Final = 255  # octets of an entry's name
MAX_LEVELS: Final = 16  # of an entry's name
INFINITY: Final = 2

_NAME: Final = re.compile(rb"(?:/[^\x00-\x1f\x7f-\xff/*%]+)+\Z")
_DEPTHS: Final = {b"0": 0, b"1": 1, b"INFINITY": INFINITY}


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMetadata:
    """The command.  `mailbox` "" means the server.  `entries` in the spelling given.

    `depth`: 0, 1 or INFINITY levels below each entry too.  `max_size`: octets of the largest value wanted.
    """

    mailbox: str
    entries: tuple[str, ...]
    depth: int = 0
    max_size: int | None = None


@dataclass(frozen=True, slots=True)
class SetMetadata:
    """The command.  `mailbox` "" means the server; the value None removes an entry."""

    mailbox: str
    values: tuple[tuple[str, bytes | None], ...]


def parse_get(lexer: Lexer) -> GetMetadata:
    """The arguments of GETMETADATA.  Options stand before the mailbox in the grammar, after it in the examples."""
    lexer.space()
    options: dict[bytes, int] = {}
    if lexer.peek() == b"(":
        options = _options(lexer)
        lexer.space()
    mailbox = lexer.mailbox()
    lexer.space()
    if not options and lexer.peek() == b"(" and not _is_entries(lexer):
        options = _options(lexer)
        lexer.space()
    entries = entry_names(lexer)
    lexer.end()
    return GetMetadata(
        mailbox=mailbox, entries=entries, depth=options.get(b"DEPTH", 0), max_size=options.get(b"MAXSIZE")
    )


def parse_set(lexer: Lexer) -> SetMetadata:
    """The arguments of SETMETADATA."""
    lexer.space()
    mailbox = lexer.mailbox()
    lexer.space()

    def entry_value() -> tuple[str, bytes | None]:
        start = lexer.pos
        entry = _entry(lexer)
        _require_whole(entry, start)
        lexer.space()
        return entry, _value(lexer)

    values = tuple(lexer.items(entry_value))
    _require_few(lexer, len(values), MAX_VALUES)
    lexer.end()
    return SetMetadata(mailbox, values)


def entry_names(lexer: Lexer) -> tuple[str, ...]:
    """Entries in parentheses, or one alone; several without parentheses too, as in two examples of RFC 5464 §4.4.1."""
    if lexer.peek() == b"(":
        names = lexer.items(lambda: _entry(lexer))
    else:
        names = [_entry(lexer)]
        while lexer.more():
            names.append(_entry(lexer))
    _require_few(lexer, len(names), MAX_ENTRIES)
    return tuple({name.lower(): name for name in names}.values())


def _require_few(lexer: Lexer, count: int, most: int) -> None:
    if count > most:
        raise lexer.error(f"More than {most} entries")


def _is_entries(lexer: Lexer) -> bool:
    """Whether the parenthesis here opens a list of entries: their names begin with a slash."""
    return lexer.text[lexer.pos + 1 : lexer.pos + 2] in (b"/", b'"', b"{")


def _options(lexer: Lexer) -> dict[bytes, int]:
    found: dict[bytes, int] = {}

    def option() -> None:
        word = lexer.word()
        if word in found:
            raise lexer.error(f"{word.decode()} twice")
        lexer.space()
        match word:
            case b"MAXSIZE":
                found[word] = lexer.number64()
            case b"DEPTH":
                start = lexer.pos
                depth = _DEPTHS.get(lexer.word())
                if depth is None:
                    raise ParseError("DEPTH is 0, 1 or infinity", start)
                found[word] = depth
            case _:
                raise lexer.error("Unknown option, not MAXSIZE or DEPTH")

    lexer.items(option)
    return found


def _entry(lexer: Lexer) -> str:
    start = lexer.pos
    octets = lexer.astring()
    name = octets.decode("ascii", "replace")
    if not _NAME.match(octets) or name.lower().split("/")[1] not in ("private", "shared"):
        raise ParseError("An entry looks like /private/comment or /shared/comment", start)
    if len(octets) > MAX_NAME or name.count("/") > MAX_LEVELS:
        raise ParseError(f"An entry has at most {MAX_NAME} octets and {MAX_LEVELS} levels", start)
    return name


def _require_whole(entry: str, start: int) -> None:
    """RFC 5464 §3.2: two levels at least, and four below /private/vendor and /shared/vendor.  Raises: ParseError."""
    levels = entry.lower().split("/")[1:]
    if len(levels) < (4 if levels[1:2] == ["vendor"] else 2):
        raise ParseError("This is a place for entries, not an entry that can have a value", start)


def _value(lexer: Lexer) -> bytes | None:
    """Nstring or literal8."""
    if lexer.peek() not in (b"{", b"~"):
        return lexer.nstring()
    start = lexer.pos
    content, is_binary = lexer.literal()
    assert not isinstance(content, Streamed)  # only messages of APPEND are
    if 0 in content and not is_binary:
        raise ParseError("A string must not contain NUL", start)
    return content
