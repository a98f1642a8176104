"""A strict reader of what an IMAP server says (RFC 9051 §9, RFC 3501 §9, RFC 7162 §7).

Real clients read answers with parsers that give up on one space too many; so does this one.  It takes one whole
response (literals included, as on the wire) and gives values, or raises GrammarError with the place.  Every test of
the protocol reads through it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class GrammarError(AssertionError):
    """The server said something that the grammar of the RFC does not allow."""


class Flag(str):
    """A flag as it was spelled; equal in any case."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.casefold() == other.casefold()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.casefold())


def flags(names: str) -> set[Flag]:
    """The set of flags that `names` spells, to compare with what came."""
    return {Flag(name) for name in names.split()}


class Literal(bytes):
    """Octets that came as a literal, where a test cares about the form."""

    __slots__ = ()


class Address(NamedTuple):
    """One address of an ENVELOPE."""

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None


class Envelope(NamedTuple):
    """The ten fields of an ENVELOPE."""

    date: bytes | None
    subject: bytes | None
    from_: list[Address] | None
    sender: list[Address] | None
    reply_to: list[Address] | None
    to: list[Address] | None
    cc: list[Address] | None
    bcc: list[Address] | None
    in_reply_to: bytes | None
    message_id: bytes | None


@dataclass(slots=True)
class Body:
    """A part of BODY or BODYSTRUCTURE; `extended` tells which."""

    type: str
    subtype: str
    params: dict[str, bytes] | None = None
    id: bytes | None = None
    description: bytes | None = None
    encoding: str | None = None
    size: int = 0
    lines: int | None = None
    envelope: Envelope | None = None
    parts: list[Body] = field(default_factory=list)
    extended: bool = False
    md5: bytes | None = None
    disposition: tuple[str, dict[str, bytes] | None] | None = None
    language: list[bytes] | None = None
    location: bytes | None = None


@dataclass(slots=True)
class ListRow:
    """What LIST or LSUB says of one name."""

    flags: list[Flag]
    delimiter: str | None
    name: str
    extended: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Code:
    """A response code: its word and its parsed arguments."""

    name: str
    args: Any = None


@dataclass(slots=True)
class Response:
    """One response: `tag` is "*", "+" or the tag of a command.

    `kind` is the word ("EXISTS", "OK", …), `number` the number before it, `data` the parsed rest.
    """

    tag: str
    kind: str
    number: int | None
    data: Any
    code: Code | None
    text: str
    raw: bytes


CODES_WITHOUT_ARGUMENTS = frozenset(
    """
    ALERT ALREADYEXISTS AUTHENTICATIONFAILED AUTHORIZATIONFAILED BADCOMPARATOR CANNOT CLIENTBUG CLOSED CONTACTADMIN
    CORRUPTION EXPIRED EXPUNGEISSUED HASCHILDREN INUSE LIMIT NOMODSEQ NONEXISTENT NOPERM NOTSAVED OVERQUOTA PARSE
    PRIVACYREQUIRED READ-ONLY READ-WRITE SERVERBUG TOOBIG TRYCREATE UIDNOTSTICKY UNAVAILABLE UNKNOWN-CTE USEATTR
    COMPRESSIONACTIVE NOTIFICATIONOVERFLOW UIDREQUIRED
    """.split()  # noqa: SIM905  a list of words reads better than forty strings
)
FLAG = re.compile(rb"\\?[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
ATOM = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
ASTRING = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\]+")
NUMBER = re.compile(rb"[0-9]+")
SET = re.compile(rb"[1-9][0-9]*(?::[1-9][0-9]*)?(?:,[1-9][0-9]*(?::[1-9][0-9]*)?)*")
PARTIAL = re.compile(rb"(-?)[1-9][0-9]*:\1[1-9][0-9]*")
METADATA_CODE = re.compile(rb"LONGENTRIES [0-9]+|MAXSIZE [0-9]+|TOOMANY|NOPRIVATE")
LITERAL = re.compile(rb"(~?)\{([0-9]+)\}\r\n")
DATE_TIME = re.compile(
    rb"\"([ 0-3][0-9])-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-([0-9]{4}) "
    rb"([0-2][0-9]:[0-5][0-9]:[0-6][0-9]) ([+-][0-9]{4})\""
)
SECTION = re.compile(
    rb"\[((?:[1-9][0-9]*(?:\.[1-9][0-9]*)*(?:\.(?:MIME|TEXT|HEADER))?|HEADER|TEXT)?"
    rb"(?:(?<=HEADER)\.FIELDS(?:\.NOT)? \([^()]+\))?)\](?:<([0-9]+)>)?",
    re.IGNORECASE,
)
BINARY_SECTION = re.compile(rb"\[((?:[1-9][0-9]*(?:\.[1-9][0-9]*)*)?)\](?:<([0-9]+)>)?")
BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")


class Reader:
    """A cursor over one response."""

    def __init__(self, raw: bytes, *, utf8: bool = False) -> None:
        self.raw = raw
        self.at = 0
        self.utf8 = utf8

    def fail(self, why: str) -> GrammarError:
        """The error to raise here."""
        return GrammarError(
            f"{why} at {self.at}: {self.raw[max(0, self.at - 60) : self.at]!r} ⟶ {self.raw[self.at : self.at + 60]!r}"
        )

    def peek(self, text: bytes) -> bool:
        return self.raw.startswith(text, self.at)

    def take(self, text: bytes) -> bool:
        if self.peek(text):
            self.at += len(text)
            return True
        return False

    def need(self, text: bytes) -> None:
        if not self.take(text):
            raise self.fail(f"expected {text!r}")

    def match(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        found = pattern.match(self.raw, self.at)
        if not found or not found.group():
            raise self.fail(f"expected {what}")
        self.at = found.end()
        return found

    def sp(self) -> None:
        self.need(b" ")
        if self.peek(b" "):
            raise self.fail("two spaces")

    def end(self) -> None:
        self.need(b"\r\n")
        if self.at != len(self.raw):
            raise self.fail("octets after the end")

    def atom(self) -> str:
        return self.match(ATOM, "an atom").group().decode()

    def number(self, *, least: int = 0, bits: int = 32) -> int:
        digits = self.match(NUMBER, "a number").group()
        if len(digits) > 1 and digits.startswith(b"0"):
            raise self.fail("a number with a leading zero")
        value = int(digits)
        if not least <= value < 1 << bits:
            raise self.fail(f"{value} is out of range")
        return value

    def quoted(self) -> bytes:
        self.need(b'"')
        out = bytearray()
        while True:
            octet = self.raw[self.at : self.at + 1]
            self.at += 1
            if octet == b'"':
                break
            if octet == b"\\":
                octet = self.raw[self.at : self.at + 1]
                self.at += 1
                if octet not in (b'"', b"\\"):
                    raise self.fail("a backslash before something else in a quoted string")
            elif not octet or octet in b"\r\n\0":
                raise self.fail("CR, LF, NUL or the end in a quoted string")
            elif octet >= b"\x80" and not self.utf8:
                raise self.fail("8-bit in a quoted string")
            out += octet
        if self.utf8:
            out.decode("utf-8")
        return bytes(out)

    def string(self, *, binary: bool = False) -> bytes:
        if self.peek(b'"'):
            return self.quoted()
        found = self.match(LITERAL, "a string")
        if found.group(1) and not binary:
            raise self.fail("a literal8 outside BINARY")
        size = int(found.group(2))
        octets = self.raw[self.at : self.at + size]
        if len(octets) != size:
            raise self.fail("literal cut short")
        if b"\0" in octets and not found.group(1):
            raise self.fail("NUL in an ordinary literal")
        self.at += size
        return Literal(octets)

    def nstring(self, *, binary: bool = False) -> bytes | None:
        if self.take(b"NIL"):
            return None
        return self.string(binary=binary)

    def astring(self) -> bytes:
        if self.peek(b'"') or self.peek(b"{"):
            return self.string()
        return self.match(ASTRING, "an astring").group()

    def mailbox(self) -> str:
        octets = self.astring()
        name = octets.decode("utf-8") if self.utf8 else octets.decode("ascii")
        return "INBOX" if name.upper() == "INBOX" else name

    def flag(self, *, star: bool = False) -> Flag:
        if star and self.take(b"\\*"):
            return Flag("\\*")
        return Flag(self.match(FLAG, "a flag").group().decode())

    def listed(self, item: Callable[[], Any], *, least: int = 0) -> list[Any]:
        self.need(b"(")
        out: list[Any] = []
        while not self.take(b")"):
            if out:
                self.sp()
            out.append(item())
        if len(out) < least:
            raise self.fail("an empty list")
        return out

    def flags(self, *, star: bool = False) -> list[Flag]:
        out: list[Flag] = self.listed(lambda: self.flag(star=star))
        if len(set(out)) != len(out):
            raise self.fail("a flag twice")
        return out

    def set_of_numbers(self) -> list[int]:
        """A sequence set without "*", in the order given."""
        out: list[int] = []
        for piece in self.match(SET, "a set of numbers").group().split(b","):
            low, _, high = piece.partition(b":")
            a, b = int(low), int(high or low)
            out.extend(range(a, b + 1) if a <= b else range(a, b - 1, -1))
        return out

    def date_time(self) -> str:
        """RFC 9051 `date-time`: iOS 18 refuses a whole answer for anything else."""
        return self.match(DATE_TIME, "a date-time").group()[1:-1].decode()

    def text(self) -> str:
        end = self.raw.index(b"\r\n", self.at)
        octets = self.raw[self.at : end]
        self.at = end
        if not octets.strip():
            raise self.fail("no human-readable text (RFC 3501 wants some)")
        if b"\0" in octets or b"\n" in octets:
            raise self.fail("NUL or LF in text")
        return octets.decode("utf-8" if self.utf8 else "ascii")

    # ---- ENVELOPE and BODYSTRUCTURE

    def addresses(self) -> list[Address] | None:
        if self.take(b"NIL"):
            return None
        self.need(b"(")
        out = []
        while not self.take(b")"):
            self.need(b"(")
            fields: list[bytes | None] = []
            for i in range(4):
                if i:
                    self.sp()
                fields.append(self.nstring())
            self.need(b")")
            out.append(Address(*fields))
        if not out:
            raise self.fail("an empty address list must be NIL")
        return out

    def envelope(self) -> Envelope:
        self.need(b"(")
        fields: list[Any] = [self.nstring()]
        self.sp()
        fields.append(self.nstring())
        for _ in range(6):
            self.sp()
            fields.append(self.addresses())
        self.sp()
        fields.append(self.nstring())
        self.sp()
        fields.append(self.nstring())
        self.need(b")")
        return Envelope(*fields)

    def params(self) -> dict[str, bytes] | None:
        if self.take(b"NIL"):
            return None
        flat = self.listed(self.string, least=2)
        if len(flat) % 2:
            raise self.fail("a parameter without a value")
        return {name.decode().lower(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}

    def word(self) -> str:
        return self.string().decode()

    def extension(self) -> None:
        if self.peek(b"("):
            self.listed(self.extension, least=1)
        elif NUMBER.match(self.raw, self.at):
            self.number(bits=63)
        else:
            self.nstring()

    def body_extension(self, body: Body) -> None:
        """disposition, language, location and whatever may follow."""
        if not self.take(b" "):
            return
        if not self.take(b"NIL"):
            self.need(b"(")
            kind = self.word()
            self.sp()
            body.disposition = (kind.lower(), self.params())
            self.need(b")")
        if not self.take(b" "):
            return
        if self.peek(b"("):
            body.language = self.listed(self.string, least=1)
        else:
            one = self.nstring()
            body.language = None if one is None else [one]
        if not self.take(b" "):
            return
        body.location = self.nstring()
        while self.take(b" "):
            self.extension()

    def body(self) -> Body:
        self.need(b"(")
        body = self.multipart() if self.peek(b"(") else self.single_part()
        self.need(b")")
        return body

    def multipart(self) -> Body:
        parts = []
        while self.peek(b"("):
            parts.append(self.body())
        self.sp()
        body = Body("multipart", self.word().lower(), parts=parts)
        if self.take(b" "):
            body.extended = True
            body.params = self.params()
            self.body_extension(body)
        return body

    def single_part(self) -> Body:
        kind = self.word().lower()
        self.sp()
        body = Body(kind, self.word().lower())
        self.sp()
        body.params = self.params()
        self.sp()
        body.id = self.nstring()
        self.sp()
        body.description = self.nstring()
        self.sp()
        body.encoding = self.word()
        self.sp()
        body.size = self.number()
        if kind == "message" and body.subtype in ("rfc822", "global"):
            self.sp()
            body.envelope = self.envelope()
            self.sp()
            body.parts = [self.body()]
            self.sp()
            body.lines = self.number(bits=63)
        elif kind == "text":
            self.sp()
            body.lines = self.number(bits=63)
        if self.take(b" "):
            body.extended = True
            body.md5 = self.nstring()
            self.body_extension(body)
        return body

    # ---- untagged data

    def fetch_item(self) -> tuple[str, Any]:
        word = self.match(re.compile(rb"[A-Z0-9.]+", re.IGNORECASE), "a FETCH item").group().decode().upper()
        if word in ("BODY", "BINARY", "BINARY.SIZE") and self.peek(b"["):
            found = self.match(SECTION if word == "BODY" else BINARY_SECTION, "a section")
            name = f"{word}[{found.group(1).decode().upper()}]"
            if found.group(2) is not None:
                name += f"<{found.group(2).decode()}>"
            self.sp()
            if word == "BINARY.SIZE":
                return name, self.number(bits=63)
            return name, self.nstring(binary=word == "BINARY")
        self.sp()
        match word:
            case "FLAGS":
                return word, self.flags()
            case "INTERNALDATE":
                return word, self.date_time()
            case "RFC822.SIZE":
                return word, self.number(bits=63)
            case "ENVELOPE":
                return word, self.envelope()
            case "BODY" | "BODYSTRUCTURE":
                return word, self.body()
            case "UID":
                return word, self.number(least=1)
            case "MODSEQ":
                self.need(b"(")
                modseq = self.number(least=1, bits=63)
                self.need(b")")
                return word, modseq
            case "RFC822" | "RFC822.HEADER" | "RFC822.TEXT":
                return word, self.nstring()
            case "EMAILID" | "THREADID":
                if self.take(b"NIL"):
                    return word, None
                self.need(b"(")
                ident = self.match(re.compile(rb"[A-Za-z0-9_-]{1,255}"), "an object id").group().decode()
                self.need(b")")
                return word, ident
            case "PREVIEW":
                return word, self.nstring()
            case "SAVEDATE":
                return word, None if self.take(b"NIL") else self.date_time()
        raise self.fail(f"unknown FETCH item {word}")

    def fetch(self) -> dict[str, Any]:
        self.need(b"(")
        items: dict[str, Any] = {}
        while not self.take(b")"):
            if items:
                self.sp()
            name, value = self.fetch_item()
            if name in items:
                raise self.fail(f"{name} twice in one FETCH")
            items[name] = value
        if not items:
            raise self.fail("an empty FETCH")
        return items

    def list_row(self) -> ListRow:
        flags = self.flags()
        self.sp()
        delimiter = None if self.take(b"NIL") else self.quoted().decode()
        self.sp()
        row = ListRow(flags, delimiter, self.mailbox())
        if self.take(b" "):
            self.need(b"(")
            while not self.take(b")"):
                if row.extended:
                    self.sp()
                tag = self.astring().decode().upper()
                self.sp()
                row.extended[tag] = self.listed(lambda: self.astring().decode(), least=1)
        return row

    def status(self) -> tuple[str, dict[str, Any]]:
        name = self.mailbox()
        self.sp()
        self.need(b"(")
        items: dict[str, Any] = {}
        while not self.take(b")"):
            if items:
                self.sp()
            word = self.atom().upper()
            self.sp()
            if word == "MAILBOXID":
                [items[word]] = self.listed(self.atom, least=1)
                continue
            if word not in (
                "MESSAGES",
                "RECENT",
                "UIDNEXT",
                "UIDVALIDITY",
                "UNSEEN",
                "DELETED",
                "SIZE",
                "HIGHESTMODSEQ",
                "DELETED-STORAGE",
                "APPENDLIMIT",
            ):
                raise self.fail(f"unknown STATUS item {word}")
            items[word] = self.number(least=1 if word in ("UIDNEXT", "UIDVALIDITY") else 0, bits=63)
        return name, items

    def listed_astrings(self) -> list[str]:
        """A space and astrings in parentheses; nothing if there is nothing."""
        if not self.take(b" "):
            return []
        self.need(b"(")
        out = [self.astring().decode()]
        while not self.take(b")"):
            self.sp()
            out.append(self.astring().decode())
        return out

    def threads(self) -> list[Any]:
        """RFC 5256 §5.  A thread is a list: numbers, one beneath the other, then lists of what splits from the last."""
        stack: list[list[Any]] = [[]]
        if not self.peek(b"\r\n"):
            self.sp()
        while not self.peek(b"\r\n"):
            if self.take(b"("):
                stack.append([])
            elif self.take(b")"):
                done = stack.pop()
                if not done or (isinstance(done[-1], list) and sum(isinstance(each, list) for each in done) < 2):
                    raise self.fail("a thread of nothing, or a split into one")
                stack[-1].append(done)
            elif self.take(b" "):
                if not stack[-1]:
                    raise self.fail("a space at the beginning")
            else:
                if any(isinstance(each, list) for each in stack[-1]) or len(stack) == 1:
                    raise self.fail("a number after a split")
                stack[-1].append(self.number(least=1))
        if len(stack) != 1:
            raise self.fail("a thread without end")
        return stack[0]

    def esearch(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if self.take(b" ("):
            self._correlators(out)
        if self.take(b" UID"):
            out["UID"] = True
        while self.take(b" "):
            word = self.atom().upper()
            self.sp()
            if word in out:
                raise self.fail(f"{word} twice")
            if word == "ALL":
                out[word] = self.set_of_numbers()
            elif word in ("MIN", "MAX", "COUNT", "MODSEQ"):
                out[word] = self.number(least=0 if word == "COUNT" else 1, bits=63)
            elif word in ("ADDTO", "REMOVEFROM"):
                out[word] = self._positioned()
            elif word == "RELEVANCY":
                self.need(b"(")
                out[word] = []
                while not self.take(b")"):
                    if out[word]:
                        self.sp()
                    out[word].append(self.number(least=1))
                    if out[word][-1] > 100:
                        raise self.fail("more than 100")
            elif word == "PARTIAL":
                self.need(b"(")
                asked = self.match(PARTIAL, "a range").group().decode()
                self.sp()
                out[word] = (asked, [] if self.take(b"NIL") else self.set_of_numbers())
                self.need(b")")
            else:
                raise self.fail(f"unknown ESEARCH item {word}")
        return out

    def _positioned(self) -> list[tuple[int, list[int]]]:
        """RFC 5267 §5: positions, and the results there."""
        self.need(b"(")
        out = []
        while True:
            position = self.number()
            self.sp()
            out.append((position, self.set_of_numbers()))
            if self.take(b")"):
                return out
            self.sp()

    def _correlators(self, out: dict[str, Any]) -> None:
        """RFC 4466 §2.6.2, RFC 7377 §4: each once."""
        while True:
            word = self.atom().upper()
            self.sp()
            if word in out:
                raise self.fail(f"{word} twice")
            match word:
                case "TAG":
                    out[word] = self.quoted().decode()
                case "MAILBOX":
                    out[word] = self.mailbox()
                case "UIDVALIDITY":
                    out[word] = self.number(least=1)
                case _:
                    raise self.fail(f"unknown correlator {word}")
            if self.take(b")"):
                return
            self.sp()

    def search(self) -> dict[str, Any]:
        out: dict[str, Any] = {"numbers": []}
        while self.take(b" "):
            if self.take(b"(MODSEQ "):
                out["MODSEQ"] = self.number(least=1, bits=63)
                self.need(b")")
                break
            out["numbers"].append(self.number(least=1))
        return out

    def namespace(self) -> list[tuple[str, str | None]] | None:
        if self.take(b"NIL"):
            return None
        self.need(b"(")
        out: list[tuple[str, str | None]] = []
        while not self.take(b")"):
            self.need(b"(")
            prefix = self.string().decode()
            self.sp()
            out.append((prefix, None if self.take(b"NIL") else self.quoted().decode()))
            self.need(b")")
        if not out:
            raise self.fail("an empty namespace class must be NIL")
        return out

    def identity(self) -> dict[str, bytes | None] | None:
        if self.take(b"NIL"):
            return None
        flat: list[bytes | None] = self.listed(self.nstring)
        return {(name or b"").decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}

    def quota(self) -> tuple[str, dict[str, tuple[int, int]]]:
        """RFC 9208 §7, where §4.2.1 allows an empty list: a quota root; usage and limit of each resource."""
        root = self.astring().decode()
        self.sp()

        def resource() -> tuple[str, tuple[int, int]]:
            name = self.atom()
            self.sp()
            used = self.number(bits=63)
            self.sp()
            return name, (used, self.number(bits=63))

        return root, dict(self.listed(resource))

    def metadata(self) -> tuple[str, dict[str, bytes | None] | list[str]]:
        """RFC 5464 §5: a mailbox, and entries with their values or alone."""
        mailbox = self.mailbox()
        self.sp()
        if not self.peek(b"("):
            names = [self.astring().decode()]
            while self.take(b" "):
                names.append(self.astring().decode())
            return mailbox, names

        def pair() -> tuple[str, bytes | None]:
            entry = self.astring().decode()
            self.sp()
            return entry, self.nstring(binary=True)

        return mailbox, dict(self.listed(pair, least=1))

    def astrings(self) -> list[str]:
        """Strings up to the end, each after a space (RFC 4314 §7)."""
        out = []
        while self.take(b" "):
            out.append(self.astring().decode())
        return out

    def words(self) -> list[str]:
        out = []
        while self.take(b" "):
            out.append(self.atom())
        if len({word.upper() for word in out}) != len(out):
            raise self.fail("a word twice")
        return out

    def code(self) -> Code:
        """What stands in the brackets of a status response."""
        self.need(b"[")
        name = self.atom().upper()
        args: Any = None
        match name:
            case "UIDVALIDITY" | "UIDNEXT" | "UNSEEN":
                self.sp()
                args = self.number(least=1)
            case "HIGHESTMODSEQ":
                self.sp()
                args = self.number(least=1, bits=63)
            case "PERMANENTFLAGS":
                self.sp()
                args = self.flags(star=True)
            case "APPENDUID":
                self.sp()
                validity = self.number(least=1)
                self.sp()
                args = (validity, self.set_of_numbers())
            case "COPYUID":
                self.sp()
                validity = self.number(least=1)
                self.sp()
                source = self.set_of_numbers()
                self.sp()
                target = self.set_of_numbers()
                if len(source) != len(target):
                    raise self.fail("COPYUID with sets of unequal length")
                args = (validity, source, target)
            case "MESSAGELIMIT":
                self.sp()
                args = [self.number(least=1)]
                if self.take(b" "):
                    args.append(self.number(least=1))
            case "MODIFIED":
                self.sp()
                args = self.set_of_numbers()
            case "CAPABILITY":
                args = self.words()
            case "URLMECH":
                args = self.words()
            case "BADURL":
                self.sp()
                args = self.string()
            case "NOUPDATE":
                self.sp()
                args = self.quoted().decode()
            case "UNDEFINED-FILTER":
                self.sp()
                args = self.atom()
            case "INPROGRESS":
                if self.take(b" ("):
                    args = (self.nil_or(self.quoted), self.nil_or(self.number), self.nil_or(self.number))
                    self.need(b")")
            case "BADCHARSET":
                if self.take(b" "):
                    args = self.listed(self.astring, least=1)
            case "BADEVENT":
                self.sp()
                args = self.listed(self.atom, least=1)
            case "MAILBOXID":
                self.sp()
                args = self.listed(self.atom, least=1)
            case "METADATA":
                self.sp()
                args = self.match(METADATA_CODE, "a code of METADATA").group().decode()
            case _ if name in CODES_WITHOUT_ARGUMENTS:
                pass
            case _:
                raise self.fail(f"unknown response code {name}")
        self.need(b"]")
        return Code(name, args)

    def nil_or(self, read: Callable[[], Any]) -> Any:
        """NIL as None, or what `read` reads; the space before it too, where one stands."""
        self.take(b" ")
        return None if self.take(b"NIL") else read()

    def condition(self) -> tuple[Code | None, str]:
        code = None
        if self.peek(b"["):
            code = self.code()
            self.sp()
        return code, self.text()


def parse(raw: bytes, *, utf8: bool = False) -> Response:
    """The one response in `raw`.  Raises: GrammarError."""
    reader = Reader(raw, utf8=utf8)
    response = _tagged(reader) if not raw.startswith((b"* ", b"+")) else _untagged(reader)
    reader.end()
    return response


def _tagged(reader: Reader) -> Response:
    tag = reader.match(re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]+"), "a tag").group().decode()
    reader.sp()
    kind = reader.match(re.compile(rb"OK|NO|BAD"), "OK, NO or BAD").group().decode()
    reader.sp()
    code, text = reader.condition()
    return Response(tag, kind, None, None, code, text, reader.raw)


def _untagged(reader: Reader) -> Response:
    raw = reader.raw
    if reader.take(b"+"):
        reader.need(b" ")  # a lone "+" hangs the Gmail application
        end = raw.index(b"\r\n", reader.at)
        text = raw[reader.at : end]
        reader.at = end
        return Response("+", "+", None, text, None, text.decode("ascii"), raw)
    reader.need(b"* ")
    number = None
    if NUMBER.match(raw, reader.at):
        number = reader.number()
        reader.sp()
    kind = reader.atom().upper()
    data: Any = None
    code, text = None, ""
    if number is not None:
        match kind:
            case "EXISTS" | "RECENT":
                pass
            case "EXPUNGE":
                if number == 0:
                    raise reader.fail("message 0")
            case "FETCH" | "UIDFETCH":
                if number == 0:
                    raise reader.fail("message 0")
                reader.sp()
                data = reader.fetch()
            case _:
                raise reader.fail(f"unknown numbered response {kind}")
        return Response("*", kind, number, data, code, text, raw)
    match kind:
        case "OK" | "NO" | "BAD" | "BYE" | "PREAUTH":
            reader.sp()
            code, text = reader.condition()
        case "CAPABILITY" | "ENABLED":
            data = reader.words()
        case "FLAGS":
            reader.sp()
            data = reader.flags()
        case "LIST" | "LSUB" | "XLIST":
            reader.sp()
            data = reader.list_row()
        case "STATUS":
            reader.sp()
            data = reader.status()
        case "ESEARCH":
            data = reader.esearch()
        case "SEARCH" | "SORT":
            data = reader.search()
        case "THREAD":
            data = reader.threads()
        case "COMPARATOR":
            reader.sp()
            data = (reader.astring().decode(), reader.listed_astrings())
        case "LANGUAGE":
            data = reader.listed_astrings()
        case "NAMESPACE":
            data = []
            for _ in range(3):
                reader.sp()
                data.append(reader.namespace())
        case "ACL" | "LISTRIGHTS" | "MYRIGHTS":
            reader.sp()
            name = reader.mailbox()
            words = reader.astrings()
            if kind == "ACL" and len(words) % 2:
                raise reader.fail("an identifier without rights")
            data = (name, words)
        case "ID":
            reader.sp()
            data = reader.identity()
        case "VANISHED":
            reader.sp()
            earlier = reader.take(b"(EARLIER) ")
            data = (earlier, reader.set_of_numbers())
        case "METADATA":
            reader.sp()
            data = reader.metadata()
        case "GENURLAUTH":
            data = reader.astrings()
        case "URLFETCH":
            reader.sp()
            data = reader.astring().decode()
            reader.sp()
            data = (data, reader.nstring())
        case "QUOTA":
            reader.sp()
            data = reader.quota()
        case "QUOTAROOT":
            reader.sp()
            data = (reader.mailbox(), [])
            while reader.take(b" "):
                data[1].append(reader.astring().decode())
        case _:
            raise reader.fail(f"unknown response {kind}")
    return Response("*", kind, None, data, code, text, raw)
