"""What another server answers to our commands (RFC 5321 §4.2), and what it offers after EHLO (§4.1.1.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MAX_LINE: Final = (
    4096  # octets with CRLF; RFC 5321 §4.5.3.1.5 allows 512, and some servers explain themselves at length
)
MAX_LINES: Final = 100  # of one answer
MAX_SHOWN: Final = 1000  # characters of an answer that are passed on

_LINE: Final = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_ENHANCED: Final = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: +|\Z)")
_KEYWORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\Z")


class NoAnswer(Exception):
    """What came is no answer of SMTP: what the connection goes on to say cannot be understood."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of one or more lines.  `enhanced` (RFC 2034) is "" if there is none that fits the code."""

    code: int
    enhanced: str = ""
    lines: tuple[str, ...] = ("",)

    @property
    def ok(self) -> bool:
        """Whether the command was carried out."""
        return 200 <= self.code < 300

    @property
    def text(self) -> str:
        """All lines as one, printable."""
        return " ".join(line for line in self.lines if line)[:MAX_SHOWN]


class AnswerReader:
    """Reads one side of a dialogue: `feed` octets, then take answers with `next` until it returns None."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lines: list[bytes] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come that is not yet taken."""
        return not self._buffer and not self._lines

    def feed(self, data: bytes) -> None:
        """Take octets as they came."""
        self._buffer += data

    def next(self) -> Answer | None:
        """The next answer, or None until more octets come.  A bare LF ends a line too.  Raises: NoAnswer."""
        while (end := self._buffer.find(b"\n")) >= 0:
            if end >= MAX_LINE:
                raise NoAnswer("a line is too long")
            line = bytes(self._buffer[:end]).removesuffix(b"\r")
            del self._buffer[: end + 1]
            found = _LINE.fullmatch(line)
            if found is None:
                raise NoAnswer("a line does not begin with a code")
            self._lines.append(found[3] or b"")
            if found[2] != b"-":
                lines, self._lines = self._lines, []
                return _answer(int(found[1]), lines)
            if len(self._lines) >= MAX_LINES:
                raise NoAnswer("too many lines")
        if len(self._buffer) >= MAX_LINE:
            raise NoAnswer("a line is too long")
        return None


def _answer(code: int, lines: list[bytes]) -> Answer:
    enhanced = ""
    texts = []
    for line in lines:
        text = _printable(line)
        found = _ENHANCED.match(text)
        if found is not None and int(found[1][0]) == code // 100:
            enhanced = enhanced or found[1]
            text = text[found.end() :]
        texts.append(text)
    return Answer(code, enhanced, tuple(texts))


def _printable(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return "".join(c if c.isprintable() else "?" for c in text)


@dataclass(frozen=True, slots=True)
class Offers:
    """The extensions that a server names after EHLO: keyword in upper case, and its parameters."""

    keywords: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords

    @property
    def size(self) -> int:
        """The largest message in octets (RFC 1870 §4); 0 where none is told."""
        return _number(self.keywords.get("SIZE", ()))

    @property
    def recipients(self) -> int:
        """How many recipients one transaction may have (RFC 9422); 0 where it does not say."""
        for parameter in self.keywords.get("LIMITS", ()):
            name, _, value = parameter.partition("=")
            if name.upper() == "RCPTMAX":
                return _number((value,))
        return 0

    @property
    def mechanisms(self) -> frozenset[str]:
        """SASL mechanisms, in upper case (RFC 4954 §3); ``AUTH=`` is how servers said it before the RFC."""
        old = (keyword.removeprefix("AUTH=") for keyword in self.keywords if keyword.startswith("AUTH="))
        return frozenset(word.upper() for word in (*self.keywords.get("AUTH", ()), *old))


def parse_offers(answer: Answer) -> Offers:
    """What the answer to EHLO offers; lines that are not well-formed are passed over."""
    keywords: dict[str, tuple[str, ...]] = {}
    for line in answer.lines[1:]:
        word, *parameters = line.split()[:64] or [""]
        if _KEYWORD.match(word) or word.upper().startswith("AUTH="):
            keywords.setdefault(word.upper(), tuple(parameters))
    return Offers(keywords)


def _number(words: tuple[str, ...]) -> int:
    word = words[0] if words else ""
    return int(word) if word.isascii() and word.isdecimal() and len(word) <= 18 else 0
