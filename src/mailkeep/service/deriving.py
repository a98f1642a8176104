"""Derived data of messages that have just come: made a moment later, several together, so that nobody waits for it.

Made in a row it takes half the time, too: code and tables are in the processor's caches by then.  Whoever wants some of
it earlier gets it made at once; what a crash loses is made on reading.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from mailkeep.formats.mime.scan import Part
from mailkeep.model.derive import Deriver
from mailkeep.model.ids import AccountId, MessageId
from mailkeep.service.pace import Pace
from mailkeep.store import ops
from mailkeep.store.contract import Derived, Store

SOON_S: Final = 0.02
MANY: Final = 32  # messages: then it is worth the while at once
MOST: Final = 4 * 1024 * 1024  # octets held; what comes beyond is not for here


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that has been looked through, and nothing yet made of it."""

    part: Part
    data: bytes


class Deriving:
    """Messages whose derived data is to be made and kept."""

    def __init__(self, store: Store, derivers: tuple[Deriver[Part], ...]) -> None:
        self._store = store
        self._derivers = derivers
        self._waiting: dict[tuple[AccountId, MessageId], Waiting] = {}
        self._octets = 0
        self._timer: asyncio.Handle | None = None

    def has_room(self, octets: int) -> bool:
        """Whether so many octets more may be held."""
        return self._octets + octets <= MOST

    def expect(self, account: AccountId, message: MessageId, waiting: Waiting) -> None:
        """A message has been stored, its derived data has not."""
        self._waiting[account, message] = waiting
        self._octets += len(waiting.data)
        if len(self._waiting) == MANY:
            self.stop()
            self._timer = asyncio.get_running_loop().call_soon(self._work)
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON_S, self._work)

    def find(self, account: AccountId, message: MessageId) -> Waiting | None:
        """A message that still waits: reading it again can be spared."""
        return self._waiting.get((account, message))

    def stop(self) -> None:
        """Make nothing more by itself; what is missing is made on reading."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _work(self) -> None:
        self._timer = None
        pace = Pace()
        made: dict[AccountId, list[tuple[MessageId, Derived]]] = {}
        for account, message in tuple(self._waiting):
            waiting = self._waiting.pop((account, message))
            self._octets -= len(waiting.data)
            made.setdefault(account, []).extend((message, each) for each in derive(self._derivers, waiting))
            if pace.is_over:
                break
        for account, rows in made.items():
            self._store.later(ops.put_derived, account, tuple(rows))
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_soon(self._work)


def derive(derivers: tuple[Deriver[Part], ...], waiting: Waiting) -> list[Derived]:
    """All that is kept of a message."""
    return [Derived(each.kind, each.version, each.function(waiting.part, waiting.data)) for each in derivers]
