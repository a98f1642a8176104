"""THREAD and UID THREAD (RFC 5256 §5, draft-ietf-morg-inthread §4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailkeep.imap.wire.lexer import Lexer, ParseError
from mailkeep.imap.wire.search import Search, read_criteria


class Algorithm(Enum):
    """How threads are made; the value is the word."""

    ORDEREDSUBJECT = "ORDEREDSUBJECT"
    REFERENCES = "REFERENCES"
    REFS = "REFS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The command."""

    algorithm: Algorithm
    search: Search


_ALGORITHMS: Final = {algorithm.value.encode(): algorithm for algorithm in Algorithm}


def parse(lexer: Lexer) -> Thread:
    """The arguments of THREAD."""
    return _parse(lexer, uid=False)


def parse_uid(lexer: Lexer) -> Thread:
    """The arguments of UID THREAD."""
    return _parse(lexer, uid=True)


def _parse(lexer: Lexer, *, uid: bool) -> Thread:
    lexer.space()
    start = lexer.pos
    word = lexer.word()
    algorithm = _ALGORITHMS.get(word)
    if algorithm is None:
        raise ParseError(f"Unknown threading algorithm {word[:30].decode()}", start)
    lexer.needs(f"THREAD={algorithm.value}")
    lexer.space()
    return Thread(algorithm=algorithm, search=read_criteria(lexer, uid=uid))
