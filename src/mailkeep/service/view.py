"""One mailbox as arrays, shared by all sessions of this process that look at it.

- `uids` ascends.  It is only appended to; an expunge puts a new array in its place, so whoever holds the old one
  keeps a consistent picture.
- A hint marks the view stale; the next `refresh` reads one delta from the store, whatever the number of sessions.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import chain, pairwise
from operator import or_
from typing import Final

from mailkeep.model.change import Delta
from mailkeep.model.flags import More
from mailkeep.model.ids import AccountId, MailboxId, ModSeq, Uid
from mailkeep.model.message import NO_MORE, FlagState
from mailkeep.model.uidset import UidSet

REMEMBERED: Final = 64  # deltas kept, so that sessions catch up without scanning the arrays
MANY: Final = 4096  # entries changed at once; to remember their UIDs would take more room than the arrays


@dataclass(slots=True)
class _Change:
    upto: ModSeq
    changed: tuple[Uid, ...]


class View:
    """The present state of a mailbox as this process knows it: everything up to modseq `upto`."""

    def __init__(
        self,
        account: AccountId,
        mailbox: MailboxId,
        upto: ModSeq,
        uids: array[int],
        masks: array[int],
        modseqs: array[int],
        more: dict[Uid, More],
        counter: Callable[[], int] | None = None,
    ) -> None:
        """`counter` tells another number when another process may have written (see `Store.counter`)."""
        self.account = account
        self.mailbox = mailbox
        self.upto = upto
        self.uids = uids
        self.masks = masks
        self.modseqs = modseqs
        self.more = more
        self.used = reduce(or_, set(masks), 0)  # flags that some entry has, or had since this view was opened
        self.used_more = set(chain.from_iterable(more.values()))
        self._hinted = False
        self._counter = counter
        self._counted = -1  # what the counter said before the last look
        self.users = 0
        self._recent_changes: deque[_Change] = deque(maxlen=REMEMBERED)
        self._floor = upto  # changes after this modseq are all in _recent_changes

    @property
    def stale(self) -> bool:
        """Whether the store may know more."""
        return self._hinted or (self._counter is not None and self._counter() != self._counted)

    def doubt(self) -> None:
        """Something has been committed."""
        self._hinted = True

    def begin_refresh(self) -> None:
        """The store is read now: what is committed later makes the view stale again."""
        self._hinted = False
        if self._counter is not None:
            self._counted = self._counter()

    def index(self, uid: int) -> int:
        """Where `uid` stands in the arrays, or -1."""
        uids = self.uids
        i = bisect_left(uids, uid)
        return i if i < len(uids) and uids[i] == uid else -1

    def state(self, uid: Uid) -> FlagState | None:
        """The flags of `uid`, or None when it is not there (any more)."""
        i = self.index(uid)
        return None if i < 0 else self._state(i)

    def _state(self, i: int) -> FlagState:
        uid = Uid(self.uids[i])
        return FlagState(uid, self.masks[i], self.more.get(uid, NO_MORE), ModSeq(self.modseqs[i]))

    def apply(self, delta: Delta) -> None:
        """Take in what the store says happened after `upto`."""
        if delta.gone:
            self._remove(delta.gone)
        uids = self.uids
        for state in delta.changed:
            i = bisect_left(uids, state.uid)
            if i == len(uids):
                uids.append(state.uid)
                self.masks.append(state.mask)
                self.modseqs.append(state.modseq)
            elif uids[i] == state.uid:
                self.masks[i] = state.mask
                self.modseqs[i] = state.modseq
            else:  # cannot be: UIDs ascend, so what is new is last
                raise AssertionError(f"UID {state.uid} appeared below {uids[-1]}")
            self.used |= state.mask
            if state.more:
                self.more[state.uid] = state.more
                self.used_more.update(state.more)
            else:
                self.more.pop(state.uid, None)
        if len(delta.changed) > MANY:
            self._recent_changes.clear()
            self._floor = delta.upto
        else:
            if len(self._recent_changes) == REMEMBERED:
                self._floor = self._recent_changes[0].upto
            self._recent_changes.append(_Change(delta.upto, tuple([state.uid for state in delta.changed])))
        self.upto = delta.upto

    def _remove(self, gone: UidSet) -> None:
        cuts = []
        for low, high in gone.ranges:
            start = bisect_left(self.uids, low)
            stop = bisect_left(self.uids, high + 1, start)
            if start < stop:
                cuts.append((start, stop))
        if cuts:
            self.uids = _without(self.uids, cuts)
            self.masks = _without(self.masks, cuts)
            self.modseqs = _without(self.modseqs, cuts)
        if self.more:
            self.more = {uid: more for uid, more in self.more.items() if uid not in gone}

    def changed_since(self, since: ModSeq) -> list[FlagState]:
        """The states of all entries changed or added after `since`, ascending by UID."""
        if since >= self.upto:
            return []
        if since < self._floor:
            return [self._state(i) for i, modseq in enumerate(self.modseqs) if modseq > since]
        last = self._recent_changes[-1]
        if len(last.changed) == 1 and (len(self._recent_changes) == 1 or self._recent_changes[-2].upto <= since):
            return [state for state in self._states(last.changed) if state.modseq > since]  # the most frequent case
        touched: set[int] = set()
        for change in reversed(self._recent_changes):
            if change.upto <= since:
                break
            touched.update(change.changed)
        # a delta may have brought changes from before `since` too
        return [state for state in self._states(sorted(touched)) if state.modseq > since]

    def _states(self, uids: Iterable[int]) -> Iterable[FlagState]:
        for uid in uids:
            i = self.index(uid)
            if i >= 0:
                yield self._state(i)

    @property
    def unseen(self) -> int:
        """Entries without \\Seen."""
        return sum(1 for mask in self.masks if not mask & 1)

    def first_unseen(self) -> int:
        """The index of the first entry without \\Seen, or -1."""
        for i, mask in enumerate(self.masks):
            if not mask & 1:
                return i
        return -1


def _without(column: array[int], cuts: list[tuple[int, int]]) -> array[int]:
    """A new column without the entries of `cuts`, which ascend."""
    kept = column[: cuts[0][0]]
    for (_, start), (stop, _) in pairwise([*cuts, (len(column), 0)]):
        kept.extend(column[start:stop])
    return kept
