"""How often somebody may do something in an hour, counted by all processes of a server together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mailkeep.service.ledger import Ledger

HOUR_S: Final = 3600.0


class Rates:
    """At most `per_hour` events of a key in each hour of the clock; 0 is no limit.

    `clock` gives seconds, is the same in all processes, and never goes back.  `per_hour` may be changed at any time.
    """

    def __init__(self, ledger: Ledger, kind: str, per_hour: int, clock: Callable[[], float]) -> None:
        """`kind` keeps keys apart from those of others."""
        self.per_hour = per_hour
        self._ledger = ledger
        self._kind = kind
        self._clock = clock

    def admit(self, key: str) -> bool:
        """Whether one more event of the key is within its limit; if so, it is counted."""
        if not self.per_hour:
            return True
        name = self._kind + key
        hour = 1.0 + self._clock() // HOUR_S  # never 0, which is "never" in a record
        records = [record for record in self._ledger.find(name) if record.failed_at == hour]
        if sum(record.failures for record in records) >= self.per_hour:
            return False
        own = self._ledger.own_or_new(name)
        if own is not None:
            own.failures = own.failures + 1 if own.failed_at == hour else 1
            own.failed_at = hour
        return True
