"""Greylisting (RFC 6647): a network that has never sent to an account is asked to come again.

Mail servers do; most programs that send spam do not.  What is known of networks belongs to the account they sent to, is
kept by its shard, and so is shared by all processes and survives a restart.
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Callable
from typing import Final

from mailkeep.model.ids import AccountId
from mailkeep.store import ops
from mailkeep.store.contract import Store

WINDOW_S: Final = 86400  # for the second try: RFC 6647 §5, item 2; a later one counts as the first
KNOWN_S: Final = 35 * 86400  # after its last mail a network is forgotten: item 3
NOTED_S: Final = 86400  # how often it is noted that a known network was here


class Greylist:
    """`delay_s`: how long the first try has to wait, which may be changed at any time."""

    def __init__(self, store: Store, delay_s: int, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self.delay_s = delay_s

    async def admit(self, account: AccountId, peer: str, reverse_path: str, recipient: str) -> int:
        """How many seconds to wait before trying again; 0: come in.

        Addresses are taken together: of IPv4 the 256 of a /24, of IPv6 those of a /64 (item 5).
        Raises: NotFound (the account), Unavailable.
        """
        now = int(self._clock())
        block = _block_of(peer)
        network, attempt = _digest(block), _digest(block, reverse_path, recipient)
        known_at, tried_at = await self._store.read(ops.find_greylisted, account, network, attempt)
        if known_at and now - known_at <= KNOWN_S:
            if now - known_at > NOTED_S:
                await self._store.write(ops.put_greylisted, account, network, True, now)  # noqa: FBT003
            return 0
        if not tried_at or now - tried_at > WINDOW_S:
            await self._store.write(ops.put_greylisted, account, attempt, False, now)  # noqa: FBT003
            return self.delay_s
        if now - tried_at < self.delay_s:
            return self.delay_s - (now - tried_at)
        await self._store.write(ops.put_greylisted, account, network, True, now)  # noqa: FBT003
        return 0


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode(errors="surrogatepass"), digest_size=16).digest()


def _block_of(peer: str) -> str:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    address = getattr(address, "ipv4_mapped", None) or address
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 64), strict=False))
