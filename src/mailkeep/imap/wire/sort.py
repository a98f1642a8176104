"""SORT and UID SORT (RFC 5256 §5; RFC 5957 §5; RFC 5267 §3, ESORT; RFC 7162 §3.1.5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailkeep.imap.wire.fetch import read_attributes
from mailkeep.imap.wire.lexer import Lexer
from mailkeep.imap.wire.search import Search, read_criteria
from mailkeep.imap.wire.search_return import Return, Returns, read_returns


class SortKey(Enum):
    """The sort keys; the value is the word."""

    ARRIVAL = "ARRIVAL"
    CC = "CC"
    DATE = "DATE"
    FROM = "FROM"
    SIZE = "SIZE"
    SUBJECT = "SUBJECT"
    TO = "TO"
    DISPLAYFROM = "DISPLAYFROM"
    DISPLAYTO = "DISPLAYTO"
    RELEVANCY = "RELEVANCY"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One key, from the greatest down if `reverse`."""

    key: SortKey
    reverse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """The command.  `returns`: None without RETURN (answer with SORT); `search` has none of its own."""

    criteria: tuple[Criterion, ...]
    returns: Returns | None
    search: Search


MAX_CRITERIA: Final = 32  # there are ten keys; each may come twice without sense
_KEYS: Final = {key.value.encode(): key for key in SortKey}
_NEEDS: Final = {
    SortKey.DISPLAYFROM: "SORT=DISPLAY",
    SortKey.DISPLAYTO: "SORT=DISPLAY",
    SortKey.RELEVANCY: "SEARCH=FUZZY",
}


def parse(lexer: Lexer) -> Sort:
    """The arguments of SORT."""
    return _parse(lexer, uid=False)


def parse_uid(lexer: Lexer) -> Sort:
    """The arguments of UID SORT."""
    return _parse(lexer, uid=True)


def _parse(lexer: Lexer, *, uid: bool) -> Sort:
    lexer.space()
    returns: Returns | None = None
    if lexer.skip(b"RETURN "):
        lexer.needs("ESORT")
        returns = read_returns(lexer, read_attributes)
        if returns.options & (Return.UPDATE | Return.CONTEXT):
            lexer.needs("CONTEXT=SORT")
        lexer.space()
    criteria = tuple(lexer.items(lambda: _criterion(lexer)))
    if len(criteria) > MAX_CRITERIA:
        raise lexer.error(f"More than {MAX_CRITERIA} sort criteria")
    lexer.space()
    fuzzy = any(each.key is SortKey.RELEVANCY for each in criteria)
    if returns is not None:
        fuzzy = fuzzy or Return.RELEVANCY in returns.options
    return Sort(criteria=criteria, returns=returns, search=read_criteria(lexer, uid=uid, fuzzy=fuzzy))


def _criterion(lexer: Lexer) -> Criterion:
    reverse = lexer.skip(b"REVERSE ")
    start = lexer.pos
    word = lexer.word()
    key = _KEYS.get(word)
    if key is None:
        lexer.pos = start
        raise lexer.error(f"Unknown sort key {word[:30].decode()}")
    if key in _NEEDS:
        lexer.needs(_NEEDS[key])
    return Criterion(key, reverse)
