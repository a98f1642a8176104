"""Accounts: who may log in, with what password, and where an address leads."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mailkeep.model.address import Address, parse_address
from mailkeep.model.errors import (
    AlreadyExists,
    AuthenticationFailed,
    Invalid,
    LimitReached,
    MailError,
    NotFound,
    Unavailable,
)
from mailkeep.model.ids import AccountId

MAX_PASSWORD_LENGTH: Final = 1024  # characters
CACHE_S: Final = 600.0  # how long a success spares the next logins the slow hash
CACHE_ENTRIES: Final = 20_000
HASHES_AT_ONCE: Final = 4  # each takes tens of megabytes and a core
DEFAULT_CONNECTIONS: Final = 200

Clock = Callable[[], float]


class State(StrEnum):
    """Where an account is in its life; each step can be taken again after a crash."""

    CREATING = "creating"
    ACTIVE = "active"
    MOVING = "moving"
    REMOVING = "removing"


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the directory knows it; `address` is normalised."""

    id: AccountId
    address: str
    state: State


class Directory(Protocol):
    """The directory database, as far as accounts need it.  Addresses are normalised; calls take microseconds."""

    def add(self, address: str, password_hash: str) -> AccountId:
        """A new account in state `creating`, with a number never used before.  Raises: AlreadyExists."""

    def find(self, address: str) -> tuple[AccountId, str, str] | None:
        """Number, state and password hash of an account."""

    def list(self) -> Iterable[tuple[AccountId, str, str]]:
        """Number, address and state of every account, by address."""

    def set_password(self, account: AccountId, password_hash: str) -> None:
        """Replace the hash."""

    def set_state(self, account: AccountId, state: str) -> None:
        """Note the next step of its life."""

    def remove(self, account: AccountId) -> None:
        """Forget the account; its number is not used again."""


class Mail(Protocol):
    """What happens to an account's mail when the account begins and ends.  Both may be called again after a crash."""

    async def create(self, account: AccountId) -> None:
        """Make the account's rows and its first mailboxes, as far as they are missing."""

    async def remove(self, account: AccountId) -> None:
        """Remove all mail of the account, as far as it is still there."""


class Accounts:
    """Creates, removes and authenticates accounts.

    A wrong password and an unknown user look alike and take equally long.  Failures slow down further tries for the
    same account and from the same address.  Attempts with the same password at the same time cost one hash.
    """

    def __init__(
        self,
        directory: Directory,
        mail: Mail,
        *,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        hasher: PasswordHasher | None = None,
    ) -> None:
        ...

    async def authenticate(self, address: str, password: str, peer: str) -> Account:
        """The active account whose password this is.  `peer` is the client's IP address, "" on a unix socket.

        Raises: AuthenticationFailed (after a delay that grows with failures), Unavailable (too many failures wait
        already, or the account is being moved).
        """

    def resolve(self, address: str) -> Account:
        """The active account that an address leads to, with or without ``+detail``.

        Raises: NotFound; Unavailable when the account is being created or moved.
        """

    def get(self, address: str) -> Account:
        """The account with exactly this address, in any state.  Raises: NotFound, Invalid."""

    def list(self) -> tuple[Account, ...]:
        """All accounts, by address."""

    async def create(self, address: str, password: str) -> Account:
        """A new active account with its first mailboxes; finishes one that a crash left half-made.

        Raises: AlreadyExists, Invalid (address or password), Unavailable.
        """

    async def set_password(self, address: str, password: str) -> None:
        """Change the password; logins with the old one fail from now on.  Raises: NotFound, Invalid."""

    async def remove(self, address: str) -> None:
        """Remove the account and all its mail; finishes a removal that was cut short.  Raises: NotFound."""

    async def finish(self) -> tuple[str, ...]:
        """Complete what a crash left half-done.  Returns: the addresses concerned.  For start-up and `check`."""
