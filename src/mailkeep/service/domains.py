"""Domains: whose mail this server takes, and with what keys it signs for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from mailkeep.formats.dkim import ED25519_SHA256, RSA_SHA256, make_key
from mailkeep.model.address import parse_domain
from mailkeep.model.domain import Domain, SigningKey
from mailkeep.model.errors import Invalid, NotFound
from mailkeep.store.contract import Directory

__all__ = ["Domains", "SigningKey"]

# Each signature is checked by itself, and older programs know RSA only (RFC 8463 §5).
KEYS: Final = ((RSA_SHA256, "r"), (ED25519_SHA256, "e"))


class Domains:
    """Adds, lists and removes domains."""

    def __init__(self, directory: Directory, *, now: Callable[[], float] = time.time) -> None:
        self._names = directory.names
        self._now = now

    async def add(self, domain: str) -> Domain:
        """Take mail for `domain` from now on, and sign what it sends, with new keys.

        Raises: AlreadyExists, Invalid (no domain, or an address literal), Unavailable.
        """
        name = domain_name(domain)
        now = int(self._now())
        keys = await asyncio.to_thread(_make_keys, name, now)
        self._names.add_domain(name, keys, now)
        return Domain(name, now)

    async def ensure(self, domain: str) -> None:
        """Add `domain` unless it has been added.  Raises: Invalid, Unavailable."""
        if not self._names.has_domain(domain_name(domain)):
            await self.add(domain)

    def remove(self, domain: str) -> None:
        """Forget a domain, and its keys.  Raises: NotFound, Conflict (accounts or aliases are in it), Invalid."""
        self._names.remove_domain(parse_domain(domain))

    def list(self) -> tuple[Domain, ...]:
        """Those that have been added, ascending."""
        return self._names.list_domains()

    def get(self, domain: str) -> Domain:
        """Raises: NotFound, Invalid (no domain)."""
        name = parse_domain(domain)
        found = next((each for each in self._names.list_domains() if each.name == name), None)
        if found is None:
            raise NotFound(f"No domain {name} has been added")
        return found

    def signing_keys(self, domain: str) -> tuple[SigningKey, ...]:
        """The keys with which mail from `domain` is signed, ascending by selector; none where there are none."""
        try:
            return self._names.list_keys(parse_domain(domain))
        except Invalid:
            return ()


def domain_name(domain: str) -> str:
    """The normal form of what can be added as a domain.  Raises: Invalid (also for an address literal)."""
    name = parse_domain(domain)
    if name.startswith("["):
        raise Invalid("A domain has a name, not an address")
    return name


def _make_keys(domain: str, now: int) -> tuple[SigningKey, ...]:
    """Selectors begin with the month, so that later keys can stand beside them."""
    month = datetime.fromtimestamp(now, UTC).strftime("%Y%m")
    return tuple(SigningKey(domain, month + letter, algorithm, make_key(algorithm)) for algorithm, letter in KEYS)
