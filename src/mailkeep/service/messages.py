"""Messages of an account: taking in, listing, changing, moving, removing."""

from __future__ import annotations

import asyncio
import mmap
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mailkeep.formats import objectid
from mailkeep.formats.mime.scan import Part, scan, scan_simple
from mailkeep.formats.mime.thread import base_subject, message_id, references
from mailkeep.model.change import Delta, Hint
from mailkeep.model.derive import Deriver
from mailkeep.model.errors import Invalid, Unavailable
from mailkeep.model.flags import System
from mailkeep.model.ids import AccountId, MailboxId, MessageId, ModSeq, Uid
from mailkeep.model.message import Appended, Copied, Stored
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.service.bus import Bus
from mailkeep.service.deriving import Deriving, Waiting
from mailkeep.service.pace import Pace
from mailkeep.service.recents import Recents
from mailkeep.service.spool import IN_MEMORY, Octets
from mailkeep.service.views import Views
from mailkeep.store import ops
from mailkeep.store.contract import Also, Blob, Column, Derived, Fetched, How, NewMessage, Store
from mailkeep.store.threads import thread_keys

__all__ = ["Blob", "Column", "Fetched", "Flags", "How", "Incoming", "Messages"]

QUICK: Final = 64 * 1024  # octets of a stored message that is looked through on the spot; a larger one in a thread
SIMPLE: Final = 512 * 1024  # octets of a new one, if it has little structure: a hop to a thread would cost more
NO_CHANGE: Final = Stored(())


@dataclass(frozen=True, slots=True)
class Flags:
    """Flags as a client names them: system flags as a mask, keywords by name."""

    mask: int = 0
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message to take in.  `internaldate`: UTC seconds, None for now."""

    octets: Octets
    flags: Flags = Flags()
    internaldate: int | None = None


class Messages:
    """The verbs on messages.  `views` are the mailboxes that somebody has open.

    `guest`: who asks, where it is not the account's owner: then the operation looks for his rights.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        derivers: Iterable[Deriver[Part]],
        *,
        clock: Callable[[], float] = time.time,
        recents: Recents | None = None,
    ) -> None:
        self._store = store
        self.bus = bus
        self._derivers = {deriver.kind: deriver for deriver in derivers}
        self._at_ingest = tuple(deriver for deriver in self._derivers.values() if not deriver.lazily)
        self.deriving = Deriving(store, self._at_ingest)
        self._clock = clock
        self.taken_in = 0  # messages so far
        self.octets_taken_in = 0
        self.views = Views(store, bus, recents)

    def _changed(self, account: AccountId, modseq: int, *mailboxes: MailboxId) -> None:
        self.bus.publish(Hint(account, frozenset(mailboxes), ModSeq(modseq)))

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind of derived data."""
        return tuple(self._derivers)

    # --- taking in

    async def require_room(self, account: AccountId, octets: int) -> None:
        """Whether one more message of so many octets would be taken now.

        Raises: OverQuota, NeverFits, NotFound (the account), Unavailable.
        """
        await self._store.read(ops.require_room, account, octets, 1)

    async def append(
        self, account: AccountId, mailbox: MailboxId, incoming: Sequence[Incoming], guest: AccountId | None = None
    ) -> Appended:
        """Put new messages into a mailbox, all or none; on disk when this returns.

        Raises: NotFound, OverQuota, LimitReached (keywords), Unavailable, Forbidden (a guest).
        """
        now = int(self._clock())
        try:
            new: list[NewMessage] = []
            waiting: list[Waiting | None] = []
            held = 0
            pace = Pace()
            for message in incoming:
                taken, rest = await self._take_in(account, message, now, held)
                new.append(taken)
                waiting.append(rest)
                held += len(rest.data) if rest is not None else 0
                if pace.is_over:
                    await pace.give_way()
            if guest is None:
                appended = await self._store.write(ops.append, account, mailbox, tuple(new), now)
            else:
                appended = await self._store.write(ops.guest_append, account, guest, mailbox, tuple(new), now)
        finally:
            for message in incoming:
                message.octets.discard()
        self._expect(account, appended, waiting)
        self._changed(account, appended.modseq, mailbox)
        return appended

    async def append_once(self, account: AccountId, mailbox: MailboxId, incoming: Incoming, key: str) -> Appended:
        """As `append` of one message, unless there has been a delivery to the account under this key: where that went.

        So it may be tried again when its outcome is unknown.  Keys are remembered for 60 days.
        Raises: as `append`.
        """
        now = int(self._clock())
        try:
            new, rest = await self._take_in(account, incoming, now)
            appended, is_new = await self._store.write(ops.append_once, account, mailbox, new, key, now)
        finally:
            incoming.octets.discard()
        if is_new:  # else what waits to be derived is of other octets: trace lines differ
            self._expect(account, appended, (rest,))
        self._changed(account, appended.modseq, appended.mailbox)
        return appended

    async def replace(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uid: Uid,
        target: MailboxId,
        incoming: Incoming,
        guest: AccountId | None = None,
    ) -> Appended:
        """Put a new message into `target` and remove `uid` from `mailbox`, both or neither; a tombstone remains.

        Raises: NotFound (also the message), OverQuota (without the message that goes), LimitReached, Unavailable,
        Forbidden (a guest).
        """
        now = int(self._clock())
        try:
            new, rest = await self._take_in(account, incoming, now)
            args = (mailbox, uid, target, new, now)
            if guest is None:
                appended = await self._store.write(ops.replace, account, *args)
            else:
                appended = await self._store.write(ops.guest_replace, account, guest, *args)
        finally:
            incoming.octets.discard()
        self._expect(account, appended, (rest,))
        self._changed(account, appended.modseq, mailbox, target)
        return appended

    def _expect(self, account: AccountId, appended: Appended, waiting: Iterable[Waiting | None]) -> None:
        for number, rest in enumerate(waiting, int(appended.first_message)):
            if rest is not None:
                self.deriving.expect(account, MessageId(number), rest)

    async def _take_in(
        self, account: AccountId, message: Incoming, now: int, held: int = 0
    ) -> tuple[NewMessage, Waiting | None]:
        """What is to be stored, and what remains to be done afterwards.

        `held`: octets of the same command of which something remains to be done.
        """
        octets = message.octets
        self.taken_in += 1
        self.octets_taken_in += octets.size
        data = octets.data
        if data is None and octets.path is not None and octets.size <= IN_MEMORY:
            data = _read(octets.path)  # one of many: too small to be a pack of its own
        waiting: Waiting | None = None
        derived: tuple[Derived, ...] = ()
        if data is not None:
            part = scan_simple(data) if len(data) <= SIMPLE else None
            if part is None:
                derived, keys = await asyncio.to_thread(self._derive, data)
            elif self.deriving.has_room(held + len(data)):
                waiting = Waiting(part, data)
                keys = _thread_keys(part)
            else:
                derived, keys = self._derive(data, part)
            blob = await self._store.put_blob(account, data, octets.sha256)
        else:
            assert octets.path is not None
            derived, keys = await asyncio.to_thread(self._derive_file, octets.path)
            blob = await self._store.put_blob(account, octets.path, octets.sha256)
        new = NewMessage(
            blob=blob,
            internaldate=now if message.internaldate is None else message.internaldate,
            mask=message.flags.mask,
            keywords=message.flags.keywords,
            derived=derived,
            thread=keys,
        )
        return new, waiting

    def _derive_file(self, path: Path) -> tuple[tuple[Derived, ...], tuple[int, ...]]:
        """Large messages take long: this runs in a thread."""
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return self._derive(mapped)

    def _derive(self, data: bytes | mmap.mmap, part: Part | None = None) -> tuple[tuple[Derived, ...], tuple[int, ...]]:
        part = part or scan(data)
        derived = tuple(Derived(d.kind, d.version, d.function(part, data)) for d in self._at_ingest)
        return derived, _thread_keys(part)

    # --- reading

    async def fetch(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidSet,
        kinds: tuple[str, ...] = (),
        *,
        if_kept: frozenset[str] = frozenset(),
        bodies: bool = False,
    ) -> list[Fetched]:
        """The entries of `uids` that exist, or did until this session is told otherwise; ascending by UID.

        `derived` of each holds what was asked for in `kinds`, in that order, computed now where it was missing, but
        for kinds wanted only `if_kept`: those are None then.
        """
        also = (Also.BODIES if bodies else Also.NOTHING) | Also.GONE
        rows = await self._store.read(ops.fetch, account, mailbox, uids, kinds, also)
        if kinds:
            await self._complete(account, rows, kinds, if_kept)
        return rows

    async def fetch_columns(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidSet,
        columns: tuple[Column, ...],
        kinds: tuple[str, ...],
        if_kept: frozenset[str] = frozenset(),
    ) -> tuple[tuple[Any, ...], ...] | None:
        """UIDs, then each of `columns`, then the derived data of `kinds`, as columns of one length, ascending by UID.

        None when some derived data is not there: `fetch` makes it.  Kinds wanted only `if_kept` may hold None.
        """
        versions = tuple((kind, self._derivers[kind].version) for kind in kinds)
        found = await self._store.read(ops.fetch_columns, account, mailbox, uids, columns, versions)
        if not kinds:
            return found
        kept = found[len(found) - len(kinds) :]
        missing = any(None in column for kind, column in zip(kinds, kept, strict=False) if kind not in if_kept)
        return None if missing else found

    async def _complete(
        self, account: AccountId, rows: list[Fetched], kinds: tuple[str, ...], if_kept: frozenset[str]
    ) -> None:
        """Compute derived data that is missing or of another version, and write it back lazily."""
        wanted = [self._derivers[kind] for kind in kinds]
        made: list[tuple[MessageId, Derived]] = []
        pace = Pace()
        for row in rows:
            stale = [
                i
                for i, (deriver, found) in enumerate(zip(wanted, row.derived, strict=True))
                if found is None or found[0] != deriver.version
            ]
            if not stale:
                continue
            derived = list(row.derived)
            missing = [wanted[i] for i in stale if kinds[i] not in if_kept]
            contents = await self._make(account, row, missing) if missing else {}
            for i in stale:
                content = contents.get(kinds[i])
                derived[i] = None if content is None else (wanted[i].version, content)
            made += [(row.entry.message, Derived(d.kind, d.version, contents[d.kind])) for d in missing]
            row.derived = tuple(derived)
            if pace.is_over:
                await pace.give_way()
        if made:
            self._store.later(ops.put_derived, account, tuple(made))

    async def _make(self, account: AccountId, row: Fetched, wanted: Sequence[Deriver[Part]]) -> dict[str, bytes]:
        """Derived data by kind; of a large message in a thread."""
        waiting = self.deriving.find(account, row.entry.message)
        if waiting is not None:
            return {deriver.kind: deriver.function(waiting.part, waiting.data) for deriver in wanted}
        body = self.open_body(account, row)
        if body.size > QUICK:
            return await asyncio.to_thread(_derive_from, body, wanted)
        return _derive_from(body, wanted)

    def open_body(self, account: AccountId, row: Fetched) -> Blob:
        """The octets of a fetched message."""
        if row.body is not None:
            return InMemory(row.body)
        return self.open_blob(account, row.entry.blob)

    def open_blob(self, account: AccountId, blob: int) -> Blob:
        """The octets of a message by the number of its blob.  Raises: Unavailable."""
        return self._store.open_blob(account, blob)

    # --- changing

    async def store_flags(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidSet,
        how: How,
        flags: Flags,
        unchanged_since: int | None = None,
        guest: AccountId | None = None,
    ) -> Stored:
        """Change flags.  RFC 9051 §6.4.6, RFC 7162 §3.1.3.

        Raises: NotFound (the mailbox), LimitReached (keywords), Forbidden (a guest who may change none of them).
        """
        if not uids:
            return NO_CHANGE
        args = (mailbox, uids, how, flags.mask, flags.keywords, _modseq(unchanged_since))
        if guest is None:
            stored = await self._store.write(ops.store_flags, account, *args)
        else:
            stored = await self._store.write(ops.guest_store_flags, account, guest, *args)
        try:
            if not self.views.knows(account, stored.states):
                await self.views.learn(account)
        except Unavailable:  # it has been written all the same
            self.views.doubt(account)
            raise
        if stored.changed:
            changed = stored.states
            if len(stored.changed) < len(changed):
                changed = tuple([state for state in changed if state.uid in stored.changed])
            self.views.advance(account, mailbox, stored.previous, Delta(changed[0].modseq, changed, EMPTY))
            self._changed(account, changed[0].modseq, mailbox)
        return stored

    async def copy(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidSet,
        target: MailboxId,
        guest: AccountId | None = None,
    ) -> Copied:
        """Copy entries into another mailbox of the account (or the same), all or none.

        Raises: NotFound, OverQuota, Forbidden (a guest).
        """
        args = (mailbox, uids, target, int(self._clock()))
        if guest is None:
            copied = await self._store.write(ops.copy, account, *args)
        else:
            copied = await self._store.write(ops.guest_copy, account, guest, *args)
        if copied.target:
            self._changed(account, copied.modseq, target)
        return copied

    async def move(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidSet,
        target: MailboxId,
        guest: AccountId | None = None,
    ) -> Copied:
        """Move entries into another mailbox of the account (or the same), all or none.

        Raises: NotFound, Forbidden (a guest).
        """
        args = (mailbox, uids, target, int(self._clock()))
        if guest is None:
            moved = await self._store.write(ops.move, account, *args)
        else:
            moved = await self._store.write(ops.guest_move, account, guest, *args)
        if moved.target:
            self._changed(account, moved.modseq, mailbox, target)
        return moved

    async def expunge(
        self, account: AccountId, mailbox: MailboxId, uids: UidSet | None = None, guest: AccountId | None = None
    ) -> tuple[ModSeq, UidSet]:
        """Remove the entries with \\Deleted, of `uids` or of all; tombstones remain.  Returns what went.

        Raises: NotFound, Forbidden (a guest).
        """
        if guest is None:
            modseq, gone = await self._store.write(ops.expunge, account, mailbox, uids, int(self._clock()))
        else:
            modseq, gone = await self._store.write(ops.guest_expunge, account, guest, mailbox, uids, int(self._clock()))
        if gone:
            self._changed(account, modseq, mailbox)
        return ModSeq(modseq), gone

    async def remove(self, account: AccountId, mailbox: MailboxId, uid: Uid, guest: AccountId | None = None) -> None:
        """Remove one entry, marked or not; a tombstone remains.

        Raises: NotFound (the mailbox), Forbidden (a guest).
        """
        only = UidSet([uid])
        await self.store_flags(account, mailbox, only, How.ADD, Flags(System.DELETED), guest=guest)
        await self.expunge(account, mailbox, only, guest)

    async def remove_all(self, account: AccountId, mailbox: MailboxId, uids: UidSet) -> UidSet:
        """Remove entries, marked or not, in one transaction; tombstones remain.  Returns those that were there.

        Raises: NotFound (the mailbox), Unavailable.
        """
        modseq, gone = await self._store.write(ops.remove, account, mailbox, uids, int(self._clock()))
        if gone:
            self._changed(account, modseq, mailbox)
        return gone

    async def undelete(
        self, account: AccountId, mailbox: str | None = None, since: int | None = None, emailid: str | None = None
    ) -> tuple[Copied, ...]:
        """Bring back, under new UIDs, what was expunged from the mailbox of that name (dead or alive) or from any.

        Only since a time, only one message, if so asked.  Raises: Invalid (no EMAILID).
        """
        message = None if emailid is None else _parse_emailid(emailid)
        sources: tuple[MailboxId | None, ...] = (None,)
        if mailbox is not None:
            sources = await self._store.read(ops.find_buried, account, mailbox)
        now = int(self._clock())
        restored: list[Copied] = []
        for source in sources:
            restored += await self._store.write(ops.undelete, account, source, since, message, now)
        for copied in restored:
            self.bus.publish(Hint(account, frozenset({copied.mailbox}), copied.modseq, tree=True))
        return tuple(restored)

    async def vanished(self, account: AccountId, mailbox: MailboxId, since: ModSeq) -> UidSet:
        """UIDs expunged after `since`, perhaps more (RFC 7162 §3.2.5.1 allows it)."""
        return await self._store.read(ops.vanished, account, mailbox, since)


def _thread_keys(part: Part) -> tuple[int, ...]:
    subject, _ = base_subject(part.find_field(b"subject") or b"")
    own = message_id(part)
    return thread_keys(([own] if own else []) + references(part), subject)


def _derive_from(body: Blob, wanted: Iterable[Deriver[Part]]) -> dict[str, bytes]:
    data = body.read()
    part = scan(data)
    return {deriver.kind: deriver.function(part, data) for deriver in wanted}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable("Cannot read the message now") from error


def _parse_emailid(emailid: str) -> tuple[int, int]:
    pair = objectid.parse(emailid)
    if pair is None:
        raise Invalid(f"{emailid} is no EMAILID, which looks like M1-23")
    return pair


def _modseq(number: int | None) -> ModSeq | None:
    return None if number is None else ModSeq(number)


class InMemory:
    """Octets that came with their row."""

    __slots__ = ("octets", "size")

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.size = len(octets)

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """At most `length` octets from `offset`."""
        if not offset and length is None:
            return self.octets
        return self.octets[offset : None if length is None else offset + length]
