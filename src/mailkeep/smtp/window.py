"""What of the queue is in memory: a window of bounded size, from which everybody gets his turn.

- A lane is what one account sends to one domain.  Accounts take turns, and of one account its lanes do, so that neither
  a newsletter nor a slow host keeps others waiting.
- A lane, an account and a domain hold so many legs at most: the window has room for others.  That some were left
  behind is remembered, and they are asked for again.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from typing import Any, Final

from mailkeep.model.ids import AccountId
from mailkeep.service.queue import Due

LANE: Final = 100  # legs of one account to one domain
ACCOUNT: Final = 1000  # legs of one account
DOMAIN: Final = 2000  # legs to one domain
WINDOW: Final = 5000  # legs of all

Lane = tuple[AccountId, str]


class Window:
    """Legs that wait for their turn, or are being tried.  Not a word about how.

    `at_once`: legs that are tried at once, and `per_destination`: of these, to one domain; both may be changed at any
    time.  `window`: legs beyond which nothing more should be offered.
    """

    def __init__(
        self,
        at_once: int,
        per_destination: int,
        window: int = WINDOW,
        *,
        lane: int = LANE,
        account: int = ACCOUNT,
        domain: int = DOMAIN,
    ) -> None:
        self.at_once = at_once
        self.per_destination = per_destination
        self._lane = lane
        self._account = account
        self._domain = domain
        self._window = window
        self._known: set[tuple[int, int, int]] = set()  # account, item, leg
        self._of_account: Counter[AccountId] = Counter()  # how many of these
        self._of_domain: Counter[str] = Counter()
        self._waiting: dict[Lane, deque[Due]] = {}
        self._ready: dict[AccountId, deque[Lane]] = {}  # what waits, but for lanes that are `_blocked`
        self._turns: deque[AccountId] = deque()  # accounts with something ready, but for those that are `_resting`
        self._resting: set[AccountId] = set()  # as much of theirs as may be is tried
        self._blocked: defaultdict[str, list[Lane]] = defaultdict(list)  # by domain: as much as may be goes there
        self._left: set[Lane] = set()  # lanes that have left some behind
        self._short: set[AccountId] = set()  # accounts that have
        self._trying: Counter[str] = Counter()  # legs by domain
        self._tries: Counter[AccountId] = Counter()  # the same by account
        self.running = 0  # all of these

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be offered."""
        return len(self._known) >= self._window

    def offer(self, due: Due) -> None:
        """One that is due; those that are known already, or for which there is no room, are left."""
        key = due[1:4]
        if key in self._known:
            return
        lane = due.account, due.domain
        if len(self._waiting.get(lane, ())) >= self._lane or self._of_domain[due.domain] >= self._domain:
            self._left.add(lane)
            return
        if self._of_account[due.account] >= self._account:
            self._short.add(due.account)
            return
        self._known.add(key)
        self._of_account[due.account] += 1
        self._of_domain[due.domain] += 1
        if lane in self._waiting:
            self._waiting[lane].append(due)
        else:
            self._waiting[lane] = deque([due])
            self._make_ready(lane)

    def _make_ready(self, lane: Lane) -> None:
        account, _ = lane
        if account in self._ready:
            self._ready[account].append(lane)
        else:
            self._ready[account] = deque([lane])
            self._turns.append(account)

    def hungry(self) -> list[Lane]:
        """Lanes that have left some behind, and have room again."""
        return [
            (account, domain)
            for account, domain in self._left
            if len(self._waiting.get((account, domain), ())) <= self._lane // 2
            and self._of_account[account] <= self._account // 2
            and self._of_domain[domain] <= self._domain // 2
        ]

    def has_short(self) -> bool:
        """Whether accounts that have left some behind have room again: then all is to be offered anew."""
        found = {account for account in self._short if self._of_account[account] <= self._account // 2}
        self._short -= found
        return bool(found)

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
            account = self._turns.popleft()
            # Some places are for others: hosts that hang may be all that an account writes to.
            if self._tries[account] >= self.at_once - self.at_once // 10:
                self._resting.add(account)
            elif (due := self._take_of(account)) is not None:
                return due
        return None

    def _take_of(self, account: AccountId) -> Due | None:
        lane = self._ready[account].popleft()
        _, domain = lane
        due = None
        if self._trying[domain] >= self.per_destination:
            self._blocked[domain].append(lane)
        else:
            due = self._waiting[lane].popleft()
            if self._waiting[lane]:
                self._ready[account].append(lane)
            else:
                del self._waiting[lane]
            self._trying[domain] += 1
            self._tries[account] += 1
            self.running += 1
        if not self._ready[account]:
            del self._ready[account]
        elif due is None:
            self._turns.appendleft(account)
        else:
            self._turns.append(account)
        return due

    def done(self, due: Due) -> None:
        """It has been tried; if it is due again it may be offered again."""
        self._known.discard(due[1:4])
        self.running -= 1
        _count_down(self._of_account, due.account)
        _count_down(self._of_domain, due.domain)
        _count_down(self._tries, due.account)
        _count_down(self._trying, due.domain)
        if due.account in self._resting:
            self._resting.discard(due.account)
            self._turns.append(due.account)
        for lane in self._blocked.pop(due.domain, ()):
            self._make_ready(lane)

    def __len__(self) -> int:
        return len(self._known)


def _count_down(counter: Counter[Any], key: object) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
