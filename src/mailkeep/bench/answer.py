"""What servers answer, taken apart: RFC 9051 §7.  Pure; every function raises Wrong on what it cannot read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailkeep.bench.connection import Wrong

_LITERAL_AT_END: Final = re.compile(rb"\{(\d+)\}\Z")
_FETCH: Final = re.compile(rb"\* (\d+) FETCH \(")
_NAME: Final = re.compile(rb"[A-Z0-9.]+(?:\[[^\]]*\])?(?:<\d+>)?", re.IGNORECASE)
_ATOM: Final = re.compile(rb"[^\s()]+")
_LITERAL: Final = re.compile(rb"\{(\d+)\}\r\n")
_QUOTED: Final = re.compile(rb'"((?:[^"\\\r\n]|\\.)*)"')
_TOKEN: Final = re.compile(rb'"(?:[^"\\\r\n]|\\.)*"|\{(\d+)\}\r\n|[()]')
_EXISTS: Final = re.compile(rb"\* (\d+) EXISTS\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fetched:
    """One FETCH response.  `items`: name in capitals → value; of a string its content, of all else what was sent."""

    number: int
    items: dict[bytes, bytes]

    def need(self, name: bytes) -> bytes:
        """Raises: Wrong (it is not there)."""
        try:
            return self.items[name]
        except KeyError:
            raise Wrong(f"FETCH {self.number} lacks {name.decode('latin-1')}") from None

    @property
    def uid(self) -> int:
        """Raises: Wrong (there is none)."""
        return int(self.need(b"UID"))


def responses(answer: bytes) -> Iterator[bytes]:
    """Each response with its literals, without the last line end."""
    start = at = 0
    while at < len(answer):
        end = answer.find(b"\r\n", at)
        if end < 0:
            raise Wrong(f"the answer ends within a line: {answer[at : at + 80]!r}")
        literal = _LITERAL_AT_END.search(answer, at, end) if answer.endswith(b"}", at, end) else None
        if literal is not None:
            at = end + 2 + int(literal[1])
            if at > len(answer):
                raise Wrong("a literal is longer than the answer")
            continue
        yield answer[start:end]
        start = at = end + 2
    if start != at:
        raise Wrong("the answer ends with a literal")


def fetched(answer: bytes) -> Iterator[Fetched]:
    """The FETCH responses in an answer, in order."""
    for response in responses(answer):
        match = _FETCH.match(response)
        if match is not None:
            yield Fetched(int(match[1]), _items(response, match.end()))


def uids_found(answer: bytes) -> tuple[int, ...]:
    """The numbers of a SEARCH response (RFC 3501 §7.2.5)."""
    for response in responses(answer):
        if response.upper().startswith(b"* SEARCH"):
            return tuple(map(int, response[8:].split()))
    raise Wrong("there is no SEARCH response")


def exists(answer: bytes) -> int:
    """The last EXISTS in an answer."""
    for response in reversed(list(responses(answer))):
        match = _EXISTS.match(response)
        if match is not None:
            return int(match[1])
    raise Wrong("there is no EXISTS response")


def messages_in_status(answer: bytes) -> int:
    """MESSAGES of a STATUS response."""
    match = re.search(rb"\* STATUS [^\r\n]*\bMESSAGES (\d+)", answer, re.IGNORECASE)
    if match is None:
        raise Wrong(f"there is no STATUS response with MESSAGES: {answer[:200]!r}")
    return int(match[1])


def must_equal(found: object, wanted: object, what: str) -> None:
    """Raises: Wrong, unless they are the same."""
    if found != wanted:
        raise Wrong(f"{what}: found {_short(found)}, wanted {_short(wanted)}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:120] + " …"


def _items(response: bytes, at: int) -> dict[bytes, bytes]:
    items: dict[bytes, bytes] = {}
    while not response.startswith(b")", at):
        name = _NAME.match(response, at)
        if name is None or not response.startswith(b" ", name.end()):
            raise Wrong(f"no item of FETCH: {response[at : at + 80]!r}")
        items[name[0].upper()], at = _value(response, name.end() + 1)
        at += response.startswith(b" ", at)
    if at != len(response) - 1:
        raise Wrong(f"after the end of FETCH: {response[at : at + 80]!r}")
    return items


def _value(response: bytes, at: int) -> tuple[bytes, int]:
    """A value, and where it ends."""
    match response[at : at + 1]:
        case b"(":
            end = _end_of_list(response, at)
            return response[at:end], end
        case b'"':
            quoted = _QUOTED.match(response, at)
            if quoted is not None:
                return re.sub(rb"\\(.)", rb"\1", quoted[1]), quoted.end()
        case b"{":
            literal = _LITERAL.match(response, at)
            if literal is not None:
                end = literal.end() + int(literal[1])
                return response[literal.end() : end], end
        case _:
            atom = _ATOM.match(response, at)
            if atom is not None:
                return atom[0], atom.end()
    raise Wrong(f"no value of FETCH: {response[at : at + 80]!r}")


def _end_of_list(response: bytes, at: int) -> int:
    depth = 0
    while True:
        token = _TOKEN.search(response, at)
        if token is None:
            raise Wrong("a list without end")
        at = token.end()
        match token[0][:1]:
            case b"(":
                depth += 1
            case b")":
                depth -= 1
                if not depth:
                    return at
            case b"{":
                at += int(token[1])
            case _:  # a quoted string
                pass
