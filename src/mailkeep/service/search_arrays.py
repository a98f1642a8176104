"""What a view alone decides of a query, at the moment when the search begins."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

from mailkeep.model import query as q
from mailkeep.service import lanes as lane
from mailkeep.service.lanes import Lanes
from mailkeep.service.pace import Pace
from mailkeep.service.search_plan import Every, Exact, OfRow, OfView, Plan, Probe, Some, Without
from mailkeep.service.view import View

REMEMBERED: Final = 64  # leaves; each takes an octet for each entry, and a query may have thousands


class Arrays:
    """A view as it was when the search began, and what it decides."""

    def __init__(self, view: View, some: Iterable[int] | None = None) -> None:
        """All of the view, or those of `some` UIDs (ascending) that it has."""
        self.view = view
        if some is None:
            self.uids = view.uids[:]  # all of these may change while we wait
            self._masks = view.masks[:]
            self._modseqs = view.modseqs[:]
        else:
            places = [place for uid in some if (place := view.index(uid)) >= 0]
            self.uids, self._masks, self._modseqs = (
                array(column.typecode, map(column.__getitem__, places))
                for column in (view.uids, view.masks, view.modseqs)
            )
        self._more = dict(view.more)
        self.count = len(self.uids)
        self._leaves: dict[OfView, Lanes] = {}
        self._pace = Pace()

    async def evaluate(self, plan: Plan) -> Lanes:
        """The places of those for which a plan of the view alone is true."""
        match plan:
            case OfView():
                if self._pace.is_over:
                    await self._pace.give_way()
                return self.leaf(plan)
            case Every(terms):
                lanes = lane.every(self.count)
                for term in terms:
                    lanes &= await self.evaluate(term)
                return lanes
            case Some(terms):
                lanes = 0
                for term in terms:
                    lanes |= await self.evaluate(term)
                return lanes
            case Without(term):
                return lane.every(self.count) ^ await self.evaluate(term)
            case OfRow() | Probe() | Exact():
                raise AssertionError("the view does not know")

    def leaf(self, leaf: OfView) -> Lanes:
        """The places of those for which it is true."""
        lanes = self._leaves.get(leaf)
        if lanes is None:
            if len(self._leaves) >= REMEMBERED:
                self._leaves.clear()
            lanes = self._leaves[leaf] = self._decide(leaf)
        return lanes

    def _decide(self, leaf: OfView) -> Lanes:
        match leaf.query:
            case q.All():
                return lane.every(self.count)
            case q.HasFlag(mask):
                return lane.of_mask(self._masks, mask)
            case q.HasKeyword(number):
                having = [uid for uid, more in self._more.items() if number in more]
                return lane.of_members(self.uids, having)
            case q.UidIn(uids):
                return lane.of_uids(self.uids, uids)
            case q.ModSeqAtLeast(modseq):
                return lane.of_test(modseq.__le__, self._modseqs)
