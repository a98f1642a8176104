"""What a view alone decides of a query, at the moment when the search begins."""

from __future__ import annotations

from mailkeep.model import query as q
from mailkeep.service import lanes as lane
from mailkeep.service.lanes import Lanes
from mailkeep.service.search_plan import Every, OfRow, OfView, Plan, Probe, Some, Without
from mailkeep.service.view import View


class Arrays:
    """A view as it was when the search began, and what it decides."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.uids = view.uids[:]  # it may grow while we wait
        self.count = len(self.uids)
        self._leaves: dict[OfView, Lanes] = {}

    def prepare(self, plan: Plan) -> None:
        """Decide now, before the view changes, what will be asked for later."""
        match plan:
            case OfView():
                self.leaf(plan)
            case Every(terms) | Some(terms):
                for term in terms:
                    self.prepare(term)
            case Without(term):
                self.prepare(term)
            case OfRow() | Probe():
                pass

    def evaluate(self, plan: Plan) -> Lanes:
        """The places of those for which a plan of the view alone is true."""
        match plan:
            case OfView():
                return self.leaf(plan)
            case Every(terms):
                lanes = lane.every(self.count)
                for term in terms:
                    lanes &= self.evaluate(term)
                return lanes
            case Some(terms):
                lanes = 0
                for term in terms:
                    lanes |= self.evaluate(term)
                return lanes
            case Without(term):
                return lane.every(self.count) ^ self.evaluate(term)
            case OfRow() | Probe():
                raise AssertionError("the view does not know")

    def leaf(self, leaf: OfView) -> Lanes:
        """The places of those for which it is true."""
        lanes = self._leaves.get(leaf)
        if lanes is None:
            lanes = self._leaves[leaf] = self._decide(leaf)
        return lanes

    def _decide(self, leaf: OfView) -> Lanes:
        view = self.view
        match leaf.query:
            case q.All():
                return lane.every(self.count)
            case q.HasFlag(mask):
                return lane.of_mask(view.masks, mask)
            case q.HasKeyword(number):
                having = [uid for uid, more in view.more.items() if number in more]
                return lane.of_members(self.uids, having)
            case q.UidIn(uids):
                return lane.of_uids(self.uids, uids)
            case q.ModSeqAtLeast(modseq):
                return lane.of_test(modseq.__le__, view.modseqs)
