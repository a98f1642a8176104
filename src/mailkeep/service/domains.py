"""Domains: whose mail this server takes, and with what keys it signs for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from mailkeep.formats.dkim import ED25519_SHA256, RSA_SHA256, Unsignable, load_key, make_key
from mailkeep.model.address import parse_domain
from mailkeep.model.domain import Domain, SigningKey
from mailkeep.model.errors import Conflict, Invalid, NotFound
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
        keys = await asyncio.to_thread(_make_keys, name, _prefix(now, ()))
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
        return tuple(key for key in self.list_keys(domain) if not key.waiting)

    def list_keys(self, domain: str) -> tuple[SigningKey, ...]:
        """All keys that DNS should have, also those that wait; ascending by selector."""
        try:
            return self._names.list_keys(parse_domain(domain))
        except Invalid:
            return ()

    def check(self) -> tuple[tuple[str, str], ...]:
        """Keys that cannot sign, as (domain, what is wrong)."""
        faults: list[tuple[str, str]] = []
        for domain in self.list():
            for key in self.list_keys(domain.name):
                try:
                    load_key(key.domain, key.selector, key.algorithm, key.private)
                except Unsignable as error:
                    faults.append((domain.name, f"key {key.selector}: {error}"))
        return tuple(faults)

    async def make_keys(self, domain: str) -> tuple[SigningKey, ...]:
        """New keys, which wait until `turn_keys`: before DNS has them, what they sign would count for nothing.

        Raises: NotFound, Conflict (keys are waiting already), Invalid, Unavailable.
        """
        name = self.get(domain).name
        now = int(self._now())
        present = self.list_keys(name)
        if any(key.waiting for key in present):
            raise Conflict("New keys are waiting already")
        made = await asyncio.to_thread(_make_keys, name, _prefix(now, present))
        keys = tuple(replace(key, waiting=True) for key in made)
        self._names.add_keys(keys, now)
        return keys

    def turn_keys(self, domain: str) -> None:
        """Sign with the keys that wait, and forget the others.  Raises: NotFound, Invalid."""
        self._names.turn_keys(self.get(domain).name)


def domain_name(domain: str) -> str:
    """The normal form of what can be added as a domain.  Raises: Invalid (also for an address literal)."""
    name = parse_domain(domain)
    if name.startswith("["):
        raise Invalid("A domain has a name, not an address")
    return name


def _prefix(now: int, present: Sequence[SigningKey]) -> str:
    """What the selectors of new keys begin with: the day, or the second; never one that DNS may still have."""
    at = datetime.fromtimestamp(now, UTC)
    day = at.strftime("%Y%m%d")
    return at.strftime("%Y%m%d%H%M%S") if any(key.selector.startswith(day) for key in present) else day


def _make_keys(domain: str, prefix: str) -> tuple[SigningKey, ...]:
    return tuple(SigningKey(domain, prefix + letter, algorithm, make_key(algorithm)) for algorithm, letter in KEYS)
