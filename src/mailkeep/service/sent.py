"""Copies of what an account sends, kept by the server in the mailbox for sent mail: the client need not send it twice.

- The owner of an account switches this on, or the administrator: it is metadata of the account (`SENT_COPY`).
- A client that stores its own copy all the same is told where the server's is: nothing is stored twice.
- Only a copy is taken for the same message whose Message-ID and body are the same, and which is younger than a day:
  what differs (a client that keeps an encrypted message in the clear, say) is kept as well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from mailkeep import telemetry
from mailkeep.formats.mime.thread import find_message_ids
from mailkeep.formats.submitted import MAX_HEADER, Head, Malformed, read_head
from mailkeep.model.errors import AlreadyExists, MailError, storage_fault
from mailkeep.model.flags import System
from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import Mailbox, Role
from mailkeep.model.message import Appended
from mailkeep.model.metadata import THE_SERVER
from mailkeep.model.uidset import UidSet
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.messages import Blob, Fetched, Flags, How, Incoming, Messages
from mailkeep.service.metadata import Metadata
from mailkeep.service.spool import Octets, behind

SENT_COPY: Final = "/private/vendor/mailkeep/sent-copy"  # an entry of the account itself; any value switches it on
ON: Final = b"on"
LOOKED_AT: Final = 20  # of the newest messages in the mailbox
YOUNG_S: Final = 86_400  # older messages are not taken for a copy
PIECE: Final = 64 * 1024  # octets compared at a time

log = telemetry.logger(part="sent")


class SentCopies:
    """Keeps copies, and recognises those that are there."""

    def __init__(
        self,
        metadata: Metadata,
        mailboxes: Mailboxes,
        messages: Messages,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._metadata = metadata
        self._mailboxes = mailboxes
        self._messages = messages
        self._clock = clock

    async def is_on(self, account: AccountId) -> bool:
        """Whether copies are kept for this account."""
        found = await self._metadata.get(account, THE_SERVER, [SENT_COPY], reader=account)
        return bool(found) and found[0].value != b""

    async def switch(self, account: AccountId, *, on: bool) -> None:
        """Keep copies from now on, or no more.  Raises: NotFound, LimitReached (of entries), Unavailable."""
        await self._metadata.set(account, THE_SERVER, [(SENT_COPY, ON if on else None)], reader=account)

    async def keep(self, account: AccountId, header: Callable[[], bytes], octets: Octets, skip: int) -> None:
        """Keep a message that has been sent: a header, and `octets` without the first `skip`, which stay the caller's.

        Only where the account has asked for it, and has no copy yet.  The message is on its way already: what goes
        wrong here (no room) must not make the client send it once more.
        """
        try:
            if await self.is_on(account):
                await self._keep(account, await asyncio.to_thread(header), octets, skip)
        except MailError as error:
            log.warning("sent.not_kept", account=account, reason=type(error).__name__)

    async def _keep(self, account: AccountId, header: bytes, octets: Octets, skip: int) -> None:
        copy = await behind(header, octets, skip)
        try:
            mailbox = await self._mailbox(account)
            if await self.find(account, mailbox, copy) is None:
                incoming = Incoming(octets=copy, flags=Flags(System.SEEN))
                await self._messages.append(account, mailbox.id, (incoming,))
        finally:
            copy.discard()

    async def _mailbox(self, account: AccountId) -> Mailbox:
        """The mailbox for sent mail, made where there is none."""
        mailboxes = await self._mailboxes.list(account)
        found = next((each for each in mailboxes if each.role is Role.SENT and each.selectable), None)
        if found is not None:
            return found
        try:
            return await self._mailboxes.create(account, Role.SENT, Role.SENT)
        except AlreadyExists:
            return await self._mailboxes.get(account, Role.SENT)

    async def store(self, account: AccountId, mailbox: Mailbox, incoming: Incoming) -> Appended:
        """Put a client's message into a mailbox of its own account; on disk when this returns.

        In the mailbox for sent mail the server's copy of it takes its place, with the flags that the client gave too.
        Raises: as `Messages.append`.
        """
        if mailbox.role is Role.SENT and await self.is_on(account):
            kept = await self.find(account, mailbox, incoming.octets)
            if kept is not None:
                incoming.octets.discard()
                await self._messages.store_flags(account, mailbox.id, UidSet(kept.uids), How.ADD, incoming.flags)
                return kept
        return await self._messages.append(account, mailbox.id, (incoming,))

    async def find(self, account: AccountId, mailbox: Mailbox, octets: Octets) -> Appended | None:
        """Where the mailbox has this message already, among the newest; None if it has not, or nobody can tell."""
        head = _head(_FromOctets(octets))
        wanted = _message_id(head)
        if head is None or wanted is None:
            return None
        newest = UidSet(range(max(1, mailbox.uidnext - LOOKED_AT), mailbox.uidnext))
        rows = await self._messages.fetch(account, mailbox.id, newest, bodies=True)
        since = int(self._clock()) - YOUNG_S
        for row in reversed(rows):
            if row.gone or row.entry.mask & System.DELETED.value or row.entry.saved_at < since:
                continue
            try:
                body = self._messages.open_body(account, row)
                if await asyncio.to_thread(_is_copy, body, _FromOctets(octets), head, wanted):
                    return _appended(mailbox, row)
            except MailError:  # it has just been swept away, or cannot be read: then it is no reason to store nothing
                continue
        return None


def _appended(mailbox: Mailbox, row: Fetched) -> Appended:
    entry = row.entry
    return Appended(mailbox.id, mailbox.uidvalidity, (entry.uid,), entry.modseq, entry.message)


class _FromOctets:
    """A message that has not been stored, as a `Blob`."""

    def __init__(self, octets: Octets) -> None:
        self._octets = octets
        self.size = octets.size

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """At most `length` octets from `offset`."""
        end = None if length is None else offset + length
        if self._octets.data is not None:
            return self._octets.data[offset:end]
        assert self._octets.path is not None
        try:
            with self._octets.path.open("rb") as file:
                file.seek(offset)
                return file.read(-1 if length is None else length)
        except OSError as error:
            raise storage_fault(error, "Cannot read the message now") from error


def _head(message: Blob) -> Head | None:
    try:
        return read_head(message.read(0, MAX_HEADER + 2), whole=message.size <= MAX_HEADER)
    except Malformed:
        return None


def _message_id(head: Head | None) -> bytes | None:
    ids = find_message_ids((head.find(b"message-id") if head is not None else None) or b"")
    return ids[0] if ids else None


def _is_copy(stored: Blob, new: Blob, head: Head, wanted: bytes) -> bool:
    """Whether a stored message is the new one, which has this head and Message-ID.  In a thread."""
    other = _head(stored)
    return other is not None and _message_id(other) == wanted and _same_body(new, head.body_at, stored, other.body_at)


def _same_body(one: Blob, one_at: int, other: Blob, other_at: int) -> bool:
    """Whether two bodies are the same but for line ends at their end, which some clients add."""
    while True:
        left, right = one.read(one_at, PIECE), other.read(other_at, PIECE)
        if left != right:
            return left.rstrip(b"\r\n") == right.rstrip(b"\r\n") and _ends(one, one_at) and _ends(other, other_at)
        if not left:
            return True
        one_at += len(left)
        other_at += len(right)


def _ends(message: Blob, at: int) -> bool:
    """Whether a message is over within the next piece."""
    return message.size - at <= PIECE
