"""Accounts: who may log in, and with what password."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sys
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError, VerifyMismatchError

from mailkeep.formats.scram import SALT, Verifier, decode_verifier, make_verifier, pretend_verifier
from mailkeep.model.address import parse_address
from mailkeep.model.errors import (
    AlreadyExists,
    AuthenticationFailed,
    Conflict,
    Invalid,
    LimitReached,
    MailError,
    NotFound,
    Unavailable,
)
from mailkeep.model.ids import AccountId
from mailkeep.model.quota import UNLIMITED, Quota
from mailkeep.service.ledger import Ledger
from mailkeep.service.throttle import Throttle, network_of
from mailkeep.store import ops
from mailkeep.store.contract import AccountState, Directory, DirectoryEntry, Store

MAX_PASSWORD_LENGTH: Final = 1024  # characters
CACHE_S: Final = 600.0  # how long a success spares the next logins the slow hash
CACHE_ENTRIES: Final = 20_000
HASHES_AT_ONCE: Final = 4  # each takes a core, and 19 MiB
FREE_FAILURES_OF_NETWORK: Final = 10  # many people may share one address
IN_USE: Final = (AccountState.ACTIVE, AccountState.MOVING)
MAX_CONNECTIONS: Final = 200  # of one account


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the directory knows it; `address` is normalised.  `shared`: nobody's, with mailboxes for others."""

    id: AccountId
    address: str
    state: AccountState
    shard: int
    shared: bool = False


class Accounts:
    """Creates, removes and authenticates accounts.

    A wrong password and an unknown user look alike and take equally long.  Failures slow down further tries for the
    same account and from the same network; this machine itself is exempt from the latter, as webmail and proxies
    speak for many.  Attempts with the same password at the same time cost one hash.
    """

    def __init__(
        self,
        directory: Directory,
        store: Store,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        hasher: PasswordHasher | None = None,
        throttled: bool = True,
        quota: Quota = UNLIMITED,
        ledger: Ledger | None = None,
        scram: bool = False,
        learns: bool = False,
    ) -> None:
        """`ledger`: where several processes count failures together; `clock` must then be the same in all.

        `scram`: of passwords that are set from now on a verifier is kept too, by which SCRAM-SHA-256 can log in; and,
        if it `learns`, of older ones when somebody logs in with them.
        """
        self._directory = directory
        self._store = store
        self._now = now
        self.scram = scram
        self._learns = scram and learns
        self.quota = quota  # of accounts made from now on; may be changed at any time
        self._sleep = sleep
        # Argon2id with the least memory that OWASP recommends (2024): a login takes some 20 ms of one core.
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._nobody = self._hasher.hash(secrets.token_hex())
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        ledger = ledger or Ledger.alone()
        self._by_account = Throttle(ledger, "login:", clock, free=0 if throttled else sys.maxsize)
        self._by_network = Throttle(
            ledger, "network:", clock, free=FREE_FAILURES_OF_NETWORK if throttled else sys.maxsize
        )
        self._known = _Known(clock)
        self._moves: dict[AccountId, tuple[int, int]] = {}
        self.logins = 0  # so far,
        self.failed_logins = 0  # and those that were refused
        self._running: dict[bytes, asyncio.Future[AccountId]] = {}

    # --- logging in

    async def authenticate(self, address: str, password: str, peer: str) -> AccountId:
        """The active account whose password this is.  `peer` is the client's IP address, "" for this machine.

        Raises: AuthenticationFailed (after a delay that grows with failures), Unavailable (too many failures wait
        already).
        """
        key = _key(address)
        try:
            prepared = prepare_password(password)
        except Invalid:  # nobody can have it; it takes the same way, so that it takes the same time
            prepared = ""
        digest = self._known.digest(key, prepared)
        while True:
            if (known := self._known.find(digest)) is not None and self._is_still_right(known):
                self.logins += 1
                return known.entry.account
            running = self._running.get(digest)
            if running is None:
                return await self._lead(digest, key, prepared, peer)
            await asyncio.wait((running,))
            if not running.cancelled():
                account = running.result()
                self.logins += 1
                return account

    def _is_still_right(self, known: _Success) -> bool:
        """Whether a success counts: the password may have been changed, also by another process."""
        changes = self._directory.changes
        if known.changes != changes:
            if self._directory.find(known.entry.address) != known.entry:
                return False
            known.changes = changes
        return True

    async def _lead(self, digest: bytes, key: str, password: str, peer: str) -> AccountId:
        """Do the work for all who try the same at the same time."""
        result: asyncio.Future[AccountId] = asyncio.get_running_loop().create_future()
        self._running[digest] = result
        changes = self._directory.changes
        try:
            entry = await self._attempt(key, peer, partial(self._check, password))
        except MailError as error:
            result.set_exception(error)
            result.exception()  # retrieved: usually nobody else waits for it
            raise
        except BaseException:
            result.cancel()  # whoever waits tries for himself
            raise
        else:
            result.set_result(entry.account)
            self._known.add(digest, entry, changes)
            self.logins += 1
            return entry.account
        finally:
            del self._running[digest]

    def verifier(self, address: str) -> Verifier:
        """What a client that says it is `address` must prove itself against by SCRAM-SHA-256 (RFC 5802).

        Where there is no such account, or none of its password, it looks the same, and no proof is right.
        Raises: Unavailable.
        """
        key = _key(address)
        entry = self._directory.find(key)
        if entry is None or entry.scram is None:
            return pretend_verifier(key, self._directory.secret)
        return decode_verifier(entry.scram)

    async def authenticate_proven(self, address: str, verifier: Verifier | None, peer: str) -> AccountId:
        """The active account of a client that has proved itself against `verifier`; None: its proof was wrong.

        Raises: as `authenticate`.
        """

        async def check(key: str) -> DirectoryEntry | None:
            entry = self._directory.find(key)
            if verifier is None or entry is None or entry.scram != verifier.encode():
                return None
            return entry if entry.state in IN_USE else None

        entry = await self._attempt(_key(address), peer, check)
        self.logins += 1
        return entry.account

    async def _attempt(
        self, key: str, peer: str, check: Callable[[str], Awaitable[DirectoryEntry | None]]
    ) -> DirectoryEntry:
        """One try: wait for one's turn, check, and hold back the answer to a failure."""
        wait = self._by_account.enter(key)
        network = network_of(peer)
        try:
            if network:
                wait = max(wait, self._by_network.enter(network))
        except Unavailable:
            self._by_account.leave(key, failed=False)
            raise
        failed = False
        try:
            await self._pause(wait)
            failed = True  # until proved otherwise: who hangs up while we check has had his guess
            entry = await check(key)
            failed = entry is None
        except Unavailable:
            failed = False
            raise
        finally:
            delay = self._by_account.leave(key, failed=failed)
            if network:
                delay = max(delay, self._by_network.leave(network, failed=failed))
        if entry is None:
            self.failed_logins += 1
            await self._pause(delay)
            raise AuthenticationFailed("Wrong user name or password")
        self._by_account.forgive(key)
        return entry

    async def _check(self, password: str, key: str) -> DirectoryEntry | None:
        entry = self._directory.find(key)
        matches = await self._matches(entry.password if entry is not None else None, password)
        now = self._directory.find(key)  # it may have changed while we were hashing
        if not matches or entry is None or now is None or now.password != entry.password:
            return None
        if now.state not in IN_USE:
            return None
        return await self._learn(now, password) if self._learns and now.scram is None else now

    async def _learn(self, entry: DirectoryEntry, password: str) -> DirectoryEntry:
        """Keep a verifier of a password that is right, and was set when none was wanted."""
        async with self._hashing:
            verifier = await asyncio.to_thread(make_verifier, password, secrets.token_bytes(SALT))
        now = self._directory.find(entry.address)
        if now != entry:  # changed meanwhile: another time
            return entry
        self._directory.set_password(entry.account, entry.password, verifier.encode())
        return replace(entry, scram=verifier.encode())

    async def _pause(self, seconds: float) -> None:
        if seconds > 0.0:
            await self._sleep(seconds)

    async def _matches(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits.  Without a hash, or without a password, it takes as long and the answer is no."""
        async with self._hashing:
            try:
                await asyncio.to_thread(self._hasher.verify, password_hash or self._nobody, password)
            except VerifyMismatchError:
                return False
            except (Argon2Error, InvalidHashError) as error:
                raise Unavailable("Passwords cannot be checked now") from error
        return bool(password_hash and password)

    # --- managing

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

    async def create(self, address: str, password: str | None) -> Account:
        """A new active account with its first mailboxes; finishes one that a crash left half-made.

        Without a password it is a shared one: nobody can log in, and others see of it what they are given rights on.
        Raises: AlreadyExists, Invalid (address or password), Unavailable.
        """
        key = str(parse_address(address))
        password_hash, scram = (None, None) if password is None else await self._hash(password)
        entry = self._directory.find(key)
        if entry is None:
            entry = self._directory.add(key, password_hash, int(self._now()), shared=password is None, scram=scram)
        elif entry.state is AccountState.CREATING:
            self._directory.set_password(entry.account, password_hash, scram)
        else:
            raise AlreadyExists("There is an account with this address")
        await self._finish_creation(entry)
        return Account(entry.account, entry.address, AccountState.ACTIVE, entry.shard, entry.shared)

    async def set_password(self, address: str, password: str) -> None:
        """Change the password; from now on the old one fails.  Raises: NotFound, Invalid (it; a shared account)."""
        password_hash, scram = await self._hash(password)
        entry = self._get(address)
        if entry.shared:
            raise Invalid("Nobody logs in to a shared account")
        self._directory.set_password(entry.account, password_hash, scram)
        self._known.drop(entry.account)

    async def remove(self, address: str) -> None:
        """Remove the account and all its mail; finishes a removal that was cut short.

        Raises: NotFound, Conflict (it is being moved).
        """
        entry = self._get(address)
        if entry.state is AccountState.MOVING:
            raise Conflict("The account is being moved")
        self._known.drop(entry.account)
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

    async def _hash(self, password: str) -> tuple[str, str | None]:
        """What is kept of a password: an argon2id hash, and a verifier if there is to be one."""
        prepared = prepare_password(password)
        async with self._hashing:
            password_hash = await asyncio.to_thread(self._hasher.hash, prepared)
            if not self.scram:
                return password_hash, None
            verifier = await asyncio.to_thread(make_verifier, prepared, secrets.token_bytes(SALT))
            return password_hash, verifier.encode()


def _key(address: str) -> str:
    """What an address is looked up as.  Of what is none, nobody can have it: it takes the same way as others."""
    try:
        return str(parse_address(address))
    except Invalid:
        return address[:255]


def _account(entry: DirectoryEntry) -> Account:
    return Account(entry.account, entry.address, entry.state, entry.shard, entry.shared)


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

    def drop(self, account: AccountId) -> None:
        for digest in [digest for digest, known in self._entries.items() if known.entry.account == account]:
            del self._entries[digest]


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
