"""Signing what leaves: with the keys of a domain, in a thread, a bounded number at once."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from mailkeep.formats.dkim import Signer, Unsignable, load_key, sign
from mailkeep.model.domain import SigningKey
from mailkeep.model.errors import Invalid
from mailkeep.service.domains import Domains
from mailkeep.service.spool import PIECE, Octets

SIGNED_AT_ONCE: Final = 2  # each takes a core
KEYS_READY: Final = 256


class Signing:
    """Makes DKIM-Signature fields."""

    def __init__(self, domains: Domains, *, now: Callable[[], float] = time.time) -> None:
        self._domains = domains
        self._now = now
        self._slots = asyncio.Semaphore(SIGNED_AT_ONCE)
        self._ready: OrderedDict[SigningKey, Signer] = OrderedDict()  # the oldest first

    async def sign(self, domain: str, octets: Octets, fields: bytes = b"", skip: int = 0) -> bytes:
        """Header lines to put before a message that must not change any more: `fields`, and behind them `octets`.

        Of `octets` the first `skip` do not count.  `domain` is that of From; where it has no keys there are no lines.
        Raises: Unavailable; Invalid (the header is too long, or has not exactly one From; a key cannot be read).
        """
        keys = self._domains.signing_keys(domain)
        if not keys:
            return b""
        async with self._slots:
            return await asyncio.to_thread(self._sign, keys, _pieces(fields, octets, skip))

    def _sign(self, keys: Sequence[SigningKey], pieces: Iterator[bytes]) -> bytes:
        try:
            return sign(pieces, [self._signer(key) for key in keys], int(self._now()))
        except Unsignable as error:
            raise Invalid(str(error)) from error

    def _signer(self, key: SigningKey) -> Signer:
        """By threads: each step here is one that no other thread can divide."""
        signer = self._ready.get(key)
        if signer is None:
            signer = load_key(key.domain, key.selector, key.algorithm, key.private)
            if len(self._ready) >= KEYS_READY:
                self._ready.popitem(last=False)
            self._ready[key] = signer
        return signer


def _pieces(fields: bytes, octets: Octets, skip: int) -> Iterator[bytes]:
    yield fields
    for whole in octets.pieces():
        # what is in memory is one piece of up to 1 MB: at a stroke it would keep other threads waiting for 20 ms
        for start in range(skip, len(whole), PIECE):
            yield whole[start : start + PIECE]
        skip = max(0, skip - len(whole))
