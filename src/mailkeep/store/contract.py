"""What a store guarantees, whatever database it stands on.

**Operations.**  A write is one operation of `mailkeep.store.ops`: a generator that yields `Sql` and is sent the rows.
It takes effect whole or not at all, belongs to one account, and is durable when `Store.write` returns.  It may be run
more than once before it counts (a neighbour in the same batch failed), so it has no effect but its statements.

**The change number.**  The first statement of a write locks the account's row; an operation that changes something
raises `account.modseq` by one, an operation that changes nothing leaves it alone.  Modseqs therefore commit in order,
and what is read in one snapshot up to modseq N holds every change up to N.

**Identity.**  Numbers of accounts, mailboxes, messages, blobs and UIDs are never used twice, not even after a removal.
UIDVALIDITY of a name never goes backwards, whatever the clock does.

**Octets.**  Message octets are on disk before a row names them.  A blob is immutable, and shared only within one
account.

**Errors.**  Operations raise `mailkeep.model.errors` only.  `Unavailable` from a write means: the outcome is unknown.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, IntFlag, StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, TypeVar, TypeVarTuple

from mailkeep.model.app_password import AppPassword
from mailkeep.model.domain import Alias, Domain, SigningKey
from mailkeep.model.flags import More
from mailkeep.model.ids import AccountId, Uid
from mailkeep.model.mailbox import Mailbox
from mailkeep.model.message import Entry
from mailkeep.model.uidset import UidSet

T = TypeVar("T")
Args = TypeVarTuple("Args")

Value = int | str | bytes | UidSet | None
Row = tuple[Any, ...]
Rows = list[Row]

IN_ROW_LIMIT: Final = 16 * 1024  # octets; a smaller message travels with its row, others go to a pack
KEEP_S: Final = 30 * 86400  # how long tombstones last
SEGMENT: Final = 64  # messages, by number, whose texts are kept together
SPOOL_LIMIT: Final = 1024 * 1024  # octets; a larger message comes as a synced file, and becomes a pack of its own


class Sql(NamedTuple):
    """One statement.  A named tuple, because one is made per statement of every operation.

    A `UidSet` argument stands where the text says ``column IN ?``; the driver puts the form that suits the set.
    `alone`: what is read here is consistent by itself, so that the operation needs no snapshot over several statements.
    `locks`: the row read here is locked until the operation ends (nothing to do where writers are alone anyway).
    """

    text: str
    args: tuple[Value, ...] = ()
    locks: bool = False
    alone: bool = False


Op = Generator[Sql, Rows, T]


class How(Enum):
    """What STORE does with the flags given (RFC 9051 §6.4.6)."""

    __hash__ = object.__hash__  # of the one object that each member is; Enum would hash its name, in Python

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


class Also(IntFlag):
    """What `fetch` reads beside the entries."""

    NOTHING = 0
    BODIES = 1  # octets of messages that are small enough to be in the row
    GONE = 2  # UIDs that were expunged are served from their tombstones


class Column(Enum):
    """What `fetch_columns` can read of entries and their messages."""

    __hash__ = object.__hash__  # of the one object that each member is; Enum would hash its name, in Python

    BLOB = "blob"
    BODY = "body"  # the octets, None when they are not in the row
    INTERNALDATE = "internaldate"
    SIZE = "size"
    SAVED_AT = "saved_at"
    ORIGIN_ACCOUNT = "origin_account"
    ORIGIN_MESSAGE = "origin_message"
    THREAD_ACCOUNT = "thread_account"
    THREAD = "thread"


class LogKind(IntEnum):
    """What a row of the change log tells; the numbers are on disk."""

    ADDED = 1
    FLAGS = 2
    GONE = 3
    MAILBOX_MADE = 4
    MAILBOX_RENAMED = 5
    MAILBOX_DELETED = 6
    SUBSCRIPTION = 7
    ACL = 8
    METADATA = 9


@dataclass(frozen=True, slots=True)
class NewBlob:
    """Octets that are safe on disk, or small enough to travel in the row: `data`, or (`shard`, `pack`, `offset`)."""

    sha256: bytes
    size: int
    data: bytes | None = None
    shard: int | None = None
    pack: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """Data derived from a message by `kind`, opaque to the store."""

    kind: str
    version: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Identity:
    """What a message has been known as in another account: EMAILID and THREADID, as `Entry` has them."""

    emailid: tuple[int, int]
    threadid: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message on its way into a mailbox.

    `mask` holds system flags only; keywords go by name and are numbered by the operation.
    `thread` are the keys by which its conversation is known (`mailkeep.store.threads.thread_keys`).
    `identity`: of a copy from another account, which stays the same message.
    """

    blob: NewBlob
    internaldate: int
    mask: int = 0
    keywords: tuple[str, ...] = ()
    derived: tuple[Derived, ...] = ()
    thread: tuple[int, ...] = ()
    identity: Identity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A whole mailbox at one moment, ascending by UID: `masks[i]` and `modseqs[i]` belong to `uids[i]`."""

    mailbox: Mailbox
    uids: array[int]  # type code I
    masks: array[int]  # q
    modseqs: array[int]  # q
    more: dict[Uid, More]


class Fetched:
    """What `fetch` reads of one UID.  Slots only: one is made per row of a listing.

    `derived` is in the order of the kinds asked for; None where there is none yet.
    `body` is None unless asked for and small enough to be in the row: then `Store.open_blob(entry.blob)`.
    """

    __slots__ = ("body", "derived", "entry", "gone")

    entry: Entry
    derived: tuple[tuple[int, bytes] | None, ...]  # (version, data)
    body: bytes | None
    gone: bool  # expunged already; served from its tombstone


@dataclass(frozen=True, slots=True, kw_only=True)
class TextIndex:
    """How far the index of an account's texts goes: messages below `indexed_to` are in it, but for the `loose` ones.

    `stale`: a segment with text of messages that are gone for good, or None.
    """

    version: int
    indexed_to: int
    loose: UidSet
    stale: int | None
    next_message: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSegment:
    """What was derived from messages ``segment * SEGMENT`` and following: (kind, segment, data) opaque to the store.

    Data that several segments share goes by the number of one of them.
    `messages` are those that it holds; of the `loose` among them the text is not kept.
    """

    segment: int
    version: int
    indexed_to: int
    messages: UidSet
    loose: UidSet
    data: tuple[tuple[str, int, bytes], ...]


@dataclass(frozen=True, slots=True)
class TextInspection:
    """A stretch of a text index: `stale` segments, rows (kind, segment, data), messages (number, date, size)."""

    index: TextIndex
    stale: UidSet
    rows: tuple[tuple[str, int, bytes], ...]
    messages: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one step of a sweep removed; `done`: nothing is left to do.  `octets` of bodies that were in rows."""

    done: bool
    rows: int
    octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """An account as its shard knows it; `quota` in octets, None = unlimited; for the others see `get_usage`."""

    account: AccountId
    modseq: int
    used_octets: int
    used_messages: int
    quota: int | None


class AccountState(StrEnum):
    """Life of an account; each step may be taken again after a crash."""

    CREATING = "creating"
    ACTIVE = "active"
    MOVING = "moving"
    REMOVING = "removing"


IN_USE: Final = (AccountState.ACTIVE, AccountState.MOVING)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryEntry:
    """An account as the directory knows it.  `password` is a hash (`formats.password_hash`), or None: there is none.

    `other_shard`: in state MOVING where it goes to; else one where rows of it may lie that nobody needs; usually None.
    `shared`: it is nobody's, and its mailboxes stand in the shared tree.  `scram`: a verifier of the same password in
    the form of RFC 5803, None where there is none.  `epoch`: another number each time that the password is set.
    """

    account: AccountId
    address: str
    shard: int
    state: AccountState
    password: str | None
    created_at: int
    other_shard: int | None = None
    shared: bool = False
    scram: str | None = None
    epoch: int = 0


class Names(Protocol):
    """Domains, their keys, and aliases: small and rare writes; each is on disk when the method returns.

    Domains are lower-case A-labels.  An address ``@domain`` is what leads all the rest of a domain somewhere.
    """

    def add_domain(self, domain: str, keys: tuple[SigningKey, ...], now: int) -> None:
        """Take mail for `domain` from now on, and keep its keys.  Raises: AlreadyExists."""
        ...

    def remove_domain(self, domain: str) -> None:
        """Forget it, and its keys.  Raises: NotFound, Conflict (accounts or aliases have addresses in it)."""
        ...

    def list_domains(self) -> tuple[Domain, ...]:
        """Those that have been added, ascending."""
        ...

    def has_domain(self, domain: str) -> bool:
        """Whether it has been added."""
        ...

    def is_local(self, domain: str) -> bool:
        """Whether it has been added, or an account has its address in it."""
        ...

    def list_keys(self, domain: str) -> tuple[SigningKey, ...]:
        """The keys of a domain, also those that are waiting, ascending by selector."""
        ...

    def add_keys(self, keys: tuple[SigningKey, ...], now: int) -> None:
        """Keep further keys of a domain.  Raises: NotFound (the domain), AlreadyExists (a selector)."""
        ...

    def turn_keys(self, domain: str) -> None:
        """From now on the keys that are waiting sign, and the others are forgotten.  Raises: NotFound (none waits)."""
        ...

    def add_alias(self, address: str, account: AccountId, now: int) -> None:
        """Let `address` lead to `account`, besides others to which it leads.

        Raises: Invalid (the domain is not local), NotFound (no such account), AlreadyExists (it leads there already;
        an account has this address).
        """
        ...

    def remove_alias(self, address: str, account: AccountId | None = None) -> None:
        """Let `address` no longer lead to `account`, or to nobody.  Raises: NotFound."""
        ...

    def find_alias(self, address: str) -> tuple[AccountId, ...]:
        """The accounts to which exactly this alias leads, ascending; letter case is ignored."""
        ...

    def list_aliases(self) -> tuple[Alias, ...]:
        """All, ascending by address, one for each account it leads to."""
        ...


class PublicKeys(Protocol):
    """OpenPGP keys of accounts, by domain and by the hash of a Web Key Directory; each write is on disk at return."""

    def put(self, account: AccountId, domain: str, hashed: str, octets: bytes, now: int) -> None:
        """Keep the one key of an account, in place of another.  Raises: NotFound (no such account)."""
        ...

    def remove(self, account: AccountId) -> None:
        """Raises: NotFound (it has none)."""
        ...

    def find(self, domain: str, hashed: str) -> bytes | None:
        """The key under this hash in a domain."""
        ...

    def find_of(self, account: AccountId) -> bytes | None:
        """The key of an account."""
        ...


class AppPasswords(Protocol):
    """Which app passwords there are: small and rare writes; each is on disk when the method returns."""

    def add(self, new: AppPassword) -> AppPassword:
        """Keep it.  Returns: it, with the number that it was given."""
        ...

    def remove(self, account: AccountId, number: int) -> None:
        """Forget it.  Raises: NotFound."""
        ...

    def find(self, number: int) -> AppPassword | None:
        """The one of that number."""
        ...

    def find_digest(self, digest: bytes) -> AppPassword | None:
        """The one of that digest."""
        ...

    def list(self, account: AccountId) -> tuple[AppPassword, ...]:
        """Those of an account, in the order in which they were made."""
        ...

    def list_expired(self, since: int, until: int) -> tuple[AppPassword, ...]:
        """Those of all accounts that have expired after `since`, up to and with `until`."""
        ...

    def note_use(self, used: Mapping[int, int]) -> None:
        """When they were used last, by number; those that are there no more are passed over.

        No change of the directory: nobody need look again.
        """
        ...


class Directory(Protocol):
    """Which accounts there are.  Small and rare writes; each is on disk when the method returns."""

    @property
    def names(self) -> Names:
        """Domains and aliases, which lie in the same place."""
        ...

    @property
    def public_keys(self) -> PublicKeys:
        """OpenPGP keys, likewise; those of an account go with it."""
        ...

    @property
    def app_passwords(self) -> AppPasswords:
        """App passwords, which lie in the same place."""
        ...

    @property
    def changes(self) -> int:
        """Another number after each change, whichever process made it: what was read before may be outdated."""
        ...

    @property
    def secret(self) -> bytes:
        """32 random octets, always the same, which nobody else ever learns."""
        ...

    def add(
        self, address: str, password: str | None, now: int, *, shared: bool = False, scram: str | None = None
    ) -> DirectoryEntry:
        """Reserve `address` in state CREATING.  Raises: AlreadyExists (as account or alias), Invalid (no address)."""
        ...

    def find(self, address: str) -> DirectoryEntry | None:
        """The account that owns `address`; letter case is ignored."""
        ...

    def get(self, account: AccountId) -> DirectoryEntry:
        """Raises: NotFound."""
        ...

    def list(self) -> Sequence[DirectoryEntry]:
        """All accounts, ascending by address."""
        ...

    def set_password(self, account: AccountId, password: str | None, scram: str | None = None) -> None:
        """Another password, or none: the `epoch` is another from now on.  Raises: NotFound."""
        ...

    def replace_hash(self, account: AccountId, old: str, new: str, scram: str | None) -> None:
        """Keep the same password in another form, if it is still kept as `old`; the `epoch` stays."""
        ...

    def set_state(self, account: AccountId, state: AccountState) -> None:
        """Raises: NotFound."""
        ...

    def remove(self, account: AccountId) -> None:
        """Forget an account whose rows are gone, and its aliases; its number is never used again."""
        ...


class Blob(Protocol):
    """Octets of one message."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """At most `length` octets from `offset`; fewer only at the end.  Raises: Unavailable."""
        ...


class Store(Protocol):
    """The door to all accounts' mail."""

    async def write(self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args) -> T:
        """Carry out `op`; returns when it is on disk.  Raises: what the operation says, and Unavailable."""
        ...

    def later(self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args) -> None:
        """Carry out `op` with the next commit, at the latest when closing.

        A crash loses it, without harm; so it is where the account has been removed.  Raises nothing.
        """
        ...

    async def read(self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args) -> T:
        """Carry out a reading `op` in one snapshot.  On SQLite it never suspends."""
        ...

    async def scan(self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args) -> T:
        """As `read`, for an `op` that reads much: nobody else waits for it."""
        ...

    async def survey(
        self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args
    ) -> tuple[T, ...]:
        """Carry out a reading `op` in every database, in one snapshot each: what `account` has to do with others'."""
        ...

    async def survey_slowly(
        self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args
    ) -> tuple[T, ...]:
        """As `survey`, for an `op` that reads much: nobody else waits for it."""
        ...

    async def survey_own(
        self, op: Callable[[AccountId, *Args], Op[T]], account: AccountId, /, *args: *Args
    ) -> tuple[T, ...]:
        """As `survey`, of the databases that this process writes to: so that of all processes exactly one sees it."""
        ...

    async def put_blob(self, account: AccountId, octets: bytes | Path, sha256: bytes | None = None) -> NewBlob:
        """Make octets durable, ahead of the row that names them.

        A `Path` is a whole spool file in `spool_dir`; it is synced here and renamed away.  Raises: Unavailable.
        """
        ...

    def open_blob(self, account: AccountId, blob: int) -> Blob:
        """Raises: NotFound, Unavailable."""
        ...

    def counter(self, account: AccountId) -> Callable[[], int] | None:
        """Tells another number when something of the account has been committed, by whichever process.

        It may tell one for nothing.  None: no other process writes.  Raises: NotFound.
        """
        ...

    async def check(self, account: AccountId) -> tuple[str, ...]:
        """What is wrong with an account, in words: rows that disagree, octets that are missing or changed.

        Costs as much as the account.  Raises: NotFound, Unavailable.
        """
        ...

    async def move_account(self, account: AccountId, shard: int, tell: Callable[[int, int], None]) -> None:
        """Move an account to another shard; meanwhile it can be read, and writes are Unavailable.

        `tell` is called with the rows that are there and those that there will be.  What lies at the old place is
        removed later (`clear_moved`).  After a crash, `undo_moves`: nothing is lost.
        Raises: NotFound, Invalid (there is no such shard), Conflict (it is not active), Unavailable (it stays).
        """
        ...

    async def remove_account(self, account: AccountId) -> None:
        """Remove an account and all its rows, in steps; goes on where an earlier call stopped.

        From the first step on it is in state REMOVING.  Raises: NotFound, Unavailable.
        """
        ...

    async def undo_moves(self) -> Sequence[AccountId]:
        """Accounts that a crash left in state MOVING stay where they were; returns them.  Raises: Unavailable."""
        ...

    async def clear_moved(self) -> None:
        """Remove what moves left behind, as far as nobody can still be reading it.  Raises: Unavailable."""
        ...

    async def sweep(self, now: int, *, keep_s: int = KEEP_S) -> None:
        """Forget tombstones older than `keep_s` and what only they kept alive.  Raises: Unavailable."""
        ...

    @property
    def spool_dir(self) -> Path:
        """Where large messages are spooled, on the file system of the packs."""
        ...
