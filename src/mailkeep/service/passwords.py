"""Passwords: the form in which they are compared, and the hashes that are kept of them.

- Hashing takes a core, and memory: it is done in threads, few at once.  Who is known to be no stranger is not kept
  waiting by strangers, and strangers are sent away when too many wait.
- Without a hash, or without a password, a check takes as long as any other, and the answer is no.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import unicodedata
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError, VerifyMismatchError

from mailkeep.formats.password_hash import BadHash, fits, import_hash
from mailkeep.formats.scram import NAME as SCRAM
from mailkeep.formats.scram import make_verifier
from mailkeep.model.errors import Invalid, Unavailable

T = TypeVar("T")

MAX_PASSWORD_LENGTH: Final = 1024  # characters
HASHES_AT_ONCE: Final = max(1, min(4, os.cpu_count() or 1))  # each takes a core, and 19 MiB
WAITING: Final = 100  # strangers whose hash has not begun: some seconds of work


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a password: a hash, and a verifier by which SCRAM-SHA-256 proves it, if there is to be one.

    Without a hash: there is no password.
    """

    hash: str | None
    scram: str | None


class Passwords:
    """Makes and checks what is kept of passwords.  `scram`: a verifier is made of new ones."""

    def __init__(self, hasher: PasswordHasher | None = None, *, scram: bool = False) -> None:
        self.scram = scram
        # Argon2id with the least memory that OWASP recommends (2024): a login takes some 20 ms of one core.
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._nobody = self._hasher.hash(secrets.token_hex())
        self._turns = Turns(HASHES_AT_ONCE, WAITING)

    async def keep(self, password: str, salt: bytes) -> Kept:
        """What is to be kept of a password that `prepare_password` has let through; `salt` is for the verifier."""
        hash_ = await self.hash(password)
        return Kept(hash_, await self.verifier(password, salt) if self.scram else None)

    async def hash(self, password: str) -> str:
        """An argon2id hash."""
        return await self._work(lambda: self._hasher.hash(password), urgent=True)

    async def verifier(self, password: str, salt: bytes) -> str:
        """A verifier (RFC 5803)."""
        return (await self._work(lambda: make_verifier(password, salt), urgent=True)).encode()

    async def match(self, stored: str | None, password: str, *, urgent: bool = False) -> bool:
        """Whether the password fits what is kept.  `urgent`: before those who are not.

        Raises: Unavailable (too many wait; or what is kept is damaged).
        """
        matches = await self._work(lambda: self._matches(stored or self._nobody, password), urgent=urgent)
        return bool(matches and stored and password)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            if not stored.startswith("$argon2id$"):
                return fits(stored, password)
            return self._hasher.verify(stored, password)
        except VerifyMismatchError:
            return False
        except (Argon2Error, InvalidHashError, BadHash) as error:
            raise Unavailable("Passwords cannot be checked now") from error

    def is_old(self, stored: str) -> bool:
        """Whether new hashes are made otherwise."""
        return not stored.startswith("$argon2id$") or self._hasher.check_needs_rehash(stored)

    async def take_hash(self, text: str) -> Kept:
        """A hash from elsewhere, in the form in which it is kept.  Raises: Invalid."""
        try:
            stored = await self._work(lambda: import_hash(text), urgent=True)
        except BadHash as error:
            raise Invalid(str(error)) from error
        return Kept(stored, stored if stored.startswith(SCRAM) else None)

    async def _work(self, work: Callable[[], T], *, urgent: bool) -> T:
        async with self._turns.take(urgent=urgent):
            return await asyncio.to_thread(work)


def prepare_password(text: str) -> str:
    """The form in which passwords are compared: OpaqueString of RFC 8265 §4.2, without its table of code points.

    Any space becomes U+0020, the rest NFC; case stays.
    Raises: Invalid (empty, longer than `MAX_PASSWORD_LENGTH`, or with control characters).
    """
    if len(text) > MAX_PASSWORD_LENGTH:
        raise Invalid("The password is too long")
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in text)
    prepared = unicodedata.normalize("NFC", spaced)
    if not prepared or any(unicodedata.category(character) in ("Cc", "Cs") for character in prepared):
        raise Invalid("The password is empty or has forbidden characters")
    return prepared


class Turns:
    """Lets `most` do something at once; of those who wait, first the urgent ones, and at most `waiting` others."""

    def __init__(self, most: int, waiting: int) -> None:
        self._free = most
        self._waiting = waiting
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def take(self, *, urgent: bool) -> AsyncIterator[None]:
        """While the block runs one fewer may begin.  Raises: Unavailable (too many wait)."""
        await self._enter(urgent=urgent)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, *, urgent: bool) -> None:
        if self._free:
            self._free -= 1
            return
        if not urgent and len(self._others) >= self._waiting:
            raise Unavailable("Too many log in at once; try again later")
        queue = self._urgent if urgent else self._others
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the turn was ours already: it is the next one's now
                self._leave()
            elif turn in queue:
                queue.remove(turn)
            raise

    def _leave(self) -> None:
        for queue in (self._urgent, self._others):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1
