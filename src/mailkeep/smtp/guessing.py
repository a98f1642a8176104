"""Whoever names recipients that there are not may be looking for those that there are: it is made slow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mailkeep.model.errors import Unavailable
from mailkeep.net.limits import Network, is_among
from mailkeep.service.throttle import Throttle, network_of

MAX_GUESSES: Final = 25  # of one connection; a list that is so stale is no list
FREE_GUESSES: Final = 50  # of one network, until it has made none for a quarter of an hour; then it has to wait


@dataclass(frozen=True, slots=True)
class Guessing:
    """Counts guesses.  Networks that are `exempt`, and this machine, never wait; but no connection guesses for ever."""

    throttle: Throttle
    exempt: Sequence[Network] = ()
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def hold_back(self, peer: str, guesses: int) -> bool:
        """One more wrong guess from `peer`: the `guesses`-th of its connection.

        Returns when it may be answered; False: it has had enough, and is to go.
        """
        if guesses >= MAX_GUESSES:
            return False
        network = network_of(peer)
        if not network or is_among(peer, self.exempt):
            return True
        try:
            wait = self.throttle.enter(network)
        except Unavailable:  # it guesses over many connections at once
            return False
        wait = max(wait, self.throttle.leave(network, failed=True))
        if wait > 0.0:
            await self.sleep(wait)
        return True
