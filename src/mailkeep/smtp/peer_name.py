"""What DNS calls a client, if its name leads back to it ("iprev", RFC 8601 §3)."""

from __future__ import annotations

import ipaddress
from typing import Final

from mailkeep.net.limits import is_loopback
from mailkeep.net.resolver import DnsFault, Resolver

MAX_NAMES: Final = 3  # of one address; more are looked at by nobody


async def find_peer_name(resolver: Resolver, peer: str) -> str:
    """The verified name of the address `peer`; "" where there is none, for this machine, and after a fault of DNS."""
    if is_loopback(peer):
        return ""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        return await _find(resolver, mapped or address)
    except (ValueError, DnsFault):
        return ""


async def _find(resolver: Resolver, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Raises: DnsFault."""
    kind = "A" if address.version == 4 else "AAAA"
    pointers = await resolver.look_up(address.reverse_pointer, "PTR")
    for pointer in pointers.records[:MAX_NAMES]:
        name = pointer.target.to_text(omit_final_dot=True)
        found = await resolver.look_up(name, kind)
        if any(ipaddress.ip_address(record.address) == address for record in found.records):
            return str(name).lower()
    return ""
