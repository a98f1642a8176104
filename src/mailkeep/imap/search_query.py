"""A SEARCH program as the service's query: numbers become UIDs, names of keywords become their numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mailkeep.formats.objectid import parse
from mailkeep.imap.flags import SYSTEM
from mailkeep.imap.wire import search as wire
from mailkeep.model import query as q
from mailkeep.model.flags import FIRST_MORE
from mailkeep.model.ids import ModSeq
from mailkeep.model.uidset import UidSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailkeep.imap.session import Selected
    from mailkeep.imap.wire.sequence_set import SequenceSet


def to_query(s: Selected, key: wire.Key, now: int) -> q.Query:
    """The query; depth is bounded by the parser.  Raises: NoSuchMessage."""
    match key:
        case wire.All():
            return q.ALL
        case wire.And(keys):
            return q.And(tuple(to_query(s, each, now) for each in keys))
        case wire.Or(keys):
            return q.Or(tuple(to_query(s, each, now) for each in keys))
        case wire.Not(each):
            return q.Not(to_query(s, each, now))
        case wire.HasFlag(flag):
            return _flag(s, flag)
        case wire.Date(of, when, day):
            return _date(q.DateOf(of.value), when, q.Since(q.DateOf(of.value), day))
        case wire.Older(seconds):
            return q.ArrivedUntil(now - seconds)
        case wire.Younger(seconds):
            return q.ArrivedFrom(now - seconds)
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
            return _uids(s, numbers, s.uid_ranges(numbers, uid=False))
        case wire.Uids(numbers):
            return _uids(s, numbers, s.uid_ranges(numbers, uid=True))
        case wire.ModSeq(at_least):
            return q.ModSeqAtLeast(ModSeq(at_least))
        case wire.EmailId(text):
            return q.EmailIs(pair) if text.startswith("M") and (pair := parse(text)) else q.NOTHING
        case wire.ThreadId(text):
            return q.ThreadIs(pair) if text.startswith("T") and (pair := parse(text)) else q.NOTHING


def _uids(s: Selected, numbers: SequenceSet, ranges: Iterable[tuple[int, int]]) -> q.Query:
    """A set as ranges: a program may have thousands of them, each of a whole mailbox."""
    named = q.UidIn(UidSet.of_ranges(ranges))
    if not numbers.saved:
        return named
    saved = q.UidIn(s.saved)
    return q.Or((saved, named)) if named.uids else saved


def _flag(s: Selected, flag: str) -> q.Query:
    if flag == "\\Recent":
        return q.UidIn(UidSet.of_ranges(s.view.recent_ranges))
    if flag in SYSTEM:
        return q.HasFlag(SYSTEM[flag])
    number = s.messages.views.keywords(s.account).find(flag)
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
