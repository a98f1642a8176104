"""What becomes of a message when a filter does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from mailkeep import telemetry
from mailkeep.net.lane import Lane
from mailkeep.smtp.judging import Action, Arriving, Opinion
from mailkeep.smtp.wire.reply import Reply

AT_ONCE: Final = 16  # messages that one filter looks at; further ones wait, and their time runs

log = telemetry.logger(part="filter")


class FilterFault(Exception):
    """A filter cannot tell; the text says why, without any content of mail."""


@dataclass(slots=True)
class Tally:
    """What filters have done: (filter, outcome) → how often.  An outcome is an action, or ``fault``."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def count(self, name: str, outcome: str) -> None:
        """One more."""
        self.counts[name, outcome] = self.counts.get((name, outcome), 0) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for every filter: `patience_s` for one message, and what a fault means.

    `defer`: the client is told to try again; else the message goes on as if there were no filter.
    """

    patience_s: float
    defer: bool
    lane: Lane
    tally: Tally


class Within:
    """Asks one filter on its terms."""

    def __init__(self, name: str, terms: Terms, *, at_once: int = AT_ONCE) -> None:
        self._name = name
        self._terms = terms
        self._room = asyncio.Semaphore(at_once)

    async def ask(self, look: Callable[[Arriving], Awaitable[Opinion]], arriving: Arriving) -> Opinion:
        """What `look` finds, or what a fault means; `look` raises FilterFault and runs in a task."""
        terms = self._terms
        try:
            found = await terms.lane.run(self._bounded(look, arriving))
        except FilterFault as error:
            terms.tally.count(self._name, "fault")
            log.warning("filter.fault", filter=self._name, peer=arriving.peer, reason=str(error))
            if not terms.defer:
                return Opinion()
            return Opinion(Action.DEFER, Reply(451, "4.7.1", "The message cannot be checked now, try again later"))
        terms.tally.count(self._name, found.action.value)
        if found.action is not Action.ACCEPT:
            log.info("filter.acted", filter=self._name, peer=arriving.peer, action=found.action.value)
        return found

    async def _bounded(self, look: Callable[[Arriving], Awaitable[Opinion]], arriving: Arriving) -> Opinion:
        try:
            async with asyncio.timeout(self._terms.patience_s), self._room:
                return await look(arriving)
        except TimeoutError as error:
            raise FilterFault("no answer in time") from error
