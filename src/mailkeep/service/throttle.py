"""Slowing down whoever fails: waiting times that grow with failures, in bounded memory."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailkeep.model.errors import Unavailable

FIRST_DELAY_S: Final = 0.25  # after the first failure that counts; doubled by each further one
MAX_DELAY_S: Final = 8.0
MAX_WAIT_S: Final = 20.0  # who would have to wait longer is sent away
FORGET_S: Final = 900.0  # failures count until there has been none for so long


@dataclass(slots=True)
class _Record:
    failures: int = 0
    running: int = 0
    failed_at: float = 0.0


class Throttle:
    """Waiting times per key (an account, an address).

    The first `free` failures cost nothing.  Tries that run at the same time wait for each other as if each failed, so
    that many connections are no faster than one.  `clock` gives seconds and never goes back.
    """

    def __init__(self, clock: Callable[[], float], *, free: int = 0, entries: int = 20_000) -> None:
        self._clock = clock
        self._free = free
        self._entries = entries
        self._records: OrderedDict[str, _Record] = OrderedDict()  # the least recently used first

    def enter(self, key: str) -> float:
        """A try begins: the seconds it has to wait first.  Each `enter` that returns is followed by one `leave`.

        Raises: Unavailable (the wait would be too long; nothing was counted).
        """
        record = self._fresh(key)
        delay = self._delay(record)
        wait = max(0.0, record.failed_at + delay - self._clock()) if record.failures else 0.0
        wait += record.running * delay
        if wait > MAX_WAIT_S:
            raise Unavailable("Too many failed logins; try again later")
        record.running += 1
        return wait

    def leave(self, key: str, *, failed: bool) -> float:
        """The try is over.  Returns: the seconds by which the answer to a failure should be held back."""
        record = self._fresh(key)
        record.running = max(0, record.running - 1)
        if failed:
            record.failures += 1
            record.failed_at = self._clock()
        elif not record.failures and not record.running:
            del self._records[key]
            return 0.0
        return self._delay(record) if failed else 0.0

    def forgive(self, key: str) -> None:
        """Drop the failures of a key."""
        record = self._records.get(key)
        if record is not None:
            record.failures = 0

    def __len__(self) -> int:
        return len(self._records)

    def _fresh(self, key: str) -> _Record:
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = _Record()
            if len(self._records) > self._entries:
                self._records.popitem(last=False)
        else:
            self._records.move_to_end(key)
            if self._clock() - record.failed_at > FORGET_S:
                record.failures = 0
        return record

    def _delay(self, record: _Record) -> float:
        counted = record.failures - self._free
        return min(MAX_DELAY_S, FIRST_DELAY_S * 2.0 ** min(counted - 1, 10)) if counted > 0 else 0.0


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
