"""What a searching command is asked to return: ``RETURN (…)`` of SEARCH, SORT, ESEARCH (RFC 4731 §3.1, RFC 5182,
RFC 5267 §4, RFC 9394 §3).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from typing import TYPE_CHECKING, Final, TypeVar

from mailkeep.imap.wire.lexer import MAX_NUMBER, Lexer

if TYPE_CHECKING:
    from mailkeep.imap.wire.fetch import FetchItem

T = TypeVar("T")


class Return(Flag):
    """The RETURN options (RFC 9051 §6.4.4); the range of PARTIAL stands in `Returns`."""

    NONE = 0
    MIN = auto()
    MAX = auto()
    ALL = auto()
    COUNT = auto()
    SAVE = auto()
    PARTIAL = auto()
    UPDATE = auto()
    CONTEXT = auto()
    RELEVANCY = auto()


@dataclass(frozen=True, slots=True)
class Partial:
    """A range of results, counted from 1, `low` <= `high`; from the last one backwards if `from_end`.

    `text` is the range as the client wrote it: the answer repeats it.
    """

    text: bytes
    low: int
    high: int
    from_end: bool = False

    def of(self, results: Sequence[T]) -> Sequence[T]:
        """Those of the results that are in the range, in their order."""
        if self.from_end:
            return results[max(0, len(results) - self.high) : max(0, len(results) - self.low + 1)]
        return results[self.low - 1 : self.high]


@dataclass(frozen=True, slots=True)
class Returns:
    """The options; `partial` if PARTIAL is among them.  ``RETURN ()`` is read as ALL.

    `items`: with UPDATE, what to tell of messages that come into the results (RFC 5465 §7).
    """

    options: Return
    partial: Partial | None = None
    items: tuple[FetchItem, ...] = ()


_WORDS: Final = {option.name.encode(): option for option in Return if option.name}
_NEEDS: Final = {
    Return.SAVE: "SEARCHRES",
    Return.PARTIAL: "PARTIAL",
    Return.UPDATE: "CONTEXT=SEARCH",
    Return.CONTEXT: "CONTEXT=SEARCH",
    Return.RELEVANCY: "SEARCH=FUZZY",
}
_RANGE: Final = re.compile(rb"(-?)([1-9][0-9]{0,9}):(-?)([1-9][0-9]{0,9})(?=[ )]|\Z)")


def read_returns(lexer: Lexer, read_items: Callable[[Lexer], tuple[FetchItem, ...]]) -> Returns:
    """The parenthesized options after ``RETURN``.  `read_items` reads those of UPDATE."""
    options = Return.NONE
    partial: Partial | None = None
    items: tuple[FetchItem, ...] = ()

    def option() -> None:
        nonlocal options, partial, items
        start = lexer.pos
        word = lexer.word()
        found = _WORDS.get(word)
        if found is None:
            lexer.pos = start
            raise lexer.error(f"Unknown return option {word[:30].decode()}")
        if found in _NEEDS:
            lexer.needs(_NEEDS[found])
        if found is Return.PARTIAL:
            if partial is not None:
                raise lexer.error("PARTIAL is allowed once")
            lexer.space()
            partial = read_partial(lexer)
        if found is Return.UPDATE and lexer.skip(b" ("):
            lexer.needs("NOTIFY")
            lexer.pos -= 1
            items = read_items(lexer)
        options |= found

    lexer.items(option, may_be_empty=True)
    if Return.PARTIAL in options and Return.ALL in options:
        raise lexer.error("PARTIAL and ALL exclude each other")  # RFC 9394 §3.1
    return Returns(options or Return.ALL, partial, items)


def read_partial(lexer: Lexer) -> Partial:
    """partial-range: ``1:500``, or ``-1:-100`` from the last result backwards (RFC 9394 §4)."""
    found = _RANGE.match(lexer.text, lexer.pos)
    if found is None or found[1] != found[3]:
        raise lexer.error("A range like 1:500 or -1:-100 is expected")
    low, high = sorted((int(found[2]), int(found[4])))
    if high > MAX_NUMBER:
        raise lexer.error("The number is too large")
    lexer.pos = found.end()
    return Partial(found[0], low, high, from_end=bool(found[1]))
