"""What of the queue is in memory: a window of bounded size, from which everybody gets his turn.

- A lane is what one account sends to one domain.  Lanes take turns, so that neither a newsletter nor a slow host keeps
  others waiting.
- A lane holds at most `LANE` legs.  That it left some behind is remembered, and they are asked for again.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from typing import Final

from mailkeep.model.ids import AccountId
from mailkeep.service.queue import Due

LANE: Final = 100  # legs of one account to one domain
WINDOW: Final = 5000  # legs of all

Lane = tuple[AccountId, str]


class Window:
    """Legs that wait for their turn, or are being tried.  Not a word about how.

    `at_once`: legs that are tried at once, and `per_destination`: of these, to one domain; both may be changed at any
    time.  `window`: legs beyond which nothing more should be offered.
    """

    def __init__(self, at_once: int, per_destination: int, window: int = WINDOW, *, lane: int = LANE) -> None:
        self.at_once = at_once
        self.per_destination = per_destination
        self._lane = lane
        self._window = window
        self._known: set[tuple[int, int, int]] = set()  # account, item, leg
        self._waiting: dict[Lane, deque[Due]] = {}
        self._turns: deque[Lane] = deque()  # lanes with something that waits, but for those that are `_blocked`
        self._blocked: defaultdict[str, list[Lane]] = defaultdict(list)  # by domain: as much as may be goes there
        self._left: set[Lane] = set()  # lanes that have left some behind
        self._trying: Counter[str] = Counter()  # legs by domain
        self.running = 0  # all of these

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be offered."""
        return len(self._known) >= self._window

    def offer(self, due: Due) -> None:
        """One that is due; those that are known already, or do not fit in their lane, are left."""
        key = due[1:4]
        if key in self._known:
            return
        lane = due.account, due.domain
        waiting = self._waiting.get(lane)
        if waiting is None:
            waiting = self._waiting[lane] = deque()
            self._turns.append(lane)
        if len(waiting) >= self._lane:
            self._left.add(lane)
            return
        self._known.add(key)
        waiting.append(due)

    def hungry(self) -> list[Lane]:
        """Lanes that have left some behind, and have room again."""
        return [lane for lane in self._left if len(self._waiting.get(lane, ())) <= self._lane // 2]

    def feed(self, lane: Lane, page: Iterable[Due], *, more: bool) -> None:
        """The earliest of a hungry lane, at least twice as many as a lane holds if there are `more`."""
        self._left.discard(lane)
        for due in page:
            self.offer(due)
        if more:
            self._left.add(lane)

    def take(self) -> Due | None:
        """One whose turn it is; to be given back by `done`.  None: there is none, or all must wait."""
        while self._turns and self.running < self.at_once:
            lane = self._turns.popleft()
            _, domain = lane
            if self._trying[domain] >= self.per_destination:
                self._blocked[domain].append(lane)
                continue
            waiting = self._waiting[lane]
            due = waiting.popleft()
            if waiting:
                self._turns.append(lane)
            else:
                del self._waiting[lane]
            self._trying[domain] += 1
            self.running += 1
            return due
        return None

    def done(self, due: Due) -> None:
        """It has been tried; if it is due again it may be offered again."""
        self._known.discard(due[1:4])
        self.running -= 1
        self._trying[due.domain] -= 1
        if not self._trying[due.domain]:
            del self._trying[due.domain]
        self._turns.extend(self._blocked.pop(due.domain, ()))

    def __len__(self) -> int:
        return len(self._known)
