"""The password of an account, which the person knows, against the hash that the directory keeps."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from mailkeep.formats.scram import Verifier, decode_verifier
from mailkeep.service.lessons import Learn, Rehashed
from mailkeep.service.passwords import Passwords
from mailkeep.service.salt import salt_of
from mailkeep.service.ways import Attempt, Login, Service
from mailkeep.store.contract import IN_USE, Directory, DirectoryEntry

CACHE_S: Final = 600.0  # how long a success spares the next logins the slow hash
CACHE_ENTRIES: Final = 20_000


class OwnPasswords:
    """See `mailkeep.service.ways.Way`.

    `learn` is told of hashes that should be kept in another form, as passwords that are right show.
    """

    def __init__(
        self,
        directory: Directory,
        passwords: Passwords,
        learn: Learn,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._passwords = passwords
        self._learn = learn
        self._known = _Known(clock)

    def recall(self, attempt: Attempt) -> Login | None:
        """See `Way.recall`: it was right a short while ago."""
        known = self._known.find(self._known.digest(attempt.key, attempt.password))
        return _login(known.entry) if known is not None and self._is_still_right(known) else None

    def _is_still_right(self, known: _Success) -> bool:
        """The password may have been changed, also by another process."""
        changes = self._directory.changes
        if known.changes != changes:
            now = self._directory.find(known.entry.address)
            if not _is_same(known.entry, now):
                return False
            known.changes = changes
        return True

    async def check(self, attempt: Attempt) -> Login | None:
        """See `Way.check`."""
        changes = self._directory.changes
        entry = self._directory.find(attempt.key)
        kept = None if entry is None else entry.password
        matches = await self._passwords.match(kept, attempt.password, urgent=attempt.urgent)
        if not matches and attempt.typed != attempt.password:  # a hash from elsewhere may be of what was typed
            matches = await self._passwords.match(kept, attempt.typed, urgent=attempt.urgent)
        now = self._directory.find(attempt.key)  # it may have changed while we were hashing
        if not matches or entry is None or now is None or not _is_same(entry, now):
            return None
        await self._renew(now, attempt.password)
        self._known.add(self._known.digest(attempt.key, attempt.password), now, changes)
        return _login(now)

    async def _renew(self, entry: DirectoryEntry, password: str) -> None:
        """Keep a password that is right in the form in which it would be kept today."""
        assert entry.password is not None
        salt = salt_of(entry.address, self._directory.secret)
        if self._passwords.is_old(entry.password):
            scram = await self._passwords.verifier(password, salt) if self._passwords.scram else entry.scram
            self._learn(Rehashed(entry.account, entry.password, await self._passwords.hash(password), scram))
        elif self._passwords.scram and (entry.scram is None or decode_verifier(entry.scram).salt != salt):
            scram = await self._passwords.verifier(password, salt)
            self._learn(Rehashed(entry.account, entry.password, entry.password, scram))

    def verifiers(self, key: str, service: Service) -> Iterable[tuple[Verifier, Login]]:  # noqa: ARG002  it opens all
        """See `Way.verifiers`."""
        entry = self._directory.find(key)
        if entry is not None and entry.state in IN_USE and entry.scram is not None:
            yield decode_verifier(entry.scram), _login(entry)


def _is_same(entry: DirectoryEntry, now: DirectoryEntry | None) -> bool:
    """Whether the account can be used, and has the password that it had."""
    return now is not None and now.account == entry.account and now.epoch == entry.epoch and now.state in IN_USE


def _login(entry: DirectoryEntry) -> Login:
    return Login(entry.account, entry.address, epoch=entry.epoch)


@dataclass(slots=True)
class _Success:
    """A login that was right: the account as it was then, `changes` of the directory when it was last looked at."""

    entry: DirectoryEntry
    changes: int
    until: float


class _Known:
    """Digests of passwords that were right a short while ago, keyed so that they are worthless elsewhere."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._entries: OrderedDict[bytes, _Success] = OrderedDict()  # the oldest first

    def digest(self, address: str, password: str) -> bytes:
        # Neither can hold a NUL, so the two cannot run into each other.
        text = f"{address}\0{password}".encode(errors="surrogatepass")
        return hashlib.blake2b(text, key=self._key, digest_size=32).digest()

    def find(self, digest: bytes) -> _Success | None:
        known = self._entries.get(digest)
        if known is None:
            return None
        if self._clock() >= known.until:
            del self._entries[digest]
            return None
        return known

    def add(self, digest: bytes, entry: DirectoryEntry, changes: int) -> None:
        self._entries[digest] = _Success(entry, changes, self._clock() + CACHE_S)
        if len(self._entries) > CACHE_ENTRIES:
            self._entries.popitem(last=False)
