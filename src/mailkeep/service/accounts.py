"""Accounts: who has mail here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

from mailkeep.model.address import parse_address
from mailkeep.model.errors import AlreadyExists, Conflict, Invalid, LimitReached, NotFound, Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.model.quota import UNLIMITED, Quota
from mailkeep.service.ledger import Ledger
from mailkeep.service.passwords import Kept, Passwords, prepare_password
from mailkeep.service.salt import salt_of
from mailkeep.store import ops
from mailkeep.store.contract import IN_USE, AccountState, Directory, DirectoryEntry, Store

MAX_CONNECTIONS: Final = 200  # of one account


@dataclass(frozen=True, slots=True, repr=False)
class Hashed:
    """A hash of a password, as another system keeps it (see `formats.password_hash`)."""

    text: str


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the directory knows it; `address` is normalised.  `shared`: nobody's, with mailboxes for others."""

    id: AccountId
    address: str
    state: AccountState
    shard: int
    shared: bool = False


class Elsewhere(Enum):
    """In place of a password: others say who may log in."""

    ELSEWHERE = "elsewhere"


ELSEWHERE: Final = Elsewhere.ELSEWHERE


class Accounts:
    """Creates, removes and moves accounts, and sets their passwords."""

    def __init__(
        self,
        directory: Directory,
        store: Store,
        passwords: Passwords | None = None,
        *,
        now: Callable[[], float] = time.time,
        quota: Quota = UNLIMITED,
    ) -> None:
        self._directory = directory
        self._store = store
        self._passwords = passwords or Passwords()
        self._now = now
        self.quota = quota  # of accounts made from now on; may be changed at any time
        self._moves: dict[AccountId, tuple[int, int]] = {}

    def get(self, address: str) -> Account:
        """The account with exactly this address, in any state.  Raises: NotFound, Invalid (no address)."""
        return _account(self._get(address))

    def _get(self, address: str) -> DirectoryEntry:
        entry = self._directory.find(str(parse_address(address)))
        if entry is None:
            raise NotFound("No such account")
        return entry

    def find(self, address: str) -> Account | None:
        """The account in use with exactly this address."""
        try:
            entry = self._directory.find(str(parse_address(address)))
        except Invalid:
            return None
        return _account(entry) if entry is not None and entry.state in IN_USE else None

    def find_by_number(self, account: AccountId) -> Account | None:
        """The account of that number, if it is in use."""
        try:
            entry = self._directory.get(account)
        except NotFound:
            return None
        return _account(entry) if entry.state in IN_USE else None

    def exists(self, account: AccountId) -> bool:
        """Whether the account has not been removed, as far as can be told now."""
        try:
            return self._directory.get(account).state is not AccountState.REMOVING
        except NotFound:
            return False
        except Unavailable:
            return True

    def address_of(self, account: AccountId) -> str:
        """The address that owns an account.  Raises: NotFound, Unavailable."""
        return self._directory.get(account).address

    def list(self) -> tuple[Account, ...]:
        """All accounts in any state, ascending by address."""
        return tuple(_account(entry) for entry in self._directory.list())

    async def create(self, address: str, password: str | Hashed | Elsewhere | None) -> Account:
        """A new active account with its first mailboxes; finishes one that a crash left half-made.

        Without a password it is a shared one: nobody can log in, and others see of it what they are given rights on.
        ELSEWHERE is no password either, but somebody's account.
        Raises: AlreadyExists, Invalid (address, password or hash), Unavailable.
        """
        key = str(parse_address(address))
        kept = Kept(None, None)
        if password is not None and password is not ELSEWHERE:
            kept = await self._keep(key, password)
        entry = self._directory.find(key)
        if entry is None:
            entry = self._directory.add(key, kept.hash, int(self._now()), shared=password is None, scram=kept.scram)
        elif entry.state is AccountState.CREATING:
            self._directory.set_password(entry.account, kept.hash, kept.scram)
        else:
            raise AlreadyExists("There is an account with this address")
        await self._finish_creation(entry)
        return Account(entry.account, entry.address, AccountState.ACTIVE, entry.shard, entry.shared)

    async def set_password(self, address: str, password: str | Hashed) -> None:
        """Change the password; from now on the old one fails.  Raises: NotFound, Invalid (it; a shared account)."""
        entry = self._get(address)
        kept = await self._keep(entry.address, password)
        if entry.shared:
            raise Invalid("Nobody logs in to a shared account")
        self._directory.set_password(entry.account, kept.hash, kept.scram)

    async def remove(self, address: str) -> None:
        """Remove the account and all its mail; finishes a removal that was cut short.

        Raises: NotFound, Conflict (it is being moved).
        """
        entry = self._get(address)
        if entry.state is AccountState.MOVING:
            raise Conflict("The account is being moved")
        await self._store.remove_account(entry.account)

    async def finish(self) -> tuple[str, ...]:
        """Complete what a crash left half-done, and return the addresses concerned.  For start-up and checks."""
        finished = []
        for entry in self._directory.list():
            match entry.state:
                case AccountState.CREATING:
                    await self._finish_creation(entry)
                case AccountState.REMOVING:
                    await self._store.remove_account(entry.account)
                case AccountState.ACTIVE | AccountState.MOVING:
                    continue
            finished.append(entry.address)
        undone = [self._directory.get(account).address for account in await self._store.undo_moves()]
        return (*finished, *undone)

    async def move(self, address: str, shard: int) -> None:
        """Move the account to another shard; meanwhile it can be read, and writes are Unavailable.

        Raises: NotFound, Invalid (there is no such shard), Conflict (not active), Unavailable (it has not been moved).
        """
        entry = self._get(address)
        if entry.account in self._moves:
            raise Conflict("The account is being moved")
        self._moves[entry.account] = (0, 0)
        try:
            await self._store.move_account(entry.account, shard, partial(self._tell, entry.account))
        finally:
            del self._moves[entry.account]

    def _tell(self, account: AccountId, done: int, total: int) -> None:
        self._moves[account] = (done, total)

    def progress(self, address: str) -> tuple[int, int]:
        """Of a move that this process carries out: rows that have been copied, and all; else (0, 0)."""
        return self._moves.get(self._get(address).account, (0, 0))

    async def _finish_creation(self, entry: DirectoryEntry) -> None:
        await self._store.write(ops.create_account, entry.account, self.quota, int(self._now()))
        self._directory.set_state(entry.account, AccountState.ACTIVE)

    async def _keep(self, address: str, password: str | Hashed) -> Kept:
        """What is to be kept of a password.  Raises: Invalid."""
        if isinstance(password, Hashed):
            return await self._passwords.take_hash(password.text)
        return await self._passwords.keep(prepare_password(password), salt_of(address, self._directory.secret))


def _account(entry: DirectoryEntry) -> Account:
    return Account(entry.account, entry.address, entry.state, entry.shard, entry.shared)


class ConnectionCounts:
    """Counts the connections of each account, in all processes together.

    `limit` may be changed at any time.
    """

    def __init__(self, ledger: Ledger, limit: int = MAX_CONNECTIONS) -> None:
        self.limit = limit
        self._ledger = ledger

    def acquire(self, account: AccountId) -> None:
        """Count one more.  Raises: LimitReached."""
        if not self._ledger.enter(f"account:{account}", self.limit):
            raise LimitReached("Too many connections of this account")

    def release(self, account: AccountId) -> None:
        """Count one less, for a connection that was acquired."""
        self._ledger.leave(f"account:{account}")
