"""A query made ready: terms that cost least come first, and texts are looked for as octets in certain places.

A `Probe` is one place and one piece of text; BODY is one probe, TEXT is two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from mailkeep.formats.mime.text import fold
from mailkeep.model import query as q
from mailkeep.service.fuzzy import loosened
from mailkeep.service.search_fields import SEARCHED
from mailkeep.service.segment import BODY, HEAD, encode_text


class Cost(IntEnum):
    """What must be at hand to test a message, cheapest first."""

    VIEW = 0
    ROW = 1
    FIELDS = 2
    HEAD = 3
    BODY = 4


ViewQuery = q.All | q.HasFlag | q.HasKeyword | q.UidIn | q.ModSeqAtLeast
NumberQuery = q.Before | q.Since | q.ArrivedUntil | q.ArrivedFrom | q.Larger | q.Smaller | q.EmailIs | q.ThreadIs


@dataclass(frozen=True, slots=True)
class OfView:
    """What the view alone decides."""

    query: ViewQuery


@dataclass(frozen=True, slots=True)
class OfRow:
    """What numbers decide: of the message, or (saved date, ids) of its row."""

    query: NumberQuery


@dataclass(frozen=True, slots=True)
class Probe:
    """Folded text in one place: a field of SEARCHED by name, HEAD or BODY.

    `field`: in HEAD, the lower-case name of the only field to look at; an empty `needle` then is in every such field.
    An empty `needle` in a field of SEARCHED: the field is there.
    """

    place: str
    needle: bytes
    field: bytes = b""


@dataclass(frozen=True, slots=True)
class Exact:
    """A probe, and what `search_exact` must then find of `text`."""

    probe: Probe
    letters: q.Letters
    text: str


@dataclass(frozen=True, slots=True)
class Every:
    """All of these, cheapest first."""

    terms: tuple[Plan, ...]
    cost: Cost = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cost", _highest(self.terms))


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of these, cheapest first."""

    terms: tuple[Plan, ...]
    cost: Cost = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cost", _highest(self.terms))


@dataclass(frozen=True, slots=True)
class Without:
    """Not this."""

    term: Plan


Plan = OfView | OfRow | Probe | Exact | Every | Some | Without

Hits = Mapping[Probe, list[int]]  # numbers of messages


_NAME: Final = re.compile(r"[!-9;-~]+")  # of a header field (RFC 5322 §2.2)


def make_plan(query: q.Query, letters: q.Letters | None = None) -> Plan:
    """The plan of a query; its depth is bounded by whoever parsed it."""
    match query:
        case q.And(terms):
            return Every(_sorted([make_plan(term, letters) for term in terms]))
        case q.Or(terms):
            return Some(_sorted([make_plan(term, letters) for term in terms]))
        case q.Not(term):
            return Without(make_plan(term, letters))
        case q.Compared(letters, term):
            return make_plan(term, letters)
        case q.Fuzzy(term):
            return make_plan(loosened(term))  # whatever the comparator (RFC 6203 §3)
        case q.All() | q.HasFlag() | q.HasKeyword() | q.UidIn() | q.ModSeqAtLeast():
            return OfView(query)
        case q.HeaderContains(field, text):
            return _exact(_header(field.lower(), encode_text(fold(text))), letters, text)
        case q.BodyContains(text):
            return _exact(Probe(BODY, encode_text(fold(text))), letters, text) if text else ALL
        case q.TextContains(text):
            needle = encode_text(fold(text))
            places = (Probe(HEAD, needle), Probe(BODY, needle))
            return Some(tuple(_exact(probe, letters, text) for probe in places)) if text else ALL
        case _:
            return OfRow(query)


def _exact(plan: Plan, letters: q.Letters | None, text: str) -> Plan:
    return Exact(plan, letters, text) if letters is not None and text and isinstance(plan, Probe) else plan


def _header(field: str, needle: bytes) -> Plan:
    if field in SEARCHED:
        return Probe(field, needle)
    return Probe(HEAD, needle, field.encode()) if _NAME.fullmatch(field) else NOTHING


def _sorted(terms: list[Plan]) -> tuple[Plan, ...]:
    return tuple(sorted(terms, key=cost))


def cost(plan: Plan) -> Cost:
    """What the plan's costliest leaf needs."""
    match plan:
        case OfView():
            return Cost.VIEW
        case OfRow(query):
            sent = isinstance(query, q.Before | q.Since) and query.of is q.DateOf.SENT
            return Cost.FIELDS if sent else Cost.ROW
        case Probe(place):
            return {HEAD: Cost.HEAD, BODY: Cost.BODY}.get(place, Cost.FIELDS)
        case Exact():
            return Cost.BODY
        case Every() | Some():
            return plan.cost
        case Without(term):
            return cost(term)


def _highest(terms: tuple[Plan, ...]) -> Cost:
    return max(map(cost, terms), default=Cost.VIEW)


ALL: Final = OfView(q.ALL)
NOTHING: Final = Some(())


def probes(plan: Plan) -> set[Probe]:
    """All that it looks for in texts."""
    match plan:
        case Probe():
            return {plan}
        case Exact(probe):
            return {probe}
        case Every(terms) | Some(terms):
            return set().union(*map(probes, terms))
        case Without(term):
            return probes(term)
        case OfView() | OfRow():
            return set()


def split(plan: Plan) -> tuple[Plan, Plan | None]:
    """What the view alone decides, and the rest: both must be true."""
    terms = plan.terms if isinstance(plan, Every) else (plan,)
    cheap = tuple([term for term in terms if cost(term) == Cost.VIEW])
    costly = tuple([term for term in terms if cost(term) != Cost.VIEW])
    return Every(cheap), Every(costly) if costly else None


def by_place(probes: Iterable[Probe]) -> dict[str, list[Probe]]:
    """The probes for each place."""
    places: dict[str, list[Probe]] = {}
    for probe in probes:
        places.setdefault(probe.place, []).append(probe)
    return places
