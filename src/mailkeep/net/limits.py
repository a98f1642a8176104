"""How many connections one address may hold."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from mailkeep.service.ledger import Ledger

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

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


def is_among(peer: str, networks: Sequence[Network]) -> bool:
    """Whether the address `peer` is in one of `networks`."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks)


class AddressLimit:
    """Counts connections by address, in all processes together; loopback is exempt.

    `limit` may be changed at any time.
    """

    def __init__(self, ledger: Ledger, limit: int) -> None:
        self.limit = limit
        self._ledger = ledger

    def enter(self, peer: str) -> bool:
        """Count one more; False when the address has as many as it may."""
        return is_loopback(peer) or self._ledger.enter(f"address:{peer}", self.limit)

    def leave(self, peer: str) -> None:
        """Count one less, for a connection that `enter` let in."""
        if not is_loopback(peer):
            self._ledger.leave(f"address:{peer}")
