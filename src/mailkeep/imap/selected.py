"""The one place that knows message sequence numbers: what this client believes of its mailbox.

RFC 9051 §2.3.1.2 (sequence numbers), §5.5 and §7.5.1 (when EXPUNGE may be sent).  Pure; no I/O.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final

from mailkeep.model.ids import ModSeq, Uid
from mailkeep.model.message import FlagState
from mailkeep.model.uidset import UidSet
from mailkeep.service.view import View

FEW: Final = 64  # of anything: then finding each by itself is quickest


class NoSuchMessage(Exception):
    """A message sequence number beyond the mailbox: the client's mistake, answered with BAD (RFC 9051 §6.4)."""


@dataclass(frozen=True, slots=True)
class Expunge:
    """The messages at `numbers` are gone.  In the order to tell: descending, so that each is still valid."""

    numbers: tuple[int, ...]
    uids: UidSet


@dataclass(frozen=True, slots=True)
class Exists:
    """The mailbox now has `count` messages."""

    count: int


@dataclass(frozen=True, slots=True)
class FlagUpdate:
    """The flags of a message that the client knew before have changed."""

    seq: int
    state: FlagState


Update = Expunge | Exists | FlagUpdate


class SelectedView:
    """What one session has told its client: `count` messages of `_uids`, everything up to modseq `told`."""

    __slots__ = ("_expected", "_safe", "_uids", "_view", "_withheld", "count", "recent_ranges", "told")

    def __init__(self, view: View) -> None:
        self._view = view
        self._uids: array[int] = view.uids  # shared: appended to by the view, replaced by it at an expunge
        self.count = len(view.uids)
        self.told: ModSeq = view.upto
        self._withheld = False  # expunges are waiting to be told
        self._safe: ModSeq = view.upto  # what had been told before they happened
        self._expected: dict[int, FlagState] = {}
        self.recent_ranges: list[tuple[int, int]] = []

    # --- numbers and UIDs

    def uid(self, seq: int) -> Uid:
        """The UID of a sequence number.  Raises: NoSuchMessage."""
        if not 1 <= seq <= self.count:
            raise NoSuchMessage(f"There is no message number {seq}")
        return Uid(self._uids[seq - 1])

    def seq(self, uid: int) -> int:
        """The sequence number of `uid`, or 0 when the client does not know it."""
        i = bisect_left(self._uids, uid, 0, self.count)
        return i + 1 if i < self.count and self._uids[i] == uid else 0

    def seqs(self, uids: Sequence[int]) -> list[int]:
        """The sequence numbers of `uids` (ascending), without those that the client does not know."""
        if len(uids) < FEW:
            return [seq for uid in uids if (seq := self.seq(uid))]
        return list(compress(range(1, self.count + 1), map(frozenset(uids).__contains__, self._uids)))

    def numbers_of(self, uids: Sequence[int]) -> list[int]:
        """The sequence numbers of `uids`, in their order, without those that the client does not know."""
        if len(uids) < FEW:
            return [seq for uid in uids if (seq := self.seq(uid))]
        known = dict(zip(self._uids[: self.count], range(1, self.count + 1), strict=True))
        return [number for number in map(known.get, uids) if number is not None]

    @property
    def last_uid(self) -> int:
        """The UID of the last message, 0 when there is none."""
        return self._uids[self.count - 1] if self.count else 0

    def uids_of_numbers(self, ranges: Iterable[tuple[int, int]]) -> Sequence[int]:
        """The UIDs of inclusive ranges of sequence numbers, ascending.  Raises: NoSuchMessage."""
        merged = UidSet.of_ranges(ranges).ranges
        if merged and merged[-1][1] > self.count:
            raise NoSuchMessage(f"There is no message number {merged[-1][1]}")
        if len(merged) == 1:
            low, high = merged[0]
            return self._uids[low - 1 : high]
        out = array("I")
        for low, high in merged:
            out.extend(self._uids[low - 1 : high])
        return out

    def uids_in(self, ranges: Iterable[tuple[int, int]]) -> Sequence[int]:
        """Those UIDs of inclusive ranges that the client knows, ascending."""
        merged = UidSet.of_ranges(ranges).ranges
        if len(merged) == 1:
            low, high = merged[0]
            start = bisect_left(self._uids, low, 0, self.count)
            return self._uids[start : bisect_left(self._uids, high + 1, start, self.count)]
        out = array("I")
        for low, high in merged:
            start = bisect_left(self._uids, low, 0, self.count)
            stop = bisect_left(self._uids, high + 1, start, self.count)
            out.extend(self._uids[start:stop])
        return out

    def all_uids(self) -> Sequence[int]:
        """Every UID that the client knows, ascending; index + 1 is the sequence number."""
        return self._uids if self.count == len(self._uids) else self._uids[: self.count]

    def numbers(self, uids: Iterable[int]) -> UidSet:
        """Sequence numbers of `uids`; those that the client does not know are left out."""
        return UidSet(seq for uid in uids if (seq := self.seq(uid)))

    def is_withheld(self, uid: int) -> bool:
        """Whether the client still counts a message that is in truth expunged (RFC 2180 §4.1)."""
        return self._uids is not self._view.uids and self._view.index(uid) < 0

    @property
    def held(self) -> bool:
        """Whether expunges wait to be told."""
        return self._withheld

    @property
    def safe(self) -> ModSeq:
        """Everything that happened up to this modseq has been told; what came later, perhaps in part."""
        return self._safe if self._withheld else self.told

    @property
    def is_level(self) -> bool:
        """Whether the client knows all that the view does, and `apply` has nothing to do."""
        return self.told == self._view.upto and not self._withheld and not self._expected

    @property
    def is_aligned(self) -> bool:
        """Whether the client's messages are the first of the shared view's: index + 1 is the number in both."""
        return self._uids is self._view.uids

    # --- \Recent (IMAP4rev1 only)

    def is_recent(self, uid: int) -> bool:
        """Whether this session is the one that was given the message as \\Recent."""
        return any(low <= uid <= high for low, high in self.recent_ranges)

    @property
    def recent(self) -> int:
        """How many messages are \\Recent to this session."""
        total = 0
        for low, high in self.recent_ranges:
            total += bisect_left(self._uids, high + 1, 0, self.count) - bisect_left(self._uids, low, 0, self.count)
        return total

    # --- what happened

    def expect(self, states: Iterable[FlagState]) -> None:
        """The client knows these flags, or is told them otherwise: do not repeat them (STORE .SILENT).

        The mod-sequence belongs to it: others may have changed a message and changed it back meanwhile (RFC 7162 §3.1).
        """
        self._expected.update((state.uid, state) for state in states)

    def follow(self, previous: ModSeq, upto: ModSeq) -> bool:
        """All that happened after `previous`, up to `upto`, is what this client did and knows: whether that is so.

        False leaves everything as it is: somebody else's change lies between, or something is not told yet.
        """
        if self.told != previous or self._view.upto != upto or self._uids is not self._view.uids:
            return False
        if self.count != len(self._uids):
            return False
        self.told = upto
        return True

    def apply(self, *, may_expunge: bool) -> list[Update]:
        """Bring the client up to the view; what to say, in the order to say it: Expunge, Exists, FlagUpdate.

        The view must be fresh.  Without `may_expunge` the gone messages keep their numbers until a later call.
        """
        view = self._view
        if self.told == view.upto and not (self._withheld and may_expunge):
            self._expected.clear()
            return []
        updates: list[Update] = []
        old_count = self.count
        if self._uids is not view.uids:
            gone = self._gone()
            if gone and may_expunge:
                updates.append(self._expunge(gone))
            elif gone:
                if not self._withheld:
                    self._safe = self.told
                self._withheld = True
                self._extend_own()
        if self._uids is view.uids:
            self.count = len(view.uids)
        known = old_count - (len(updates[0].numbers) if updates and isinstance(updates[0], Expunge) else 0)
        if self.count > known:
            updates.append(Exists(self.count))
        for state in view.changed_since(self.told):
            seq = self.seq(state.uid)
            # What is new is told by EXISTS alone: the client asks for what it wants to know of it.
            if 0 < seq <= known and self._expected.get(state.uid) != state:
                updates.append(FlagUpdate(seq, state))
        self._expected.clear()
        self.told = view.upto
        return updates

    def _gone(self) -> list[int]:
        """UIDs that the client knows and that the view has no more.  Takes the view's array when there are none."""
        gone = self._few_gone()
        if gone is None:
            present = set(self._view.uids)
            gone = [uid for uid in self._uids[: self.count] if uid not in present]
        if not gone:
            self._uids = self._view.uids
            self._withheld = False
        return gone

    def _few_gone(self) -> list[int] | None:
        """The same, found by bisection, for a hundred windows may be told of one message; None when there are many.

        Up to the first that has gone, the two arrays are equal; from there on the view's is ahead.
        """
        mine, theirs = self._uids, self._view.uids
        gone: list[int] = []
        at = 0
        while len(gone) < FEW:
            end = self.count
            while at < end:
                middle = (at + end) // 2
                other = middle - len(gone)
                if other < len(theirs) and mine[middle] == theirs[other]:
                    at = middle + 1
                else:
                    end = middle
            if at == self.count:
                return gone
            gone.append(mine[at])
            at += 1
        return None

    def _expunge(self, gone: list[int]) -> Expunge:
        numbers = tuple(self.seq(uid) for uid in reversed(gone))
        self._uids = self._view.uids
        self._withheld = False
        return Expunge(numbers, UidSet(gone))

    def _extend_own(self) -> None:
        """Keep the expunged in a private array, with what is new behind them."""
        mine = self._uids[: self.count]
        last = mine[-1] if mine else 0
        mine.extend(self._view.uids[bisect_left(self._view.uids, last + 1) :])
        self._uids = mine
        self.count = len(mine)
