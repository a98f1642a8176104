"""Block lists in DNS (RFC 5782): whether others have bad experiences with an address."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mailkeep import telemetry
from mailkeep.net.resolver import DnsFault, Resolver

PATIENCE_S: Final = 5.0  # for all lists together
REST_S: Final = 60.0  # a list that did not answer is not asked for so long
MAX_REASON: Final = 200  # characters

_LISTED: Final = ipaddress.ip_network("127.0.0.0/8")  # RFC 5782 §2.3; anything else is no answer of a list
_FAULTS: Final = ipaddress.ip_network("127.255.255.0/24")  # "you may not ask", of Spamhaus and others

log = telemetry.logger(part="gate")


@dataclass(frozen=True, slots=True)
class Listing:
    """`zone` has the address; `reason` is what it says of that, perhaps nothing."""

    zone: str
    reason: str


class BlockLists:
    """Asks all `zones` at once.  Needs a task.  One that does not answer in time lists nobody."""

    def __init__(
        self,
        resolver: Resolver,
        zones: Sequence[str],
        *,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolver = resolver
        self._zones = tuple(zones)
        self._patience_s = patience_s
        self._clock = clock
        self._resting: dict[str, float] = {}  # until when

    async def find(self, peer: str) -> Listing | None:
        """The first list, in their order, that has the address."""
        label = _reversed(peer)
        now = self._clock()
        zones = [zone for zone in self._zones if self._resting.get(zone, 0.0) <= now]
        if label is None or not zones:
            return None
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._ask(label, zone)) for zone in zones]
        return next((listing for task in asked if (listing := task.result()) is not None), None)

    async def _ask(self, label: str, zone: str) -> Listing | None:
        name = f"{label}.{zone}"
        try:
            async with asyncio.timeout(self._patience_s):
                answer = await self._resolver.look_up(name, "A")
                if not any(_is_listing(record.address) for record in answer.records):
                    return None
        except (DnsFault, TimeoutError) as error:
            self._resting[zone] = self._clock() + REST_S
            log.warning("gate.block_list_silent", zone=zone, reason=str(error) or "no answer in time")
            return None
        return Listing(zone, await self._reason(name))

    async def _reason(self, name: str) -> str:
        try:
            async with asyncio.timeout(self._patience_s):
                answer = await self._resolver.look_up(name, "TXT")
        except (DnsFault, TimeoutError):
            return ""
        if not answer.records:
            return ""
        return b"".join(answer.records[0].strings).decode("ascii", "replace")[:MAX_REASON]


def _reversed(peer: str) -> str | None:
    """RFC 5782 §2.1: octets of IPv4, or nibbles of IPv6, backwards.  None for what is no address."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    address = getattr(address, "ipv4_mapped", None) or address
    return address.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


def _is_listing(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return address in _LISTED and address not in _FAULTS
