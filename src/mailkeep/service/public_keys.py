"""OpenPGP keys that accounts publish, in a Web Key Directory: others find them by the address alone."""

from __future__ import annotations

import time
from collections.abc import Callable

from mailkeep.formats.openpgp import Unusable, directory_hash, serve_key
from mailkeep.model.address import parse_address, parse_domain
from mailkeep.model.errors import Invalid, NotFound
from mailkeep.store.contract import Directory


class PublicKeys:
    """Keeps and finds one key for each account.  draft-koch-openpgp-webkey-service."""

    def __init__(self, directory: Directory, *, now: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._keys = directory.public_keys
        self._now = now

    def put(self, address: str, octets: bytes) -> None:
        """Publish the key in `octets` (binary or armored) for an account, in place of another.

        Of its user IDs only those with this address are kept.
        Raises: NotFound, Invalid (no key, a private one, none of this address), Unavailable.
        """
        own = parse_address(address)
        entry = self._directory.find(str(own))
        if entry is None:
            raise NotFound(f"There is no account {own}")
        try:
            key = serve_key(octets, lambda other: _is_same(other, entry.address))
        except Unusable as error:
            raise Invalid(str(error)) from error
        self._keys.put(entry.account, own.domain, directory_hash(own.local), key, int(self._now()))

    def remove(self, address: str) -> None:
        """Publish it no longer.  Raises: NotFound (no account, no key), Invalid, Unavailable."""
        entry = self._directory.find(str(parse_address(address)))
        if entry is None:
            raise NotFound(f"There is no account {address}")
        self._keys.remove(entry.account)

    def get(self, address: str) -> bytes:
        """The key of an account as it is served, in binary.  Raises: NotFound (no account, no key), Invalid."""
        entry = self._directory.find(str(parse_address(address)))
        key = None if entry is None else self._keys.find_of(entry.account)
        if key is None:
            raise NotFound(f"There is no key of {address}")
        return key

    def find(self, domain: str, hashed: str) -> bytes | None:
        """What the directory of `domain` has under a hash; None: nothing.  Raises: Unavailable."""
        try:
            return self._keys.find(parse_domain(domain), hashed)
        except Invalid:
            return None


def _is_same(text: str, address: str) -> bool:
    try:
        return str(parse_address(text)) == address
    except Invalid:
        return False
