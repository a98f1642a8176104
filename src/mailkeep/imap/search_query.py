"""A SEARCH program as the service's query: numbers become UIDs, names of keywords become their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from mailkeep.formats.collation import Comparator
from mailkeep.formats.objectid import parse
from mailkeep.imap.done import Refused
from mailkeep.imap.flags import SYSTEM
from mailkeep.imap.wire import search as wire
from mailkeep.imap.wire.response import BAD
from mailkeep.imap.wire.sequence_set import SequenceSet
from mailkeep.model import query as q
from mailkeep.model.flags import FIRST_MORE
from mailkeep.model.ids import ModSeq
from mailkeep.model.uidset import EMPTY, UidSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailkeep.imap.selected import SelectedView
    from mailkeep.imap.session import Selected, Session
    from mailkeep.service.keywords import Keywords


@dataclass(frozen=True, slots=True)
class Ground:
    """What a program is read against: a mailbox as the client knows it, ``$``, and the present in UTC seconds."""

    view: SelectedView
    keywords: Keywords
    now: int
    saved: UidSet = EMPTY


def to_query(s: Selected, key: wire.Key, now: int) -> q.Query:
    """The query of a program about the selected mailbox."""
    if s.session.enabled.uidonly and _has_numbers(key):
        raise Refused("Only UIDs are understood after ENABLE UIDONLY", b"UIDREQUIRED", BAD)
    query = query_on(Ground(s.view, s.messages.views.keywords(s.account), now, s.saved), key)
    return compared(s.session, query)


def _has_numbers(key: wire.Key) -> bool:
    """Whether messages are named by number; ``$`` is none."""
    match key:
        case wire.And(keys) | wire.Or(keys):
            return any(_has_numbers(each) for each in keys)
        case wire.Not(each) | wire.Fuzzy(each):
            return _has_numbers(each)
        case wire.Numbers(numbers):
            return bool(numbers.ranges)
        case _:
            return False


def compared(session: Session, query: q.Query) -> q.Query:
    """The query under the active comparator (RFC 5255 §4.2)."""
    comparator = session.collation.comparator
    return query if comparator is Comparator.CASEMAP else q.Compared(q.Letters(comparator.value), query)


def query_on(ground: Ground, key: wire.Key) -> q.Query:
    """The query; depth is bounded by the parser.

    Message numbers that are none find nothing, and are no mistake here (RFC 7377 §2).
    """
    match key:
        case wire.All():
            return q.ALL
        case wire.And(keys):
            return q.And(tuple(query_on(ground, each) for each in keys))
        case wire.Or(keys):
            return q.Or(tuple(query_on(ground, each) for each in keys))
        case wire.Not(each):
            return q.Not(query_on(ground, each))
        case wire.Fuzzy(each):
            return q.Fuzzy(query_on(ground, each))
        case wire.HasFlag(flag):
            return _flag(ground, flag)
        case wire.Date(of, when, day):
            return _date(q.DateOf(of.value), when, q.Since(q.DateOf(of.value), day))
        case wire.Older(seconds):
            return q.ArrivedUntil(ground.now - seconds)
        case wire.Younger(seconds):
            return q.ArrivedFrom(ground.now - seconds)
        case wire.Larger(size):
            return q.Larger(size)
        case wire.Smaller(size):
            return q.Smaller(size)
        case wire.Header(field, text):
            return q.HeaderContains(field, text)
        case wire.Body(text):
            return q.BodyContains(text)
        case wire.Text(text):
            return q.TextContains(text)
        case wire.Numbers(numbers):
            return _uids(ground, numbers, _of_numbers(ground.view, numbers))
        case wire.Uids(numbers):
            return _uids(ground, numbers, numbers.resolve(ground.view.last_uid))
        case wire.ModSeq(at_least):
            return q.ModSeqAtLeast(ModSeq(at_least))
        case wire.EmailId(text):
            return q.EmailIs(pair) if text.startswith("M") and (pair := parse(text)) else q.NOTHING
        case wire.ThreadId(text):
            return q.ThreadIs(pair) if text.startswith("T") and (pair := parse(text)) else q.NOTHING
        case wire.Filter():
            raise AssertionError("filters have been replaced")


def fix_numbers(ground: Ground, key: wire.Key) -> wire.Key:
    """The key with UIDs for message numbers and for ``$``, so that it may be read again when these mean others."""
    match key:
        case wire.And(keys):
            return wire.And(tuple(fix_numbers(ground, each) for each in keys))
        case wire.Or(keys):
            return wire.Or(tuple(fix_numbers(ground, each) for each in keys))
        case wire.Not(each):
            return wire.Not(fix_numbers(ground, each))
        case wire.Fuzzy(each):
            return wire.Fuzzy(fix_numbers(ground, each))
        case wire.Numbers(numbers):
            ranges = tuple(_of_numbers(ground.view, numbers))
        case wire.Uids(numbers):
            ranges = numbers.ranges
        case _:
            return key
    return wire.Uids(SequenceSet(ranges + ground.saved.ranges if numbers.saved else ranges))


def _of_numbers(view: SelectedView, numbers: SequenceSet) -> list[tuple[int, int]]:
    """Ranges of UIDs that hold, of those that the client knows, the ones with these message numbers."""
    count = view.count
    ranges = numbers.resolve(count)
    return [(view.uid(low), view.uid(min(high, count))) for low, high in ranges if low <= count]


def _uids(ground: Ground, numbers: SequenceSet, ranges: Iterable[tuple[int, int]]) -> q.Query:
    """A set as ranges: a program may have thousands of them, each of a whole mailbox."""
    named = q.UidIn(UidSet.of_ranges(ranges))
    if not numbers.saved:
        return named
    saved = q.UidIn(ground.saved)
    return q.Or((saved, named)) if named.uids else saved


def _flag(ground: Ground, flag: str) -> q.Query:
    if flag == "\\Recent":
        return q.UidIn(UidSet.of_ranges(ground.view.recent_ranges))
    if flag in SYSTEM:
        return q.HasFlag(SYSTEM[flag])
    number = ground.keywords.find(flag)
    if number is None:
        return q.NOTHING
    return q.HasFlag(1 << number) if number < FIRST_MORE else q.HasKeyword(number)


def _date(of: q.DateOf, when: wire.When, since: q.Since) -> q.Query:
    """BEFORE, ON or SINCE a day.  The last day that there is has no next one."""
    match when:
        case wire.When.BEFORE:
            return q.Before(of, since.day)
        case wire.When.SINCE:
            return since
        case wire.When.ON:
            try:
                return q.And((since, q.Before(of, since.day + timedelta(days=1))))
            except OverflowError:
                return since
