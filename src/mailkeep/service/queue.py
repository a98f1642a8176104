"""The queue: mail on its way out, durable in the shard of the account that sends it.

- What is queued is cut into legs: recipients of one domain, at most `LEG`, that travel together and are tried together.
- Several processes may look at the queue; each tries what lies in the shards that it writes to.
- That there is something to do is told by a hint, which may be lost: whoever tries looks for himself now and then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mailkeep.figures import Figure
from mailkeep.model.address import parse_domain
from mailkeep.model.change import Hint
from mailkeep.model.envelope import Envelope, Outcome, Recipient
from mailkeep.model.errors import Invalid, NotFound
from mailkeep.model.ids import AccountId, ModSeq
from mailkeep.model.queued import QueuedItem, QueueLine, Settlement, queue_id
from mailkeep.service.bus import Bus
from mailkeep.service.spool import IN_MEMORY, Octets, Spool
from mailkeep.store import ops
from mailkeep.store.contract import IN_ROW_LIMIT, Blob, Store
from mailkeep.store.ops.queue_due import Due

__all__ = ["Due", "Queue", "Report", "Reported"]

LEG: Final = 100  # recipients: every server takes so many at once (RFC 5321 §4.5.3.1.8)
HELD_OCTETS: Final = 256 * 1024  # of a message that is tried; a larger one is copied to a spool file
PIECE: Final = 256 * 1024
ALL: Final = AccountId(0)  # of no account in particular


@dataclass(frozen=True, slots=True)
class Reported:
    """A recipient of whom there is something to tell; `at`: UTC seconds of the outcome."""

    recipient: Recipient
    outcome: Outcome
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the sender of a queued message is to be told (RFC 3464).

    He has asked for it, of all of `recipients`.  They are either over: failed, or taken by another host
    (`outcome.host`) or by a mailbox here; or delayed, and then `until` says when they will be given up (UTC seconds).
    `once` is the key for `Delivery.deliver`: the report may be asked for again, and must come once.
    `envelope` has no recipients; `message` are the octets that were queued.
    """

    account: AccountId
    queue_id: str
    envelope: Envelope
    arrived_at: int
    recipients: tuple[Reported, ...]
    message: Blob
    once: str
    until: int | None = None


class Queue:
    """The verbs on queued mail."""

    def __init__(self, store: Store, bus: Bus, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self.taken_in = 0  # messages so far

    def subscribe(self, news: Callable[[AccountId, int], None], doubt: Callable[[], None]) -> None:
        """Call `news` with account and item whenever there is something to send; `doubt`: that may have got lost."""

        def listen(hint: Hint) -> None:
            if hint.queue:
                news(hint.account, hint.queue)

        self._bus.subscribe_all(listen)
        self._bus.subscribe_doubt(doubt)

    # --- for those who send

    async def add(self, account: AccountId, envelope: Envelope, octets: Octets) -> str:
        """Queue a message of `account`, and wake whoever sends it; on disk when this returns its id.

        `octets` are taken over, whatever happens.  Nothing is checked here: neither sender nor recipients.
        Raises: Invalid (no recipients), NotFound (the account), Unavailable (the outcome may be unknown).
        """
        if not envelope.recipients:
            octets.discard()
            raise Invalid("There is nobody to send it to")
        domains, recipients = _legs(envelope.recipients)
        try:
            data = octets.data
            if data is None and octets.path is not None and octets.size <= IN_MEMORY:
                data = await asyncio.to_thread(_whole, octets)  # too small to be a pack of its own
            assert data is not None or octets.path is not None
            blob = await self._store.put_blob(account, data if data is not None else _path(octets), octets.sha256)
            rest = replace(envelope, recipients=())
            now = int(self._clock())
            item = await self._store.write(ops.queue_add, account, blob, rest, domains, recipients, now)
        finally:
            octets.discard()
        self.taken_in += 1
        self._tell(account, item)
        return queue_id(account, item)

    # --- for those who try

    async def due(self, after: tuple[int, int, int, int], until: int, limit: int) -> list[Due]:
        """Legs in shards of this process that are due at `until`, ascending; fewer than `limit` if there are no more.

        They come after a place (due_at, account, item, leg).
        """
        found = await self._store.survey_own(ops.queue_due, ALL, after, until, limit)
        return sorted(due for each in found for due in each)[:limit]

    async def due_of(self, account: AccountId, domain: str, limit: int) -> list[Due]:
        """Of one account and to one domain, those that are due now, the earliest; none where another process tries."""
        found = await self._store.survey_own(ops.queue_due_of, account, domain, int(self._clock()), limit)
        return [due for each in found for due in each]

    async def due_item(self, account: AccountId, item: int) -> list[Due]:
        """Legs of one item that are due now; none where another process tries."""
        found = await self._store.survey_own(ops.queue_due_item, account, item, int(self._clock()))
        return [due for each in found for due in each]

    async def next_due(self, after: int) -> int | None:
        """When the first leg in shards of this process is due after a moment; None if there is none."""
        found = await self._store.survey_own(ops.queue_next, ALL, after)
        return min((due_at for due_at in found if due_at is not None), default=None)

    async def get(self, account: AccountId, item: int, leg: int | None = None) -> QueuedItem:
        """An item, with one leg or with all of them.  Raises: NotFound (it is over)."""
        with _no_such_message():
            return await self._store.read(ops.queue_get, account, item, leg)

    def open(self, item: QueuedItem) -> Blob:
        """The octets of a message.  Raises: NotFound, Unavailable."""
        return self._store.open_blob(item.account, item.blob)

    async def octets(self, item: QueuedItem) -> Octets:
        """The same for who sends them, and discards them when he is done.  Raises: NotFound, Unavailable."""
        blob = self.open(item)
        if blob.size <= HELD_OCTETS:
            data = blob.read() if blob.size < IN_ROW_LIMIT else await asyncio.to_thread(blob.read)
            return Octets(len(data), b"", data, None)
        return await asyncio.to_thread(_copy, blob, self._store.spool_dir)

    async def settle(
        self, item: QueuedItem, leg: int, attempts: int, settlements: Sequence[Settlement], due_at: int
    ) -> bool:
        """Write down how an attempt ended; whether the item is over, and gone.  May be repeated.

        `attempts`: this one included.  `due_at`: when the next is, if recipients wait.
        Raises: NotFound (the account), Unavailable (the outcome is unknown).
        """
        now = int(self._clock())
        return await self._store.write(
            ops.queue_settle, item.account, item.number, leg, attempts, tuple(settlements), due_at, now
        )

    async def reported(self, item: QueuedItem, leg: int, recipients: Sequence[int], due_at: int) -> bool:
        """Reports on recipients (by number) have been made; whether the item is over, and gone.  May be repeated.

        `due_at`: when others of the leg are to be tried.  Raises: NotFound (the account), Unavailable.
        """
        now = int(self._clock())
        return await self._store.write(
            ops.queue_reported, item.account, item.number, leg, tuple(recipients), due_at, now
        )

    async def warned(self, item: QueuedItem, leg: int) -> None:
        """The sender knows that a leg takes long.  Raises: NotFound (the account), Unavailable."""
        await self._store.write(ops.queue_warned, item.account, item.number, leg)

    # --- for an administrator

    async def list(
        self, account: AccountId | None, domain: str | None, after: tuple[int, int], limit: int
    ) -> tuple[QueueLine, ...]:
        """At most `limit` items after a place (account, number), ascending: of one account, to one domain, or all."""
        found = await self._store.survey_slowly(ops.queue_list, account or ALL, domain, after, limit)
        lines = sorted((line for each in found for line in each), key=lambda line: (line.account, line.number))
        return tuple(lines[:limit])

    async def count(self) -> int:
        """How many items there are, in all shards."""
        return sum(items for items, _ in await self._store.survey(ops.queue_count, ALL))

    async def hold(self, account: AccountId, item: int) -> None:
        """Nothing of the item is tried until it is released; what is being tried now goes on.  Raises: NotFound."""
        with _no_such_message():
            await self._store.write(ops.queue_hold, account, item)

    async def release(self, account: AccountId, item: int) -> None:
        """Held or not, all of the item is tried now.  Raises: NotFound."""
        with _no_such_message():
            await self._store.write(ops.queue_release, account, item, int(self._clock()))
        self._tell(account, item)

    async def retry(self, account: AccountId, item: int) -> None:
        """All of the item that waits is tried now.  Raises: NotFound, Conflict (it is held)."""
        with _no_such_message():
            await self._store.write(ops.queue_retry, account, item, int(self._clock()))
        self._tell(account, item)

    async def drop(self, account: AccountId, item: int) -> None:
        """Forget the item; nobody is told.  What is being tried now may still arrive.  Raises: NotFound."""
        with _no_such_message():
            await self._store.write(ops.queue_drop, account, item, int(self._clock()))

    async def figures(self) -> Iterator[Figure]:
        """What there is in the shards of this process."""
        counts = await self._store.survey_own(ops.queue_count, ALL)
        return iter(
            (
                ("queue_messages", (), sum(items for items, _ in counts)),
                ("queue_messages_held", (), sum(held for _, held in counts)),
                ("queue_messages_taken_in", (), self.taken_in),
            )
        )

    def _tell(self, account: AccountId, item: int) -> None:
        self._bus.publish(Hint(account, frozenset(), ModSeq(0), queue=item))


@contextmanager
def _no_such_message() -> Iterator[None]:
    """Whoever names a message by an account that there is not asks for no account."""
    try:
        yield
    except NotFound as error:
        raise NotFound("There is no such message in the queue") from error


def parse_queue_id(text: str) -> tuple[AccountId, int]:
    """Account and number of an item.  Raises: NotFound."""
    account, dash, item = text.strip().partition("-")
    if not (dash and account.isdecimal() and item.isdecimal() and len(text) <= 40):
        raise NotFound(f"{text} is no message of the queue: its name has the form 12-345")
    return AccountId(int(account)), int(item)


def domain_of(address: str) -> str:
    """The domain that an address leads to, in lower-case A-labels; as it is where that cannot be."""
    domain = address.rpartition("@")[2] if "@" in address else ""
    try:
        return parse_domain(domain)
    except Invalid:
        return domain.lower()


def _legs(recipients: Sequence[Recipient]) -> tuple[tuple[str, ...], tuple[tuple[int, Recipient], ...]]:
    """The domain of each leg, and for each recipient which leg it is in; one that is named twice is taken once."""
    domains: list[str] = []
    filling: dict[str, tuple[int, int]] = {}  # of a domain: the leg, and how many are in it
    placed: list[tuple[int, Recipient]] = []
    seen: set[tuple[str, str]] = set()
    for recipient in recipients:
        domain = domain_of(recipient.address)
        whom = recipient.address.rpartition("@")[0] or recipient.address, domain
        if whom in seen:
            continue
        seen.add(whom)
        leg, count = filling.get(domain, (-1, LEG))
        if count == LEG:
            leg, count = len(domains), 0
            domains.append(domain)
        filling[domain] = leg, count + 1
        placed.append((leg, recipient))
    return tuple(domains), tuple(placed)


def _whole(octets: Octets) -> bytes:
    """Blocks.  Raises: Unavailable."""
    return b"".join(octets.pieces())


def _path(octets: Octets) -> Path:
    assert octets.path is not None
    return octets.path


def _copy(blob: Blob, directory: Path) -> Octets:
    """Blocks."""
    spool = Spool(directory, blob.size, in_memory=0)
    try:
        for offset in range(0, blob.size, PIECE):
            spool.write(blob.read(offset, PIECE))
        return spool.finish()
    except BaseException:
        spool.discard()
        raise
