"""As much of LDAP (RFC 4511) as finding somebody and trying a password takes: messages ↔ octets, in BER.

- Only what LDAP itself allows is read: definite lengths, one-octet tags (RFC 4511 §5.1).
- Names and passwords of strangers go into a message as octets, never into text that is parsed: see `Filter`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

MAX_MESSAGE: Final = 1 << 20  # octets
MAX_FILTER_DEPTH: Final = 16
START_TLS: Final = b"1.3.6.1.4.1.1466.20037"  # RFC 4511 §4.14.1

_BOOLEAN, _INTEGER, _OCTETS, _ENUMERATED, _SEQUENCE, _SET = 0x01, 0x02, 0x04, 0x0A, 0x30, 0x31
_BIND, _BIND_RESPONSE, _UNBIND = 0x60, 0x61, 0x42
_SEARCH, _ENTRY, _SEARCH_DONE, _REFERENCE = 0x63, 0x64, 0x65, 0x73
_EXTENDED, _EXTENDED_RESPONSE = 0x77, 0x78
_AND, _OR, _NOT, _EQUAL, _SUBSTRINGS, _PRESENT = 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0x87


class LdapError(ValueError):
    """Octets or text that are no LDAP; the text says why."""


class Code(IntEnum):
    """Results that matter here (RFC 4511 appendix A)."""

    SUCCESS = 0
    SIZE_LIMIT_EXCEEDED = 4
    CONSTRAINT_VIOLATION = 19  # what password policies say of one who is locked out
    NO_SUCH_OBJECT = 32
    INVALID_DN_SYNTAX = 34
    INAPPROPRIATE_AUTHENTICATION = 48  # the entry has no password
    INVALID_CREDENTIALS = 49
    INSUFFICIENT_ACCESS = 50


class Scope(IntEnum):
    """How far below its base a search looks."""

    BASE = 0
    ONE = 1
    SUBTREE = 2


@dataclass(frozen=True, slots=True)
class Result:
    """The end of an operation; `code` may be one that `Code` does not name."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that a search has found: its name, and the attributes asked for, their names in lower case."""

    name: bytes
    attributes: dict[str, tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class Reference:
    """Somebody else knows more: not followed."""


Answer = Result | Entry | Reference


# ---- requests


def bind(number: int, name: bytes, password: bytes) -> bytes:
    """Log in by name and password (RFC 4511 §4.2).

    An empty password would always be right: that is an "unauthenticated bind" (RFC 4513 §5.1.2).
    """
    return _message(number, _tagged(_BIND, _integer(3) + _octets(name) + _tagged(0x80, password)))


def search(number: int, base: bytes, scope: Scope, condition: bytes, attributes: tuple[str, ...], most: int) -> bytes:
    """Search (RFC 4511 §4.5.1) for at most so many entries; `condition` is encoded, see `Filter.encode`."""
    wanted = b"".join(_octets(name.encode()) for name in attributes or ("1.1",))  # §4.5.1.8: none at all
    fields = (
        _octets(base),
        _tagged(_ENUMERATED, bytes([scope])),
        _tagged(_ENUMERATED, b"\0"),  # aliases are not followed
        _integer(most),
        _integer(0),
        _tagged(_BOOLEAN, b"\0"),
        condition,
        _tagged(_SEQUENCE, wanted),
    )
    return _message(number, _tagged(_SEARCH, b"".join(fields)))


def start_tls(number: int) -> bytes:
    """Begin with TLS when the answer has come (RFC 4511 §4.14)."""
    return _message(number, _tagged(_EXTENDED, _tagged(0x80, START_TLS)))


def unbind(number: int) -> bytes:
    """Goodbye: there is no answer (RFC 4511 §4.3)."""
    return _message(number, _tagged(_UNBIND, b""))


def _message(number: int, operation: bytes) -> bytes:
    return _tagged(_SEQUENCE, _integer(number) + operation)


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _integer(value: int) -> bytes:
    return _tagged(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def _octets(value: bytes) -> bytes:
    return _tagged(_OCTETS, value)


# ---- answers


def message_size(head: bytes) -> int | None:
    """How long the message that begins so is, as a whole; None while too little of it is there.

    Raises: LdapError (it is none, or longer than `MAX_MESSAGE`).
    """
    if head[:1] not in (b"", b"\x30"):
        raise LdapError("this is not LDAP")
    try:
        start, size = _length(head, 1)
    except _CutOff:
        return None
    if start + size > MAX_MESSAGE:
        raise LdapError("a message is too long")
    return start + size


def parse_answer(message: bytes) -> tuple[int, Answer]:
    """A whole message: the number of the request, and what comes of it.  Raises: LdapError."""
    try:
        return _parse(message)
    except _CutOff as error:
        raise LdapError("a message is cut off") from error


def _parse(message: bytes) -> tuple[int, Answer]:
    parts = _Reader(_Reader(message).take(_SEQUENCE))
    number = int.from_bytes(parts.take(_INTEGER), "big", signed=True)
    tag, content = parts.next()
    body = _Reader(content)
    if tag in (_BIND_RESPONSE, _SEARCH_DONE, _EXTENDED_RESPONSE):
        code = int.from_bytes(body.take(_ENUMERATED), "big", signed=True)
        body.take(_OCTETS)  # how much of a name exists
        return number, Result(code, body.take(_OCTETS).decode(errors="replace")[:200])
    if tag == _ENTRY:
        return number, Entry(body.take(_OCTETS), dict(_attributes(body.take(_SEQUENCE))))
    if tag == _REFERENCE:
        return number, Reference()
    raise LdapError("an answer is of an unknown kind")


def _attributes(octets: bytes) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    listed = _Reader(octets)
    while listed.has_more:
        attribute = _Reader(listed.take(_SEQUENCE))
        name = attribute.take(_OCTETS).decode(errors="replace").lower()
        values = _Reader(attribute.take(_SET))
        found = []
        while values.has_more:
            found.append(values.take(_OCTETS))
        yield name, tuple(found)


class _CutOff(Exception):
    pass


class _Reader:
    """Goes through elements that stand one behind the other."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    @property
    def has_more(self) -> bool:
        return self._at < len(self._octets)

    def next(self) -> tuple[int, bytes]:
        """The next element: its tag, and its content."""
        if not self.has_more:
            raise _CutOff
        tag = self._octets[self._at]
        start, size = _length(self._octets, self._at + 1)
        if start + size > len(self._octets):
            raise _CutOff
        self._at = start + size
        return tag, self._octets[start : start + size]

    def take(self, tag: int) -> bytes:
        """The content of the next element, which has to be of that kind."""
        found, content = self.next()
        if found != tag:
            raise LdapError("an answer is not built as it should be")
        return content


def _length(octets: bytes, at: int) -> tuple[int, int]:
    """Where the content begins whose length stands at `at`, and how long it is."""
    if at >= len(octets):
        raise _CutOff
    first = octets[at]
    if first < 0x80:
        return at + 1, first
    count = first & 0x7F
    if not 0 < count <= 4:
        raise LdapError("a length is not allowed")
    if at + 1 + count > len(octets):
        raise _CutOff
    return at + 1 + count, int.from_bytes(octets[at + 1 : at + 1 + count], "big")


# ---- conditions, and names


Words = dict[str, str]
"""What stands for ``{word}`` in a filter or in a name."""

_ATTRIBUTE: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]*(?:;[A-Za-z0-9-]+)*|[0-9]+(?:\.[0-9]+)*)=")
_ESCAPED: Final = re.compile(r"\\([0-9A-Fa-f]{2})|\{([a-z]+)\}|([^\\{}]+)")
_VALUE: Final = re.compile(r"(?:[^()*\\{}\0]|\\[0-9A-Fa-f]{2}|\{[a-z]+\})*")
_SPECIAL_IN_NAME: Final = re.compile(r'[",+<>;=\\\0]|^[# ]| $')

Octets = tuple[bytes | str, ...]
"""Octets with gaps, a `str` for the word that goes there."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition, parsed from text with gaps like ``(&(objectClass=person)(mail={user}))``.

    What fills a gap is a value and nothing else, whatever parentheses or stars are in it.
    """

    tag: int
    attribute: bytes = b""
    values: tuple[Octets, ...] = ()  # one, or with stars between them several
    parts: tuple[Filter, ...] = ()

    def encode(self, words: Words) -> bytes:
        """As a search takes it (RFC 4511 §4.5.1)."""
        match self.tag:
            case 0xA0 | 0xA1 | 0xA2:
                return _tagged(self.tag, b"".join(part.encode(words) for part in self.parts))
            case 0x87:
                return _tagged(_PRESENT, self.attribute)
            case 0xA3:
                return _tagged(_EQUAL, _octets(self.attribute) + _octets(_fill(self.values[0], words)))
            case _:
                return _tagged(_SUBSTRINGS, _octets(self.attribute) + _tagged(_SEQUENCE, self._substrings(words)))

    def _substrings(self, words: Words) -> bytes:
        last = len(self.values) - 1
        pieces = []
        for number, value in enumerate(self.values):
            kind = 0x80 if number == 0 else 0x82 if number == last else 0x81
            if octets := _fill(value, words):
                pieces.append(_tagged(kind, octets))
        return b"".join(pieces)


def parse_filter(text: str, words: tuple[str, ...]) -> Filter:
    """A filter of RFC 4515 without matching rules and orders; `words` are those that a gap may name.

    Raises: LdapError.
    """
    found, rest = _parse_filter(text, 0, 0, words)
    if rest != len(text):
        raise LdapError("something stands behind the filter")
    return found


def _parse_filter(text: str, at: int, depth: int, words: tuple[str, ...]) -> tuple[Filter, int]:
    if depth > MAX_FILTER_DEPTH:
        raise LdapError("the filter is nested too deeply")
    if text[at : at + 1] != "(":
        raise LdapError("a filter begins with a parenthesis")
    kind = {"&": _AND, "|": _OR, "!": _NOT}.get(text[at + 1 : at + 2])
    if kind is None:
        found, at = _parse_item(text, at + 1, words)
    else:
        parts = []
        at += 2
        while text[at : at + 1] == "(":
            part, at = _parse_filter(text, at, depth + 1, words)
            parts.append(part)
        if not parts or (kind == _NOT and len(parts) != 1):
            raise LdapError("a filter has too few or too many parts")
        found = Filter(kind, parts=tuple(parts))
    if text[at : at + 1] != ")":
        raise LdapError(
            "a parenthesis is not closed, or a value has a character that must be written as \\ and two digits"
        )
    return found, at + 1


def _parse_item(text: str, at: int, words: tuple[str, ...]) -> tuple[Filter, int]:
    attribute = _ATTRIBUTE.match(text, at)
    if attribute is None:
        raise LdapError("a part of a filter is an attribute, an equals sign, and a value")
    at = attribute.end()
    values: list[Octets] = []
    while True:
        value = _VALUE.match(text, at)
        assert value is not None  # it may be empty
        values.append(_pieces(value[0], words))
        at = value.end()
        if text[at : at + 1] != "*":
            break
        at += 1
    name = attribute[1].encode()
    if values == [(), ()]:
        return Filter(_PRESENT, name), at
    if len(values) > 1 and () in values[1:-1]:
        raise LdapError("two stars stand beside each other")
    return Filter(_EQUAL if len(values) == 1 else _SUBSTRINGS, name, tuple(values)), at


def _pieces(text: str, words: tuple[str, ...]) -> Octets:
    return tuple(_piece(found, words) for found in _ESCAPED.finditer(text))


def _piece(found: re.Match[str], words: tuple[str, ...]) -> bytes | str:
    if found[1]:
        return bytes.fromhex(found[1])
    if found[2] and found[2] not in words:
        raise LdapError(f"there is no {{{found[2]}}}; there are {', '.join(f'{{{word}}}' for word in words)}")
    return found[2] or found[3].encode()


def _fill(octets: Octets, words: Words) -> bytes:
    return b"".join(words[piece].encode() if isinstance(piece, str) else piece for piece in octets)


_GAP: Final = re.compile(r"\{([^{}]*)\}")


def check_name(text: str, words: tuple[str, ...]) -> None:
    """Whether the gaps of a name are among `words`.  Raises: LdapError."""
    for gap in _GAP.finditer(text):
        if gap[1] not in words:
            raise LdapError(f"there is no {gap[0]}; there are {', '.join(f'{{{word}}}' for word in words)}")


def fill_name(text: str, words: Words) -> bytes:
    """A distinguished name whose gaps are filled; what fills them is escaped (RFC 4514 §2.4)."""
    return _GAP.sub(lambda gap: _SPECIAL_IN_NAME.sub(_escape, words[gap[1]]), text).encode()


def _escape(found: re.Match[str]) -> str:
    return "\\00" if found[0] == "\0" else "\\" + found[0]
