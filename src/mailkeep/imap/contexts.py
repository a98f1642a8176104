"""Searches whose results a client is kept told of: ADDTO and REMOVEFROM (RFC 5267 §4.3).

- A context knows what the client holds as its results.  Messages that changed or came since are tested against the
  program again, those that went are no longer results; what differs is told.
- Message numbers, and ``$``, of a program are those of the time of the command; all else is read anew each time.
- What leaves is told before EXPUNGE takes its number away, what comes after EXISTS gave it one.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mailkeep.imap.search_query import Ground, compared, fix_numbers, query_on
from mailkeep.imap.selected import SelectedView
from mailkeep.imap.wire import response
from mailkeep.service.lanes import FEW
from mailkeep.service.pace import Pace

if TYPE_CHECKING:
    from mailkeep.imap.session import Selected
    from mailkeep.imap.watch import WriteRows
    from mailkeep.imap.wire import search as wire
    from mailkeep.imap.wire.fetch import FetchItem
    from mailkeep.model.ids import ModSeq
    from mailkeep.model.order import Criterion
    from mailkeep.service.order import Collation

MOST: Final = 20  # of a session
MOST_RESULTS: Final = 1_000_000  # of all of a session; 4 octets each
ROUNDS: Final = 4  # of looking at what happened while we looked

Positioned = Sequence[tuple[int, Sequence[int]]]  # positions from 1, and the UIDs there; 0: wherever they are


@dataclass(slots=True)
class Sorting:
    """How results are sorted.  `told`: as the client has them; `now`: these and what comes, as they will be.

    Arrays, as lists take nine times as much: see `MOST_RESULTS`.
    """

    criteria: tuple[Criterion, ...]
    collation: Collation
    told: array[int]
    now: Sequence[int] = ()

    def remove(self, gone: frozenset[int]) -> Positioned:
        """These are results no more: runs of them with the position of the first (RFC 5267 §4.3.4)."""
        runs = _runs(self.told, gone, stay=False)
        self.told = array("I", [uid for uid in self.told if uid not in gone])
        return runs

    def add(self, new: frozenset[int]) -> Positioned:
        """These are results too: runs of them with the position that the first will have (RFC 5267 §4.3.3)."""
        known = new.union(self.told)
        self.told, self.now = array("I", [uid for uid in self.now if uid in known]), ()
        return _runs(self.told, new, stay=True)


def _runs(ordered: Sequence[int], some: frozenset[int], *, stay: bool) -> Positioned:
    """`some` of the ordered, by runs, each with its position among those that are there before it is handled."""
    runs: list[tuple[int, list[int]]] = []
    position = 1
    begins = True
    for uid in ordered:
        if uid not in some:
            position += 1
            begins = True
            continue
        if begins:
            runs.append((position, []))
            begins = False
        runs[-1][1].append(uid)
        position += stay
    return runs


@dataclass(slots=True)
class Context:
    """One search, by its tag.  `results` ascend; `upto` is the modseq up to which `coming` and `leaving` are known.

    `mailbox`: see `response.SearchResult`.  `sorting`: of SORT.
    """

    tag: bytes
    key: wire.Key
    uid: bool
    mailbox: tuple[bytes, int] | None
    results: array[int]
    upto: ModSeq
    coming: set[int] = field(default_factory=set)
    leaving: set[int] = field(default_factory=set)
    sorting: Sorting | None = None
    items: tuple[FetchItem, ...] = ()  # told of messages that come new into the results (RFC 5465 §7)

    def holds(self, uid: int) -> bool:
        """Whether the client has it among the results."""
        i = bisect_left(self.results, uid)
        return i < len(self.results) and self.results[i] == uid

    def take_in(self, tested: Iterable[int], matching: frozenset[int]) -> None:
        """Of the messages `tested`, these match."""
        for uid in tested:
            if uid in matching:
                self.leaving.discard(uid)
                if not self.holds(uid):
                    self.coming.add(uid)
            else:
                self.coming.discard(uid)
                if self.holds(uid):
                    self.leaving.add(uid)

    def forget(self, gone: frozenset[int], present: frozenset[int]) -> None:
        """Results that are `gone` leave; what is not `present` does not come."""
        few = len(gone) * FEW < len(self.results)
        self.leaving.update(filter(self.holds, gone) if few else gone.intersection(self.results))
        self.coming &= present

    def remove(self) -> list[int]:
        """The results that leave, ascending; they are none from now on."""
        gone = sorted(self.leaving)
        self.leaving.clear()
        if len(gone) * FEW < len(self.results):
            for uid in gone:
                del self.results[bisect_left(self.results, uid)]
        elif gone:
            without = frozenset(gone)
            self.results = array("I", [uid for uid in self.results if uid not in without])
        return gone

    def add(self) -> list[int]:
        """The results that come, ascending; they are some from now on."""
        new = sorted(self.coming)
        self.coming.clear()
        if not new or not self.results or new[0] > self.results[-1]:
            self.results.extend(new)
        elif len(new) * FEW < len(self.results):
            for uid in new:
                self.results.insert(bisect_left(self.results, uid), uid)
        else:
            self.results = array("I", sorted([*self.results, *new]))
        return new


class Contexts:
    """Those of one selected mailbox."""

    def __init__(self, s: Selected, write_rows: WriteRows) -> None:
        """`write_rows`: as the command FETCH does."""
        self._s = s
        self._write_rows = write_rows
        self._by_tag: dict[bytes, Context] = {}
        self._uids = s.shared.uids  # when the results were last compared with them

    def __contains__(self, tag: bytes) -> bool:
        return tag in self._by_tag

    def add(self, context: Context) -> bool:
        """Keep the client told from now on; False: too many already."""
        held = sum(len(other.results) for other in self._by_tag.values())
        if len(self._by_tag) >= MOST or held + len(context.results) > MOST_RESULTS:
            return False
        self._forget_gone()
        context.leaving.update(frozenset(context.results).difference(self._uids))
        self._by_tag[context.tag] = context
        return True

    def cancel(self, tag: bytes) -> None:
        """Tell nothing more of it."""
        del self._by_tag[tag]

    async def follow(self) -> None:
        """Find out what comes and leaves, up to what the view knows; what happens all the while is left for later.

        Most of what leaves is told at once, with turns for others, `removals` then has little to do.
        """
        view = self._s.shared
        pace = Pace()
        for _ in range(ROUNDS):
            late = [context for context in self._by_tag.values() if context.upto < view.upto]
            if not late:
                break
            for context in late:
                await self._follow(context)
                if pace.is_over:
                    await pace.give_way()
        for line in self.removals():
            self._s.session.write(line)
            if pace.is_over:
                await pace.give_way()

    async def _follow(self, context: Context) -> None:
        s = self._s
        view = s.shared
        upto = view.upto
        changed = [state.uid for state in view.changed_since(context.upto)]
        if changed:
            present = SelectedView(view)  # ``*`` is the last message that there is, told or not
            present.recent_ranges = s.view.recent_ranges
            ground = Ground(present, s.messages.views.keywords(s.account), int(time.time()))
            query = compared(s.session, query_on(ground, context.key))
            matching = await s.session.services.search.search_some(view, changed, query)
            context.take_in(changed, frozenset(matching))
            if context.sorting is not None and context.coming:
                await self._sort(context, context.sorting)
        context.upto = upto

    async def _sort(self, context: Context, sorting: Sorting) -> None:
        uids = sorted(context.coming.union(context.results))
        order = self._s.session.services.order
        now = await order.sort(self._s.shared, uids, sorting.criteria, sorting.collation)
        sorting.now = array("I", now)

    def removals(self) -> Iterator[bytes]:
        """The responses to send before EXPUNGE."""
        self._forget_gone()
        for context in self._by_tag.values():
            if context.leaving:
                gone = context.remove()
                sorting = context.sorting
                yield self._response(context, removefrom=sorting.remove(frozenset(gone)) if sorting else [(0, gone)])

    def _forget_gone(self) -> None:
        uids = self._s.shared.uids
        if self._uids is uids:  # an expunge puts another array there
            return
        present = frozenset(uids)
        gone = frozenset(self._uids) - present
        self._uids = uids
        for context in self._by_tag.values():
            context.forget(gone, present)

    async def tell_new(self, known: int) -> None:
        """What is wanted of new results beyond UID `known`: after EXISTS, and before ADDTO (RFC 5465 §7)."""
        for context in self._by_tag.values():
            if context.items and (new := sorted(uid for uid in context.coming if uid > known)):
                await self._write_rows(self._s, new, context.items)

    async def tell_additions(self) -> None:
        """What comes, to be told after EXISTS."""
        pace = Pace()
        for context in self._by_tag.values():
            if context.coming:
                new = context.add()
                sorting = context.sorting
                addto = sorting.add(frozenset(new)) if sorting else [(0, new)]
                self._s.session.write(self._response(context, addto=addto))
            if pace.is_over:
                await pace.give_way()

    def _response(self, context: Context, *, addto: Positioned = (), removefrom: Positioned = ()) -> bytes:
        result = response.SearchResult(
            uid=context.uid,
            mailbox=context.mailbox,
            addto=[(position, self._ranges(context, uids)) for position, uids in addto],
            removefrom=[(position, self._ranges(context, uids)) for position, uids in removefrom],
        )
        return response.esearch(context.tag, result)

    def _ranges(self, context: Context, uids: Sequence[int]) -> list[tuple[int, int]]:
        return response.run_ranges(uids if context.uid else self._s.view.numbers_of(uids))


def make_context(s: Selected, key: wire.Key, *, uid: bool, mailbox: tuple[bytes, int] | None = None) -> Context:
    """A context of the command that begins now; its results are still to be found, among what the client was told."""
    ground = Ground(s.view, s.messages.views.keywords(s.account), 0, s.saved)
    return Context(s.session.tag, fix_numbers(ground, key), uid, mailbox, array("I"), s.view.told)
