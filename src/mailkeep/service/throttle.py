"""Slowing down whoever fails: waiting times that grow with failures, in bounded memory."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailkeep.model.errors import Unavailable
from mailkeep.service.ledger import Ledger, Record

FIRST_DELAY_S: Final = 0.25  # after the first failure that counts; doubled by each further one
MAX_DELAY_S: Final = 8.0
MAX_WAIT_S: Final = 20.0  # who would have to wait longer is sent away
FORGET_S: Final = 900.0  # failures count until there has been none for so long


class Throttle:
    """Waiting times per key (an account, an address), which are words of their own in the ledger.

    The first `free` failures cost nothing.  Tries that run at the same time wait for each other as if each failed, so
    that many connections are no faster than one, in whichever process.  `clock` gives seconds, is the same in all
    processes, and never goes back.
    """

    def __init__(self, ledger: Ledger, kind: str, clock: Callable[[], float], *, free: int = 0) -> None:
        """`kind` keeps keys apart from those of others."""
        self._ledger = ledger
        self._kind = kind
        self._clock = clock
        self._free = free

    def enter(self, key: str, *, always: bool = False) -> float:
        """A try begins: the seconds it has to wait first.  Each `enter` that returns is followed by one `leave`.

        Raises: Unavailable (the wait would be too long, and it is not let in `always`; nothing was counted).
        """
        name = self._kind + key
        known = self._look(name)
        delay = self._delay(known.failures)
        wait = max(0.0, known.failed_at + delay - self._clock()) if known.failures else 0.0
        wait += known.running * delay
        if wait > MAX_WAIT_S and not always:
            raise Unavailable("Too many failed logins; try again later")
        own = self._ledger.own_or_new(name)
        if own is not None:
            own.count += 1
        return wait

    def leave(self, key: str, *, failed: bool) -> float:
        """The try is over.  Returns: the seconds by which the answer to a failure should be held back."""
        name = self._kind + key
        known = self._look(name)
        own = self._ledger.own_or_new(name) if failed else self._ledger.own(name)
        if own is None:
            return 0.0
        own.count = max(0, own.count - 1)
        if failed:
            self._fail(own, known)
            return self._delay(known.failures + 1)
        if not own.count and not own.failures and not own.forgiven_at:
            own.remove()
        return 0.0

    def forgive(self, key: str) -> None:
        """Drop the failures of a key."""
        name = self._kind + key
        known = self._look(name)
        if not known.failures:
            return
        own = self._ledger.own_or_new(name)
        if own is None:
            return
        own.failures, own.failed_at = 0, 0.0
        # what others have recorded stays theirs; it only counts no more
        own.forgiven_at = known.failed_at if any(record.failures for record in self._ledger.find(name)) else 0.0
        if not own.count and not own.forgiven_at:
            own.remove()

    def _look(self, name: str) -> _Known:
        """What all processes know of a key."""
        records = self._ledger.find(name)
        forgiven_at = max((record.forgiven_at for record in records), default=0.0)
        failed = [record for record in records if record.failed_at > forgiven_at]
        failed_at = max((record.failed_at for record in failed), default=0.0)
        failures = sum(record.failures for record in failed)
        if self._clock() - failed_at > FORGET_S:
            failures, forgiven_at = 0, max(forgiven_at, failed_at)
        return _Known(failures, sum(record.count for record in records), failed_at, forgiven_at)

    def _fail(self, own: Record, known: _Known) -> None:
        if own.failed_at <= known.forgiven_at:
            own.failures = 0
        own.forgiven_at = known.forgiven_at
        own.failures += 1
        own.failed_at = max(self._clock(), math.nextafter(known.forgiven_at, math.inf))

    def _delay(self, failures: int) -> float:
        counted = failures - self._free
        return min(MAX_DELAY_S, FIRST_DELAY_S * 2.0 ** min(counted - 1, 10)) if counted > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Known:
    failures: int  # that count
    running: int
    failed_at: float
    forgiven_at: float  # failures up to this time do not count


def network_of(peer: str) -> str:
    """What counts as one source: an IPv4 address, or a /64 of IPv6, which is one customer; "" for this machine."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return "" if address.is_loopback else str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return "" if address.is_loopback else str(address)
