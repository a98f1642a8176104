"""SEARCH and UID SEARCH (RFC 9051 §6.4.4, RFC 3501 §6.4.4, RFC 7162 §3.1.5, RFC 5032, RFC 8474 §6, RFC 8514 §4.4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Final

from mailkeep.imap.wire.fetch import read_attributes
from mailkeep.imap.wire.lexer import Lexer, ParseError
from mailkeep.imap.wire.search_return import Return, Returns, read_returns
from mailkeep.imap.wire.sequence_set import MAX, SequenceSet


class DateOf(Enum):
    """Which date of a message a key looks at."""

    INTERNAL = "internal"
    SENT = "sent"
    SAVED = "saved"


class When(Enum):
    """How that date must compare: as days, whatever the time and zone."""

    BEFORE = "before"
    ON = "on"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class All:
    """Every message."""


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more keys."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of two or more keys."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this key."""

    key: Key


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """What fits this key more or less (RFC 6203)."""

    key: Key


@dataclass(frozen=True, slots=True)
class HasFlag:
    r"""A flag is set: ``\Seen``, …, ``\Recent``, or a keyword as written.  UNSEEN is Not(HasFlag), NEW an And."""

    flag: str


@dataclass(frozen=True, slots=True)
class Date:
    """BEFORE, ON, SINCE, SENTBEFORE, …, SAVEDSINCE."""

    of: DateOf
    when: When
    day: date


@dataclass(frozen=True, slots=True)
class Older:
    """OLDER: the internal date is `seconds` or more ago (RFC 5032)."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Younger:
    """YOUNGER: the internal date is at most `seconds` ago (RFC 5032)."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Larger:
    """RFC822.SIZE is greater than `size` octets."""

    size: int


@dataclass(frozen=True, slots=True)
class Smaller:
    """RFC822.SIZE is less than `size` octets."""

    size: int


@dataclass(frozen=True, slots=True)
class Header:
    """The header field (any case) contains the text; an empty text: the field is there.  FROM, TO, … are this too."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Body:
    """The body contains the text."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """Header or body contains the text."""

    text: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """Message numbers, and ``$`` (see `SequenceSet.saved`)."""

    numbers: SequenceSet


@dataclass(frozen=True, slots=True)
class Uids:
    """UID sequence-set."""

    numbers: SequenceSet


@dataclass(frozen=True, slots=True)
class ModSeq:
    """MODSEQ: it is `at_least` or greater; an entry name, if given, is read and not used (RFC 7162 §3.1.5)."""

    at_least: int


@dataclass(frozen=True, slots=True)
class EmailId:
    """EMAILID, as printed by FETCH (RFC 8474)."""

    objectid: str


@dataclass(frozen=True, slots=True)
class ThreadId:
    """THREADID, as printed by FETCH (RFC 8474)."""

    objectid: str


@dataclass(frozen=True, slots=True)
class Filter:
    """FILTER: the criteria that the server keeps under this name (RFC 5466 §3.1)."""

    name: str


Key = (
    All | And | Or | Not | Fuzzy | HasFlag | Date | Older | Younger | Larger | Smaller
    | Header | Body | Text | Numbers | Uids | ModSeq | EmailId | ThreadId | Filter
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The command.  `returns`: None without RETURN (answer with SEARCH in rev1).

    `modseq`: a MODSEQ key is used, so the answer tells the highest mod-sequence (RFC 7162 §3.1.5).
    `charset_given`: with a CHARSET that has no place once UTF8=ACCEPT is enabled (RFC 9755 §3).
    `charset_known`: False when the answer must be NO [BADCHARSET]; the key is not read then.
    `filters`: a FILTER key is used, which must be replaced; with an unknown charset, perhaps (then the answer is BAD).
    """

    key: Key
    returns: Returns | None
    uid: bool
    modseq: bool = False
    charset_known: bool = True
    charset_given: bool = False
    filters: bool = False
    keys: int = field(default=1, compare=False)  # how many, not counting OR, NOT and parentheses


MAX_DEPTH: Final = 100
MAX_KEYS: Final = 2500  # iOS sends hundreds
CHARSETS: Final = ("US-ASCII", "UTF-8")

_UTF8: Final = frozenset({b"UTF-8", b"UTF8"})
# US-ASCII is a part of UTF-8, so that one way of decoding serves both.
_KNOWN: Final = _UTF8 | {b"US-ASCII", b"ASCII"}

_OPENING: Final = re.compile(rb"(\()|(OR )|(FUZZY )|((?:NOT )+)", re.IGNORECASE)
_FILTER: Final = re.compile(rb"[ (]FILTER [^ ()]", re.IGNORECASE)
_RECENT: Final = HasFlag("\\Recent")
_SEEN: Final = HasFlag("\\Seen")
_PLAIN: Final[dict[bytes, Key]] = {
    b"ALL": All(),
    b"ANSWERED": HasFlag("\\Answered"),
    b"DELETED": HasFlag("\\Deleted"),
    b"DRAFT": HasFlag("\\Draft"),
    b"FLAGGED": HasFlag("\\Flagged"),
    b"SEEN": _SEEN,
    b"RECENT": _RECENT,
    b"UNANSWERED": Not(HasFlag("\\Answered")),
    b"UNDELETED": Not(HasFlag("\\Deleted")),
    b"UNDRAFT": Not(HasFlag("\\Draft")),
    b"UNFLAGGED": Not(HasFlag("\\Flagged")),
    b"UNSEEN": Not(_SEEN),
    b"NEW": And((_RECENT, Not(_SEEN))),
    b"OLD": Not(_RECENT),
    b"SAVEDATESUPPORTED": All(),
}


def parse(lexer: Lexer) -> Search:
    """The arguments of SEARCH."""
    return _parse(lexer, uid=False)


def parse_uid(lexer: Lexer) -> Search:
    """The arguments of UID SEARCH."""
    return _parse(lexer, uid=True)


def _parse(lexer: Lexer, *, uid: bool) -> Search:
    lexer.space()
    return read_search(lexer, uid=uid)


def read_search(lexer: Lexer, *, uid: bool) -> Search:
    """The arguments but the space before them."""
    returns: Returns | None = None
    if lexer.skip(b"RETURN "):
        lexer.needs("ESEARCH")
        returns = read_returns(lexer, read_attributes)
        lexer.space()
    charset_given = False
    if lexer.skip(b"CHARSET "):
        if read_charset(lexer) not in _KNOWN:
            filters = _names_filter(lexer)
            return Search(key=All(), returns=returns, uid=uid, charset_known=False, charset_given=True, filters=filters)
        lexer.space()
        charset_given = True
    program = read_program(lexer)
    if returns is not None and Return.RELEVANCY in returns.options:
        _check_fuzzy(lexer, program)
    return Search(
        key=program.key,
        returns=returns,
        uid=uid,
        modseq=program.modseq,
        charset_given=charset_given,
        filters=program.filters,
        keys=program.keys,
    )


def read_charset(lexer: Lexer) -> bytes:
    """A charset, in upper case."""
    return lexer.astring().upper()


def read_criteria(lexer: Lexer, *, uid: bool, fuzzy: bool = False) -> Search:
    """search-criteria of SORT and THREAD: the charset, which must be given, and the program (RFC 5256 §5).

    `fuzzy`: a FUZZY key is needed.
    """
    charset = read_charset(lexer)
    given = charset not in _UTF8
    if charset not in _KNOWN:
        filters = _names_filter(lexer)
        return Search(key=All(), returns=None, uid=uid, charset_known=False, charset_given=given, filters=filters)
    lexer.space()
    program = read_program(lexer)
    if fuzzy:
        _check_fuzzy(lexer, program)
    return Search(
        key=program.key,
        returns=None,
        uid=uid,
        modseq=program.modseq,
        charset_given=given,
        filters=program.filters,
        keys=program.keys,
    )


def _check_fuzzy(lexer: Lexer, program: Program) -> None:
    """RFC 6203 §4, §6: RELEVANCY needs a FUZZY key; in a FILTER there may be one."""
    if not (program.fuzzy or program.filters):
        raise lexer.error("RELEVANCY needs a FUZZY key")


def _names_filter(lexer: Lexer) -> bool:
    """Whether the rest, which is not read, seems to hold a FILTER key."""
    return _FILTER.search(lexer.text, lexer.pos) is not None


@dataclass(frozen=True, slots=True)
class Program:
    """A search program as one key.  `modseq`, `filters`: see `Search`.  `fuzzy`: a FUZZY key is used."""

    key: Key
    modseq: bool
    filters: bool
    fuzzy: bool
    keys: int


def read_program(lexer: Lexer) -> Program:
    """All keys up to the end of the command."""
    reader = _Reader(lexer)
    return Program(reader.read(), reader.uses_modseq, reader.uses_filters, reader.uses_fuzzy, reader.keys)


class _Kind(Enum):
    TOP = 1
    GROUP = 2
    OR = 3
    NOT = 4
    FUZZY = 5


class _Frame:
    """A key whose operands are being read.  `missing`: operands still to come, for OR and NOT."""

    __slots__ = ("keys", "kind", "missing")

    def __init__(self, kind: _Kind, missing: int = 0) -> None:
        self.kind = kind
        self.keys: list[Key] = []
        self.missing = missing


class _Reader:
    """Reads keys with a stack of its own, as iOS sends hundreds of nested OR.

    Nested ORs become one Or and NOT NOT disappears, so that only real alternation counts as depth.
    """

    def __init__(self, lexer: Lexer) -> None:
        self.uses_modseq = False
        self.uses_filters = False
        self.uses_fuzzy = False
        self.keys = 0
        self._lexer = lexer
        self._stack = [_Frame(_Kind.TOP)]

    def read(self) -> Key:
        """All keys up to the end of the command, as one."""
        lexer, stack = self._lexer, self._stack
        while True:
            if self._opens():
                continue
            self.keys += 1
            if self.keys > MAX_KEYS:
                raise lexer.error(f"More than {MAX_KEYS} search keys")
            self._operand(self._key())
            while lexer.skip(b")"):
                if stack[-1].kind is not _Kind.GROUP:
                    raise lexer.error("Unexpected )")
                self._operand(_all_of(stack.pop().keys))
            if not lexer.more():
                break
        if len(stack) > 1:
            raise lexer.error("Missing )" if stack[-1].kind is _Kind.GROUP else "A search key is expected")
        lexer.end()
        return _all_of(stack[0].keys)

    def _opens(self) -> bool:
        """Read what begins a key with operands, if it stands here."""
        lexer, top = self._lexer, self._stack[-1]
        found = _OPENING.match(lexer.text, lexer.pos)
        if found is None:
            return False
        lexer.pos = found.end()
        match found.lastindex:
            case 1:
                self._push(_Kind.GROUP)
            case 2 if top.kind is _Kind.OR:
                top.missing += 1
            case 2:
                self._push(_Kind.OR, 2)
            case 3:
                lexer.needs("SEARCH=FUZZY")
                self.uses_fuzzy = True
                if top.kind is not _Kind.FUZZY:
                    self._push(_Kind.FUZZY, 1)
            case _:
                self._negate((found.end() - found.start()) // len(b"NOT "))
        return True

    def _negate(self, times: int) -> None:
        """So many NOTs in a row, after those that stand before."""
        if self._stack[-1].kind is _Kind.NOT:
            self._stack.pop()
            times += 1
        if times % 2:
            self._push(_Kind.NOT, 1)

    def _push(self, kind: _Kind, missing: int = 0) -> None:
        if len(self._stack) > MAX_DEPTH:
            raise self._lexer.error("The search is nested too deeply")
        self._stack.append(_Frame(kind, missing))

    def _operand(self, key: Key) -> None:
        """Hand a whole key to the frame above, and go on while that makes it whole too."""
        while True:
            frame = self._stack[-1]
            frame.keys.append(key)
            if not frame.missing:
                return
            frame.missing -= 1
            if frame.missing:
                return
            self._stack.pop()
            match frame.kind:
                case _Kind.OR:
                    key = Or(tuple(frame.keys))
                case _Kind.FUZZY:
                    key = Fuzzy(key)
                case _:
                    key = Not(key)

    def _key(self) -> Key:
        """A key without further keys in it."""
        lexer = self._lexer
        if lexer.peek() in _SET_START:
            return Numbers(lexer.sequence_set())
        start = lexer.pos
        word = lexer.word()
        if word in _NEEDS:
            lexer.needs(_NEEDS[word])
        plain = _PLAIN.get(word)
        if plain is not None:
            return plain
        read = _WITH_ARGUMENTS.get(word)
        if read is None:
            raise ParseError(f"Unknown search key {word[:30].decode()}", start)
        if word == b"MODSEQ":
            self.uses_modseq = True
        elif word == b"FILTER":
            self.uses_filters = True
        lexer.space()
        return read(lexer)


def _beyond(uid: int) -> Key:
    """UIDs greater than this one (RFC 9738 §3.2): nothing, where ``n:*`` would hold the last message always."""
    return Uids(SequenceSet(((uid + 1, MAX),) if uid < MAX else ()))


def _header(lexer: Lexer) -> Header:
    field = lexer.text_astring()
    lexer.space()
    return Header(field, lexer.text_astring())


def _filter(lexer: Lexer) -> Filter:
    start = lexer.pos
    name = lexer.atom()
    if "/" in name:
        raise ParseError("The name of a filter has no /", start)
    return Filter(name)


def _modseq(lexer: Lexer) -> ModSeq:
    if lexer.peek() == b'"':
        lexer.string()
        lexer.space()
        if lexer.word() not in (b"PRIV", b"SHARED", b"ALL"):
            raise lexer.error("priv, shared or all is expected")
        lexer.space()
    return ModSeq(lexer.number64())


def _field_reader(field: str) -> Callable[[Lexer], Key]:
    return lambda lexer: Header(field, lexer.text_astring())


def _date_reader(of: DateOf, when: When) -> Callable[[Lexer], Key]:
    return lambda lexer: Date(of, when, lexer.date())


_WITH_ARGUMENTS: Final[dict[bytes, Callable[[Lexer], Key]]] = {
    b"BCC": _field_reader("Bcc"),
    b"CC": _field_reader("Cc"),
    b"FROM": _field_reader("From"),
    b"SUBJECT": _field_reader("Subject"),
    b"TO": _field_reader("To"),
    b"HEADER": _header,
    b"BODY": lambda lexer: Body(lexer.text_astring()),
    b"TEXT": lambda lexer: Text(lexer.text_astring()),
    b"BEFORE": _date_reader(DateOf.INTERNAL, When.BEFORE),
    b"ON": _date_reader(DateOf.INTERNAL, When.ON),
    b"SINCE": _date_reader(DateOf.INTERNAL, When.SINCE),
    b"SENTBEFORE": _date_reader(DateOf.SENT, When.BEFORE),
    b"SENTON": _date_reader(DateOf.SENT, When.ON),
    b"SENTSINCE": _date_reader(DateOf.SENT, When.SINCE),
    b"SAVEDBEFORE": _date_reader(DateOf.SAVED, When.BEFORE),
    b"SAVEDON": _date_reader(DateOf.SAVED, When.ON),
    b"SAVEDSINCE": _date_reader(DateOf.SAVED, When.SINCE),
    b"OLDER": lambda lexer: Older(lexer.nz_number()),
    b"YOUNGER": lambda lexer: Younger(lexer.nz_number()),
    b"LARGER": lambda lexer: Larger(lexer.number64()),
    b"SMALLER": lambda lexer: Smaller(lexer.number64()),
    b"KEYWORD": lambda lexer: HasFlag(lexer.atom()),
    b"UNKEYWORD": lambda lexer: Not(HasFlag(lexer.atom())),
    b"UIDAFTER": lambda lexer: _beyond(lexer.nz_number()),
    b"UIDBEFORE": lambda lexer: Uids(SequenceSet(((1, number - 1),) if (number := lexer.nz_number()) > 1 else ())),
    b"UID": lambda lexer: Uids(lexer.sequence_set()),
    b"MODSEQ": _modseq,
    b"FILTER": _filter,
    b"EMAILID": lambda lexer: EmailId(lexer.atom()),
    b"THREADID": lambda lexer: ThreadId(lexer.atom()),
}
_NEEDS: Final = {
    b"UIDAFTER": "MESSAGELIMIT",
    b"UIDBEFORE": "MESSAGELIMIT",
    b"OLDER": "WITHIN",
    b"YOUNGER": "WITHIN",
    b"MODSEQ": "CONDSTORE",
    b"FILTER": "FILTERS",
    b"EMAILID": "OBJECTID",
    b"THREADID": "OBJECTID",
    b"SAVEDATESUPPORTED": "SAVEDATE",
    b"SAVEDBEFORE": "SAVEDATE",
    b"SAVEDON": "SAVEDATE",
    b"SAVEDSINCE": "SAVEDATE",
}
_SET_START: Final = frozenset([b"%d" % digit for digit in range(10)] + [b"*", b"$"])


def _all_of(keys: list[Key]) -> Key:
    if len(keys) == 1:
        return keys[0]
    return And(tuple(keys))
