"""The words of the IMAP grammar, read from left to right out of one command (RFC 9051 §9)."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Callable
from datetime import date
from typing import Final, TypeVar

from mailkeep.imap.wire import sequence_set, utf7
from mailkeep.imap.wire.framing import Raw, Streamed
from mailkeep.imap.wire.sequence_set import SequenceSet

T = TypeVar("T")

MAX_NUMBER: Final = 2**32 - 1
MAX_NUMBER64: Final = 2**63 - 1


class ParseError(ValueError):
    """The command breaks the grammar: answer BAD with `text`.  `position`: the octet at which it went wrong."""

    def __init__(self, text: str, position: int = 0) -> None:
        super().__init__(text)
        self.text = text
        self.position = position


class Refusal(ParseError):
    """The grammar is kept, but an argument cannot be understood: answer NO with `[code]` and `text`."""

    def __init__(self, code: str, text: str, position: int = 0) -> None:
        super().__init__(text, position)
        self.code = code


_ATOM: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_ASTRING: Final = re.compile(rb'[^\x00-\x20\x7f(){%*"\\]+')  # 8-bit too: imaplib's users send it unquoted
_PATTERN: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){"\\]+')
_QUOTED: Final = re.compile(rb'"((?:[^"\\\r\n\x00]++|(?:\\["\\])++)*+)"')
_LITERAL: Final = re.compile(rb"(~?)\{[0-9]{1,20}\+?\}\r?\n")
_END: Final = re.compile(rb" *\Z")
_WORD: Final = re.compile(rb"[A-Za-z0-9.\-+]+")
_DIGITS: Final = re.compile(rb"[0-9]+")
_SET: Final = re.compile(rb"[0-9*:,$]+")
_FLAG: Final = re.compile(rb'\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_DATE: Final = re.compile(rb'("?)([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})\1(?=[ )]|\Z)')
_DATE_TIME: Final = re.compile(
    rb'"([ 0-9]?[0-9])-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"'
)

_MONTHS: Final = {
    month: number
    for number, month in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), 1
    )
}
_SYSTEM_FLAGS: Final = {
    name.lower().encode(): name for name in ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "\\Recent")
}


class Lexer:
    """A place in a command.  Each method reads one word and moves on, or raises ParseError.

    `utf8`: mailbox names are UTF-8 (IMAP4rev2 or UTF8=ACCEPT is enabled), else modified UTF-7.  `off`: capabilities
    that are switched off, see `needs`.
    """

    __slots__ = ("_literal", "literals", "off", "pos", "text", "utf8")

    def __init__(self, raw: Raw, pos: int = 0, *, utf8: bool = False, off: frozenset[str] = frozenset()) -> None:
        self.text = raw.text
        self.literals = raw.literals
        self.pos = pos
        self.utf8 = utf8
        self.off = off
        self._literal = 0  # literals read so far

    def error(self, text: str) -> ParseError:
        """An error at this place, to be raised."""
        return ParseError(text, self.pos)

    def needs(self, capability: str) -> None:
        """What has just been read belongs to `capability`: an error when that is switched off."""
        if capability in self.off:
            raise self.error(f"{capability} is not offered")

    # Punctuation

    def space(self) -> None:
        """Exactly one space."""
        if self.text[self.pos : self.pos + 1] != b" ":
            raise self.error("Missing argument" if self.at_end() else "A space is expected")
        self.pos += 1

    def skip(self, octets: bytes) -> bool:
        """Whether `octets` (upper case, if letters) stand here in any case; they are read if so."""
        end = self.pos + len(octets)
        if self.text[self.pos : end].upper() != octets:
            return False
        self.pos = end
        return True

    def expect(self, octets: bytes) -> None:
        """`octets` in any case."""
        if not self.skip(octets):
            raise self.error(f"{octets.decode()} is expected")

    def peek(self) -> bytes:
        """The next octet, unread; empty at the end."""
        return self.text[self.pos : self.pos + 1]

    def at_end(self) -> bool:
        """Whether nothing but spaces is left."""
        return _END.match(self.text, self.pos) is not None

    def end(self) -> None:
        """Nothing more; spaces at the end are forgiven."""
        if self.pos < len(self.text) and not self.at_end():
            raise self.error("Too many arguments")

    def more(self) -> bool:
        """Read the space before a further item; False at the closing parenthesis or the end, nothing read."""
        if self.text[self.pos : self.pos + 1] == b" " and not self.at_end():
            self.pos += 1
            return True
        return False

    def items(self, item: Callable[[], T], *, may_be_empty: bool = False) -> list[T]:
        """A parenthesized list of `item` with single spaces between."""
        self.expect(b"(")
        if may_be_empty and self.skip(b")"):
            return []
        out = [item()]
        while not self.skip(b")"):
            self.space()
            out.append(item())
        return out

    # Words and strings

    def word(self) -> bytes:
        """A word of the grammar (letters, digits, ``.``, ``-``, ``+``), in upper case."""
        found = _WORD.match(self.text, self.pos)
        if found is None:
            raise self.error("A keyword is expected")
        self.pos = found.end()
        return found[0].upper()

    def atom(self) -> str:
        """atom, in the spelling given."""
        found = _ATOM.match(self.text, self.pos)
        if found is None:
            raise self.error("An atom is expected")
        self.pos = found.end()
        return found[0].decode("ascii")

    def astring(self) -> bytes:
        """astring: atom, quoted string or literal; never holds NUL."""
        found = _ASTRING.match(self.text, self.pos)
        if found is None:
            return self.string()
        self.pos = found.end()
        return found[0]

    def string(self) -> bytes:
        """Quoted string or literal; never holds NUL."""
        found = _QUOTED.match(self.text, self.pos)
        if found is None:
            return self._small_literal()
        self.pos = found.end()
        content = found[1]
        if self.utf8 and not content.isascii():
            self._decoded(content, found.start())  # RFC 9755 §3: what is not UTF-8 is an error
        if b"\\" not in content:
            return content
        # quicker than an expression, and right as the content holds no NUL
        return content.replace(b"\\\\", b"\0").replace(b"\\", b"").replace(b"\0", b"\\")

    def nstring(self) -> bytes | None:
        """A string, or None for NIL."""
        if self.text[self.pos : self.pos + 3].upper() == b"NIL":
            self.pos += 3
            return None
        return self.string()

    def text_astring(self) -> str:
        """astring as text; UTF-8 is understood always."""
        start = self.pos
        return self._decoded(self.astring(), start)

    def text_nstring(self) -> str | None:
        """Nstring as text; UTF-8 is understood always."""
        start = self.pos
        octets = self.nstring()
        return None if octets is None else self._decoded(octets, start)

    def literal(self) -> tuple[bytes | Streamed, bool]:
        """A literal of any size, and whether it is literal8; it may hold NUL."""
        found = _LITERAL.match(self.text, self.pos)
        if found is None or self._literal >= len(self.literals):
            raise self.error("A string is expected")
        self.pos = found.end()
        content = self.literals[self._literal]
        self._literal += 1
        return content, bool(found[1])

    def _small_literal(self) -> bytes:
        start = self.pos
        content, is_binary = self.literal()
        if is_binary or isinstance(content, Streamed):
            raise ParseError("literal8 is not allowed here", start)
        if 0 in content:
            raise ParseError("A string must not contain NUL", start)
        return content

    def _decoded(self, octets: bytes, start: int) -> str:
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            raise ParseError("A string is not valid UTF-8", start) from None

    # Mailbox names

    def mailbox(self) -> str:
        """Mailbox name; INBOX in any case is ``INBOX``.  Raises: Refusal, when the name is wrongly encoded."""
        start = self.pos
        return self._name(self.astring(), start)

    def list_mailbox(self) -> str:
        """A name that may hold ``%`` and ``*`` unquoted.  Raises: Refusal, when it is wrongly encoded."""
        start = self.pos
        found = _PATTERN.match(self.text, start)
        if found is None:
            return self._name(self.string(), start)
        self.pos = found.end()
        return self._name(found[0], start)

    def _name(self, octets: bytes, start: int) -> str:
        try:
            name = octets.decode("utf-8") if self.utf8 else utf7.decode(octets)
        except ValueError:
            encoding = "UTF-8" if self.utf8 else "modified UTF-7"
            raise Refusal("CANNOT", f"The mailbox name is not valid {encoding}", start) from None
        return "INBOX" if len(name) == 5 and name.upper() == "INBOX" else name

    # Numbers

    def number(self, largest: int = MAX_NUMBER) -> int:
        """A number from 0 to `largest`."""
        found = _DIGITS.match(self.text, self.pos)
        if found is None:
            raise self.error("A number is expected")
        digits = found[0].lstrip(b"0") or b"0"
        if len(digits) > 19 or (value := int(digits)) > largest:
            raise self.error("The number is too large")
        self.pos = found.end()
        return value

    def number64(self) -> int:
        """A number from 0 to 2**63-1."""
        return self.number(MAX_NUMBER64)

    def nz_number(self, largest: int = MAX_NUMBER) -> int:
        """A number from 1 to `largest`, without leading zeros."""
        if self.peek() == b"0":
            raise self.error("The number must not begin with 0")
        return self.number(largest)

    def sequence_set(self) -> SequenceSet:
        """sequence-set, ``$`` too."""
        found = _SET.match(self.text, self.pos)
        if found is None:
            raise self.error("A sequence set is expected")
        try:
            numbers = sequence_set.parse(found[0])
        except ValueError as problem:
            raise self.error(f"Invalid sequence set: {problem}") from None
        if numbers.saved:
            self.needs("SEARCHRES")
        self.pos = found.end()
        return numbers

    # Flags

    def flag(self) -> str:
        r"""Flag or keyword; system flags come in the RFC's spelling, ``\Recent`` and unknown ``\Flags`` too."""
        found = _FLAG.match(self.text, self.pos)
        if found is None:
            raise self.error("A flag is expected")
        self.pos = found.end()
        octets = found[0]
        return _SYSTEM_FLAGS.get(octets.lower()) or octets.decode("ascii")

    def flag_list(self) -> tuple[str, ...]:
        """Flags in parentheses, perhaps none."""
        return tuple(self.items(self.flag, may_be_empty=True))

    # Dates

    def date(self) -> date:
        """A day: ``1-Feb-1994``, perhaps in quotes."""
        found = _DATE.match(self.text, self.pos)
        if found is None:
            raise self.error("A date like 1-Feb-1994 is expected")
        try:
            value = date(int(found[4]), _MONTHS[found[3].lower()], int(found[2]))
        except (KeyError, ValueError):
            raise self.error("There is no such date") from None
        self.pos = found.end()
        return value

    def date_time(self) -> int:
        """date-time as UTC seconds: ``" 7-Feb-1994 21:52:25 -0800"``."""
        found = _DATE_TIME.match(self.text, self.pos)
        if found is None:
            raise self.error('A date-time like " 7-Feb-1994 21:52:25 -0800" is expected')
        day, month, year, hour, minute, second, sign, zone_hour, zone_minute = found.groups()
        try:
            value = timegm(date(int(year), _MONTHS[month.lower()], int(day)).timetuple())
        except (KeyError, ValueError):
            raise self.error("There is no such date") from None
        if int(hour) > 23 or int(minute) > 59 or int(second) > 60 or int(zone_minute) > 59:
            raise self.error("There is no such time")
        offset = int(zone_hour) * 3600 + int(zone_minute) * 60
        self.pos = found.end()
        return value + int(hour) * 3600 + int(minute) * 60 + int(second) + (offset if sign == b"-" else -offset)
