"""Copying and moving messages from one account into another.

- Each account has a transaction of its own.  A move is a copy, committed, and then an expunge: what fails between the
  two leaves the message twice, never lost.
- The copy is the same message: EMAILID and THREADID stay (RFC 8474 §5.1), octets are written anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Final

from mailkeep.model.change import Hint
from mailkeep.model.errors import LimitReached, OverQuota
from mailkeep.model.flags import FIRST_KEYWORD, FIRST_MORE
from mailkeep.model.ids import AccountId, MailboxId, ModSeq, Uid
from mailkeep.model.message import Appended, Copied, Entry
from mailkeep.model.uidset import UidSet
from mailkeep.service.messages import QUICK, Blob, Fetched, Messages
from mailkeep.service.pace import Pace
from mailkeep.service.places import Place
from mailkeep.store import ops
from mailkeep.store.contract import Derived, Identity, NewMessage, Store

ROWS: Final = 50  # read at a time
AT_ONCE: Final = 2  # copies in the making, in this process: what they hold is bounded by that
MOST_HELD: Final = 64 * 1024 * 1024  # octets of small messages in memory, as all are written in one transaction
SYSTEM: Final = (1 << FIRST_KEYWORD) - 1


class Transfer:
    """The verbs between two places in different accounts."""

    def __init__(self, store: Store, messages: Messages, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._messages = messages
        self._clock = clock
        self._room = asyncio.Semaphore(AT_ONCE)

    async def copy(self, source: Place, uids: UidSet, target: Place) -> Copied:
        """Copy messages, all or none; flags that the user may not change there are left behind.

        The caller has seen to it that the user may read here.
        Raises: NotFound, OverQuota, LimitReached (too many at once; keywords), Forbidden, Unavailable.
        """
        async with self._room:
            found, new = await self._read(source, uids, target.account)
            if not new:
                return Copied(target.mailbox.id, target.mailbox.uidvalidity, (), (), target.mailbox.modseq)
            appended = await self._append(target, tuple(new))
        self._tell(target.account, target.mailbox.id, appended.modseq)
        return Copied(target.mailbox.id, appended.uidvalidity, tuple(found), appended.uids, appended.modseq)

    async def move(self, source: Place, uids: UidSet, target: Place) -> Copied:
        """Copy, then remove here.  `modseq` of the answer is that of the removal.  Raises: as `copy`."""
        copied = await self.copy(source, uids, target)
        if not copied.target:
            return copied
        modseq, gone = await self._store.write(
            ops.withdraw, source.account, source.guest, source.mailbox.id, UidSet(copied.source), int(self._clock())
        )
        if gone:
            self._tell(source.account, source.mailbox.id, modseq)
        return Copied(copied.mailbox, copied.uidvalidity, copied.source, copied.target, modseq)

    def _tell(self, account: AccountId, mailbox: MailboxId, modseq: ModSeq) -> None:
        self._messages.bus.publish(Hint(account, frozenset({mailbox}), modseq))

    async def _append(self, target: Place, new: tuple[NewMessage, ...]) -> Appended:
        now = int(self._clock())
        if target.guest is None:
            return await self._store.write(ops.append, target.account, target.mailbox.id, new, now)
        return await self._store.write(ops.guest_append, target.account, target.guest, target.mailbox.id, new, now)

    async def _read(self, source: Place, uids: UidSet, account: AccountId) -> tuple[list[Uid], list[NewMessage]]:
        """The UIDs that are still there, and their messages, ready for the other account."""
        names = dict(await self._store.read(ops.keywords, source.account))
        kinds = self._messages.kinds
        found: list[Uid] = []
        new: list[NewMessage] = []
        held = octets = 0
        usage = await self._store.read(ops.get_usage, account)
        wanted = list(uids)
        pace = Pace()
        for start in range(0, len(wanted), ROWS):
            batch = UidSet(wanted[start : start + ROWS])
            for row in await self._messages.fetch(source.account, source.mailbox.id, batch, kinds, bodies=True):
                if row.gone:
                    continue
                octets += row.entry.size
                if usage.quota.octets is not None and usage.octets + octets > usage.quota.octets:
                    # the operation asks again; but by then the disk would have taken all of it
                    raise OverQuota("The account's quota would be exceeded")
                message = await self._message(source.account, row, kinds, names, account)
                held += len(message.blob.data or b"") + sum(len(derived.data) for derived in message.derived)
                if held > MOST_HELD:
                    raise LimitReached("These are too many messages for one command; do some at a time")
                found.append(row.entry.uid)
                new.append(message)
                if pace.is_over:
                    await pace.give_way()
        return found, new

    async def _message(
        self, source: AccountId, row: Fetched, kinds: tuple[str, ...], names: dict[int, str], account: AccountId
    ) -> NewMessage:
        entry = row.entry
        body = self._messages.open_body(source, row)
        read = _octets(body) if body.size <= QUICK else await asyncio.to_thread(_octets, body)
        return NewMessage(
            blob=await self._store.put_blob(account, *read),
            internaldate=entry.internaldate,
            mask=entry.mask & SYSTEM,
            keywords=_keywords(entry, names),
            derived=tuple(Derived(kind, *kept) for kind, kept in zip(kinds, row.derived, strict=True) if kept),
            identity=Identity(entry.emailid, entry.threadid),
        )


def _octets(body: Blob) -> tuple[bytes, bytes]:
    data = body.read()
    return data, hashlib.sha256(data).digest()


def _keywords(entry: Entry, names: dict[int, str]) -> tuple[str, ...]:
    numbers = [number for number in range(FIRST_KEYWORD, FIRST_MORE) if entry.mask >> number & 1]
    return tuple(names[number] for number in (*numbers, *entry.more) if number in names)
