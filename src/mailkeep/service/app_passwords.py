"""App passwords: one for each program or device, made by the server, for some services only or for reading only.

- They are 140 random bits, shown once.  Nobody guesses that: a fast hash is kept of them, and nobody is made to wait.
- Hyphens, spaces and letter case do not count where a password is sent; SCRAM proves it as it was shown.
- When they were used last is written lazily, to the minute or so.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Callable, Collection, Iterable
from typing import Final

from mailkeep.formats.scram import Verifier, decode_verifier, make_verifier
from mailkeep.model.address import fold
from mailkeep.model.app_password import AppPassword
from mailkeep.model.errors import Invalid, LimitReached, NotFound
from mailkeep.model.ids import AccountId
from mailkeep.service.lessons import Learn, Used
from mailkeep.service.salt import salt_of
from mailkeep.service.ways import Attempt, Login, Service
from mailkeep.store.contract import IN_USE, Directory, DirectoryEntry

MOST: Final = 100  # of an account
LONGEST_LABEL: Final = 100  # characters
ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # without those that look alike
GROUPS: Final = 7  # of four letters
NOTE_USE_S: Final = 30.0

_SHAPE: Final = re.compile(rf"[{ALPHABET}]{{{4 * GROUPS}}}")


class AppPasswords:
    """See `mailkeep.service.ways.Way`; and makes them.  `now` gives UTC seconds."""

    def __init__(self, directory: Directory, learn: Learn, *, now: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._kept = directory.app_passwords
        self._learn = learn
        self._now = now
        self._used: dict[int, int] = {}
        self._expired_to = int(now())

    # --- managing

    async def add(
        self,
        account: AccountId,
        label: str,
        *,
        services: Collection[Service],
        read_only: bool = False,
        expires_at: int | None = None,
    ) -> tuple[AppPassword, str]:
        """A new one, and what has to be typed, which is told this once.

        Raises: NotFound, Invalid (no or a strange label; nothing that it opens; expired already; a shared account),
        LimitReached, Unavailable.
        """
        entry = self._directory.get(account)
        _require_usable(entry, label, services, read_only=read_only)
        if expires_at is not None and expires_at <= self._now():
            raise Invalid("The app password would have expired already")
        if len(self._kept.list(account)) >= MOST:
            raise LimitReached(f"An account has at most {MOST} app passwords: revoke some")
        secret = "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(GROUPS))
        verifier = await asyncio.to_thread(make_verifier, secret, salt_of(entry.address, self._directory.secret))
        new = AppPassword(
            account=account,
            number=0,
            label=label,
            digest=self._digest(entry.address, secret.replace("-", "")),
            scram=verifier.encode(),
            services=frozenset(service.value for service in services),
            read_only=read_only,
            created_at=int(self._now()),
            expires_at=expires_at,
        )
        return self._kept.add(new), secret

    def list(self, account: AccountId) -> tuple[AppPassword, ...]:
        """Those of an account, in the order in which they were made."""
        return self._kept.list(account)

    def revoke(self, account: AccountId, number: int) -> None:
        """From now on it opens nothing; who tells the sessions is not done here.  Raises: NotFound."""
        self._kept.remove(account, number)

    # --- logging in

    def recall(self, attempt: Attempt) -> Login | None:
        """See `Way.recall`."""
        typed = attempt.password.replace("-", "").replace(" ", "").lower()
        if not _SHAPE.fullmatch(typed):
            return None
        found = self._kept.find_digest(self._digest(attempt.key, typed))
        entry = self._directory.find(attempt.key)
        if found is None or entry is None or not self._opens(found, entry, attempt.service):
            return None
        return _login(found, entry)

    async def check(self, attempt: Attempt) -> Login | None:  # noqa: ARG002
        """See `Way.check`: there is nothing that takes longer."""
        return None

    def verifiers(self, key: str, service: Service) -> Iterable[tuple[Verifier, Login]]:
        """See `Way.verifiers`."""
        entry = self._directory.find(key)
        if entry is None:
            return
        for kept in self._kept.list(entry.account):
            if self._opens(kept, entry, service):
                yield decode_verifier(kept.scram), _login(kept, entry)

    def _opens(self, kept: AppPassword, entry: DirectoryEntry, service: Service) -> bool:
        return (
            kept.account == entry.account
            and entry.state in IN_USE
            and service in kept.services
            and not (kept.read_only and service is Service.SMTP)
            and not kept.expired(self._now())
        )

    def stands(self, number: int) -> bool:
        """Whether it still opens anything.  Raises: Unavailable."""
        kept = self._kept.find(number)
        return kept is not None and not kept.expired(self._now())

    def list_newly_expired(self) -> tuple[AppPassword, ...]:
        """Those that have expired since this was asked last."""
        since, self._expired_to = self._expired_to, int(self._now())
        return self._kept.list_expired(since, self._expired_to)

    def note_use(self, number: int) -> None:
        """It has been used now."""
        self._used[number] = int(self._now())

    def tell_use(self) -> None:
        """Have it written down what has been used since the last time."""
        if self._used:
            used, self._used = self._used, {}
            self._learn(Used(used))

    def _digest(self, address: str, secret: str) -> bytes:
        # For one account alone: a number that leads to another's is never found.
        text = f"{fold(address)}\0{secret}".encode(errors="surrogatepass")
        return hashlib.blake2b(text, key=self._directory.secret, digest_size=32).digest()


def _require_usable(entry: DirectoryEntry, label: str, services: Collection[Service], *, read_only: bool) -> None:
    """Raises: NotFound, Invalid."""
    if entry.state not in IN_USE:
        raise NotFound("No such account")
    if entry.shared:
        raise Invalid("Nobody logs in to a shared account")
    if not label.strip() or len(label) > LONGEST_LABEL or not label.isprintable():
        raise Invalid(f"A name for the app password is wanted, of at most {LONGEST_LABEL} printable characters")
    if not services:
        raise Invalid("The app password would open nothing")
    if read_only and Service.SMTP in services:
        raise Invalid("Who may only read cannot send: leave out smtp")


def _login(kept: AppPassword, entry: DirectoryEntry) -> Login:
    return Login(entry.account, entry.address, read_only=kept.read_only, app_password=kept.number)
