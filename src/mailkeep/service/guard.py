"""Who tries to log in is made to wait the longer the more has failed: per account, and per address.

- An address from which an account has been opened lately is *known* for it, and has a count of its own: what strangers
  get wrong does not slow it down.
- This machine is exempt from what is counted per address, as webmail and proxies speak for many; and is never known.
- Each failure is a line of the log, with the address and a name only if there is such an account: what people type in
  a field for names may be a password.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from mailkeep import telemetry
from mailkeep.model.errors import AuthenticationFailed, Unavailable
from mailkeep.service.ledger import Ledger
from mailkeep.service.throttle import Throttle, network_of

T = TypeVar("T")

FREE_FAILURES_OF_NETWORK: Final = 10  # many people may share one address
KNOWN_S: Final = 30 * 86400.0  # since the last login

log = telemetry.logger()


class Untold(Exception):
    """By all that could be asked it is wrong, but not all could: the text is for the client."""


class Guard:
    """Holds tries back.  `ledger`: of several processes; `clock` must then be the same in all.

    Attributes: `logins` so far, and `failed`, those that were refused.
    """

    def __init__(
        self,
        ledger: Ledger | None = None,
        *,
        throttled: bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ledger = ledger or Ledger.alone()
        self._clock = clock
        self._sleep = sleep
        free = 0 if throttled else sys.maxsize
        self._by_account = Throttle(self._ledger, "login:", clock, free=free)
        self._by_network = Throttle(self._ledger, "network:", clock, free=max(free, FREE_FAILURES_OF_NETWORK))
        self.logins = 0
        self.failed = 0

    def knows(self, key: str, peer: str) -> bool:
        """Whether the account `key` has been opened from there lately."""
        network = network_of(peer)
        if not network:
            return False
        now = self._clock()
        return any(now - record.failed_at < KNOWN_S for record in self._ledger.find(_known(key, network)))

    def succeeded(self, key: str, peer: str) -> None:
        """Somebody has logged in."""
        self.logins += 1
        network = network_of(peer)
        if network:
            self._ledger.add(_known(key, network), 1, self._clock())

    async def attempt(
        self, key: str, peer: str, service: str, check: Callable[[], Awaitable[T | None]], *, account: str | None
    ) -> T:
        """One try: wait for one's turn, check, and hold back the answer to a failure.

        `account` is its address, None where there is none of that name.  A try of which `check` raises Untold slows
        down the next ones for the account, as a password that is kept here may be guessed at meanwhile.
        Raises: AuthenticationFailed (`check` gave None), Unavailable (too many failures wait already; or by `check`).
        """
        network = network_of(peer)
        known = self.knows(key, peer)
        counted = f"{key}\0{network}" if known else key
        try:
            wait = self._enter(counted, network, known=known)
        except Unavailable:
            log.warning("auth.refused", service=service, peer=peer, account=account)
            raise
        failed = untold = False
        try:
            await self._pause(wait)
            failed = True  # until proved otherwise: who hangs up while we check has had his guess
            began = self._clock()
            result = await check()
            failed = result is None
        except Unavailable:
            failed = False
            raise
        except Untold as error:
            untold = True
            raise Unavailable(str(error)) from error
        finally:
            delay = self._by_account.leave(counted, failed=failed)
            if network:
                delay = max(delay, self._by_network.leave(network, failed=failed and not untold))
        if result is None:
            self.failed += 1
            log.warning("auth.failed", service=service, peer=peer, account=account)
            # Counted from when the check began: how long that took depends on what is kept of the account.
            await self._pause(began + delay - self._clock())
            raise AuthenticationFailed("Wrong user name or password")
        self._by_account.forgive(counted)
        return result

    async def attempt_by_token(
        self, peer: str, service: str, check: Callable[[], Awaitable[T | None]], *, account: str | None
    ) -> T | None:
        """One try by something that nobody can guess, but that may cost something to check.

        It counts for the address alone: a client whose token has just expired is not to wait for a new one.
        Returns: what `check` gave; None is a failure.  Raises: Unavailable (as `attempt`).
        """
        network = network_of(peer)
        try:
            wait = self._by_network.enter(network) if network else 0.0
        except Unavailable:
            log.warning("auth.refused", service=service, peer=peer, account=account)
            raise
        failed = False
        try:
            await self._pause(wait)
            result = await check()
            failed = result is None
        finally:
            if network:
                self._by_network.leave(network, failed=failed)
        if result is None:
            self.failed += 1
            log.warning("auth.failed", service=service, peer=peer, account=account)
        return result

    def _enter(self, counted: str, network: str, *, known: bool) -> float:
        """How long to wait.  Raises: Unavailable."""
        wait = self._by_account.enter(counted)
        try:
            if network:
                of_network = self._by_network.enter(network, always=known)
                wait = wait if known else max(wait, of_network)
        except Unavailable:
            self._by_account.leave(counted, failed=False)
            raise
        return wait

    async def _pause(self, seconds: float) -> None:
        if seconds > 0.0:
            await self._sleep(seconds)


def _known(key: str, network: str) -> str:
    return f"known:{key}\0{network}"
