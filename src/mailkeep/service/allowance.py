"""How much an account may send in an hour: so that a stolen password does not ruin the name of a server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from mailkeep.model.errors import LimitReached
from mailkeep.model.ids import AccountId
from mailkeep.service.ledger import Ledger

HOUR_S: Final = 3600


class Allowance:
    """Counts what each account sends, in all processes together, by the hour of the clock.

    `messages`, `recipients`: how many an hour, 0 for no limit; they may be changed at any time.  What was counted is
    forgotten when the server ends.  `clock` gives UTC seconds; `ticks` those of a clock that never goes back, which is
    the same in all processes.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        messages: int = 0,
        recipients: int = 0,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.messages = messages
        self.recipients = recipients
        self._ledger = ledger
        self._clock = clock
        self._ticks = ticks

    def take(self, account: AccountId, recipients: int) -> None:
        """A message to so many is about to be sent.  Raises: LimitReached (and nothing is counted)."""
        now = int(self._clock())
        hour, past = divmod(now, HOUR_S)
        wanted = (("messages", 1, self.messages), ("recipients", recipients, self.recipients))
        limited = [(f"sent {what}:{account}:{hour}", count, limit) for what, count, limit in wanted if limit]
        for key, count, limit in limited:
            if self._ledger.total(key) + count > limit:
                minutes = (HOUR_S - past + 59) // 60
                raise LimitReached(f"You have sent as much as you may in an hour: try again in {minutes} minutes")
        for key, count, _ in limited:
            self._ledger.add(key, count, self._ticks())
