"""How many connections one address may hold."""

from __future__ import annotations

import ipaddress
from typing import Final

_USUAL: Final = frozenset({"127.0.0.1", "::1"})


def is_loopback(peer: str) -> bool:
    """Whether `peer` is this machine: a loopback address, or "" for a unix socket."""
    if not peer or peer in _USUAL:
        return True
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


class AddressLimit:
    """Counts connections by address; loopback is exempt.  An address without connections costs nothing.

    `limit` may be changed at any time.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._count: dict[str, int] = {}

    def enter(self, peer: str) -> bool:
        """Count one more; False when the address has as many as it may."""
        if is_loopback(peer):
            return True
        count = self._count.get(peer, 0)
        if count >= self.limit:
            return False
        self._count[peer] = count + 1
        return True

    def leave(self, peer: str) -> None:
        """Count one less, for a connection that `enter` let in."""
        count = self._count.get(peer, 0)
        if count > 1:
            self._count[peer] = count - 1
        elif count:
            del self._count[peer]
