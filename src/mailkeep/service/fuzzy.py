"""Fuzzy searching (RFC 6203): a query made looser, and how well a message that it finds fits.

- Texts are looked for word by word, each without its usual endings, in any order; dates and sizes have some room on
  both sides.  Everything else, and whatever a NOT excludes, is as exact as ever.
- How well a message fits is the sum of *grades*: queries that it may answer besides, each worth some of 100 points.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from mailkeep.formats.mime.text import fold
from mailkeep.model import query as q
from mailkeep.service import lanes as lane
from mailkeep.service.lanes import Lanes
from mailkeep.service.numbering import aside
from mailkeep.service.pace import Pace

MAX_GRADED: Final = 32  # parts of a query that count for how well a message fits
MAX_WORDS: Final = 16  # of one text that are looked for
ROOM_DAYS: Final = 3
ROOM_OF_SIZE: Final = 0.1
SHORTEST: Final = 3  # characters that an ending leaves

_WORD: Final = re.compile(r"\w+")
_ENDING: Final = re.compile(r"(?:ings?|edly|ed|er|ers|es|ly|s|'s)\Z")

Find = Callable[[q.Query], Awaitable[Sequence[int]]]
Grade = tuple[int, q.Query]


def loosened(query: q.Query) -> q.Query:
    """What a fuzzy query finds; its depth is bounded by whoever parsed it."""
    match query:
        case q.And(terms):
            return q.And(tuple(map(loosened, terms)))
        case q.Or(terms):
            return q.Or(tuple(map(loosened, terms)))
        case q.HeaderContains() | q.BodyContains() | q.TextContains():
            stems = [_stem(word) for word in _words(query.text)]
            return _each(query, stems) if stems else query
        case q.Before() | q.Since():
            return _with_room(query)
        case q.Larger(size):
            return q.Larger(int(size * (1 - ROOM_OF_SIZE)))
        case q.Smaller(size):
            return q.Smaller(int(size * (1 + ROOM_OF_SIZE)) + 1)
        case q.Fuzzy(term):
            return loosened(term)
        case _:
            return query


async def relevancy(query: q.Query, found: Sequence[int], find: Find) -> bytes:
    """From 1 to 100, how well each of `found` (ascending) fits the fuzzy parts of the query that found it.

    `find` tells which of `found` answer a query.
    """
    scores = await _Judge(found, find).judge(query, fuzzy=False)
    return bytes(100 for _ in found) if scores is None else bytes(scores)


class _Judge:
    def __init__(self, found: Sequence[int], find: Find) -> None:
        self._found = found
        self._find = find
        self._pace = Pace()
        self._graded = 0

    async def judge(self, query: q.Query, *, fuzzy: bool) -> bytes | None:
        """The score of each message, 0 where this part of the query does not hold; None: nothing here is fuzzy."""
        match query:
            case q.Fuzzy(term):
                return await self.judge(term, fuzzy=True)
            case q.Compared(_, term):
                return await self.judge(term, fuzzy=fuzzy)
            case q.And(terms):
                scores = await self._judge_each(terms, fuzzy=fuzzy)
                return await aside(len(scores) * len(self._found), _mean, scores)
            case q.Or(terms):
                scores = await self._judge_each(terms, fuzzy=fuzzy)
                return await aside(len(scores) * len(self._found), _best, scores)
            case _:
                grades = _grades(query) if fuzzy and self._graded < MAX_GRADED else ()
                self._graded += bool(grades)
                return await self._grade(loosened(query), grades) if grades else None

    async def _judge_each(self, terms: Sequence[q.Query], *, fuzzy: bool) -> list[bytes]:
        judged = [await self.judge(term, fuzzy=fuzzy) for term in terms]
        return [scores for scores in judged if scores is not None]

    async def _grade(self, loose: q.Query, grades: Sequence[Grade]) -> bytes:
        scores = base = await self._holding(loose)
        for points, query in grades:
            scores += (await self._holding(query) & base) * points
        return scores.to_bytes(len(self._found), "little")

    async def _holding(self, query: q.Query) -> Lanes:
        if self._pace.is_over:
            await self._pace.give_way()
        return lane.of_members(self._found, await self._find(query))


def _mean(scores: list[bytes]) -> bytes | None:
    if len(scores) <= 1:
        return scores[0] if scores else None
    sums = [sum(column) for column in zip(*scores, strict=True)]
    return bytes(max(1, total // len(scores)) for total in sums)


def _best(scores: list[bytes]) -> bytes | None:
    if len(scores) <= 1:
        return scores[0] if scores else None
    return bytes(map(max, *scores))


def _grades(query: q.Query) -> Sequence[Grade]:
    """99 points for what fits in every way."""
    match query:
        case q.TextContains(text):
            words = _words(text)
            subject = q.HeaderContains("subject", text)
            return (
                (20, query),
                (14, _each(query, words)),
                (30, loosened(subject)),
                (15, subject),
                (20, q.Or((q.HeaderContains("from", text), subject))),
            )
        case q.BodyContains(text):
            return (40, query), (29, _each(query, _words(text))), (30, loosened(q.HeaderContains("subject", text)))
        case q.HeaderContains(_, text):
            return (60, query), (39, _each(query, _words(text)))
        case q.Before() | q.Since() | q.Larger() | q.Smaller():
            return ((99, query),)
        case _:
            return ()


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(_WORD.findall(fold(text))))[:MAX_WORDS]


def _stem(word: str) -> str:
    stem = _ENDING.sub("", word)
    return stem if len(stem) >= SHORTEST else word


def _each(query: q.HeaderContains | q.BodyContains | q.TextContains, words: Sequence[str]) -> q.Query:
    return q.And(tuple(replace(query, text=word) for word in words)) if words else query


def _with_room(query: q.Before | q.Since) -> q.Query:
    room = timedelta(days=ROOM_DAYS)
    try:
        return replace(query, day=query.day + room if isinstance(query, q.Before) else query.day - room)
    except OverflowError:
        return query
