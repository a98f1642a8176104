"""Where a host is, as far as DNS says."""

from __future__ import annotations

import ipaddress

from mailkeep.acme.fault import AcmeFault
from mailkeep.net.dns_question import DnsFault
from mailkeep.net.resolver import Resolver


async def find_addresses(resolver: Resolver, host: str) -> tuple[str, ...]:
    """The addresses of a host, IPv6 first.  Raises: AcmeFault (DNS does not answer)."""
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        pass
    if host == "localhost":  # RFC 6761 §6.3: no question for DNS
        return "127.0.0.1", "::1"
    found: list[str] = []
    fault: DnsFault | None = None
    for kind in ("AAAA", "A"):
        try:
            found += [str(record.address) for record in (await resolver.look_up(host, kind)).records]
        except DnsFault as error:
            fault = error
    if fault is not None and not found:
        raise AcmeFault(f"DNS does not answer for {host}: {fault}") from fault
    return tuple(found)
