"""INBOX as one session sees it: which messages there were at login, and how many octets each is when it is sent."""

from __future__ import annotations

import asyncio
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress
from typing import Final

from mailkeep.model.errors import Unavailable
from mailkeep.model.ids import AccountId, MailboxId, Uid
from mailkeep.model.mailbox import INBOX
from mailkeep.model.uidset import UidSet
from mailkeep.pop3.derive import FORM, PLAIN, Form, decode
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.messages import Blob, Column, Fetched, Messages
from mailkeep.service.pace import Pace

ROWS: Final = 500  # messages whose sizes are read at once,
MADE: Final = 50  # or made
PIECE: Final = 64 * 1024  # octets of a message that are read at once
KEPT: Final = 64  # listings, as clients come again every few minutes,
KEPT_MESSAGES: Final = 200_000  # and messages in all of them; 24 octets each


@dataclass(frozen=True, slots=True)
class Listing:
    """Columns of one length, ascending by UID; nobody changes them.  Sizes for clients that have said UTF8, or not."""

    uids: array[int]
    sizes: array[int]
    utf8_sizes: array[int]


class NoSuchMessage(Exception):
    """The number stands for no message of the session, or for one that is marked as deleted; the text says which."""


class Maildrop:
    """The messages of a session, by number, and which of them are to go at its end."""

    def __init__(self, account: AccountId, mailbox: MailboxId, uidvalidity: int, listing: Listing) -> None:
        self.account = account
        self.mailbox = mailbox
        self._uidvalidity = uidvalidity
        self._listing = listing
        self._deleted: set[int] = set()  # numbers
        self.utf8 = False  # the client takes 8-bit octets in headers (RFC 6856)

    def __len__(self) -> int:
        """How many messages there are, without those marked as deleted."""
        return len(self._listing.uids) - len(self._deleted)

    @property
    def octets(self) -> int:
        """What they are together, when they are sent."""
        return sum(self._sizes) - sum(self._sizes[number - 1] for number in self._deleted)

    @property
    def _sizes(self) -> array[int]:
        return self._listing.utf8_sizes if self.utf8 else self._listing.sizes

    def list_sizes(self) -> Iterator[str]:
        """Number and size of each message that is not marked."""
        gone = self._deleted
        return (f"{number} {size}" for number, size in enumerate(self._sizes, 1) if number not in gone)

    def list_unique_ids(self) -> Iterator[str]:
        """Number and unique-id of each message that is not marked."""
        gone, prefix = self._deleted, self._uidvalidity
        return (f"{number} {prefix}.{uid}" for number, uid in enumerate(self._listing.uids, 1) if number not in gone)

    def require(self, number: int) -> int:
        """The number, if it may be used.  Raises: NoSuchMessage."""
        if not 1 <= number <= len(self._listing.uids):
            raise NoSuchMessage(f"There is no such message, only {len(self._listing.uids)} in the maildrop")
        if number in self._deleted:
            raise NoSuchMessage(f"Message {number} has been deleted")
        return number

    def uid(self, number: int) -> Uid:
        """Of a message that there is."""
        return Uid(self._listing.uids[number - 1])

    def size(self, number: int) -> int:
        """Octets that RETR sends, without doubled dots."""
        return self._sizes[number - 1]

    def unique_id(self, number: int) -> str:
        """What names the message for ever: at most 21 characters (RFC 1939 §7 allows 70)."""
        return f"{self._uidvalidity}.{self.uid(number)}"

    def delete(self, number: int) -> None:
        """Mark it, to be removed at the end."""
        self._deleted.add(number)

    def reset(self) -> None:
        """Unmark all."""
        self._deleted.clear()

    @property
    def deleted(self) -> UidSet:
        """UIDs of those that are marked."""
        return UidSet(sorted(self.uid(number) for number in self._deleted))


class Maildrops:
    """Opens maildrops.  Listings of those used last are kept: the next session reads only what is new."""

    def __init__(self, mailboxes: Mailboxes, messages: Messages) -> None:
        self._mailboxes = mailboxes
        self._messages = messages
        self._kept: OrderedDict[tuple[AccountId, MailboxId], Listing] = OrderedDict()

    async def open(self, account: AccountId) -> Maildrop:
        """The INBOX of an account as it is now.  Raises: Unavailable, NotFound (the account is being removed)."""
        mailbox = await self._mailboxes.get(account, INBOX)
        view = await self._messages.views.open(account, mailbox)
        uids = view.uids[:]
        self._messages.views.close(view)
        listing = await self._list(account, mailbox.id, uids)
        self._keep((account, mailbox.id), listing)
        return Maildrop(account, mailbox.id, mailbox.uidvalidity, listing)

    async def _list(self, account: AccountId, mailbox: MailboxId, uids: array[int]) -> Listing:
        known = self._kept.get((account, mailbox))
        if known is None or not known.uids:
            known = Listing(array("L"), array("Q"), array("Q"))
        elif known.uids == uids:
            return known
        else:
            known = _still_there(known, uids)
        last = known.uids[-1] if known.uids else 0
        fresh = [uid for uid in uids if uid > last] if last else uids
        listing = Listing(known.uids[:], known.sizes[:], known.utf8_sizes[:])
        pace = Pace()
        for start in range(0, len(fresh), ROWS):
            await self._add(listing, account, mailbox, UidSet(fresh[start : start + ROWS]))
            if pace.is_over:
                await pace.give_way()
        return listing

    async def _add(self, listing: Listing, account: AccountId, mailbox: MailboxId, uids: UidSet) -> None:
        columns = await self._messages.fetch_columns(account, mailbox, uids, (Column.SIZE,), (FORM,))
        if columns is None:
            found = await self._make(account, mailbox, [*uids])
        else:
            found = [(uid, size, decode(kept)) for uid, size, kept in zip(*columns, strict=True)]
        listing.uids.extend(uid for uid, _, _ in found)
        listing.sizes.extend(form.size(size, utf8=False) for _, size, form in found)
        listing.utf8_sizes.extend(form.size(size, utf8=True) for _, size, form in found)

    async def _make(self, account: AccountId, mailbox: MailboxId, uids: list[int]) -> list[tuple[Uid, int, Form]]:
        """UIDs, sizes and forms, some of which nobody has asked for yet."""
        made: list[tuple[Uid, int, Form]] = []
        for start in range(0, len(uids), MADE):
            rows = await self._fetch(account, mailbox, UidSet(uids[start : start + MADE]))
            made += [(row.entry.uid, row.entry.size, _form(row)) for row in rows if not row.gone]
            await asyncio.sleep(0)
        return made

    async def _fetch(self, account: AccountId, mailbox: MailboxId, uids: UidSet) -> list[Fetched]:
        """With forms, but of messages whose octets cannot be read: these must not make the others unreachable.

        Raises: Unavailable (it is not only their octets).
        """
        try:
            return await self._messages.fetch(account, mailbox, uids, (FORM,))
        except Unavailable:
            if len(uids) > 1:
                halves = [*uids][: len(uids) // 2], [*uids][len(uids) // 2 :]
                return [row for half in halves for row in await self._fetch(account, mailbox, UidSet(half))]
            return await self._messages.fetch(account, mailbox, uids)

    def _keep(self, key: tuple[AccountId, MailboxId], listing: Listing) -> None:
        self._kept[key] = listing
        self._kept.move_to_end(key)
        messages = sum(len(kept.uids) for kept in self._kept.values())
        while len(self._kept) > KEPT or messages > KEPT_MESSAGES:
            _, forgotten = self._kept.popitem(last=False)
            messages -= len(forgotten.uids)

    async def read(self, maildrop: Maildrop, number: int) -> Octets:
        """The octets of a message of the session, though it may have been expunged meanwhile.

        Raises: NoSuchMessage (expunged so long ago that it is gone for good), Unavailable.
        """
        uids = UidSet([maildrop.uid(number)])
        rows = await self._messages.fetch(maildrop.account, maildrop.mailbox, uids, (FORM,), bodies=True)
        if not rows:
            raise NoSuchMessage(f"Message {number} has been removed by another client")
        [row] = rows
        return Octets(self._messages.open_body(maildrop.account, row), _form(row), utf8=maildrop.utf8)

    async def update(self, maildrop: Maildrop) -> int:
        """Remove what is marked, in one transaction.  Returns: how many are left of the session's messages.

        Raises: Unavailable, NotFound.
        """
        deleted = maildrop.deleted
        if deleted:
            await self._messages.remove_all(maildrop.account, maildrop.mailbox, deleted)
        return len(maildrop)


class Octets:
    """A message in the form in which it is sent, but for doubled dots and the CRLF at its end."""

    def __init__(self, blob: Blob, form: Form, *, utf8: bool) -> None:
        self._blob = blob
        self._patches = () if utf8 else form.patches
        self.size = form.size(blob.size, utf8=utf8)

    def pieces(self) -> Iterator[bytes]:
        """All of it, in pieces of at most `PIECE` octets or a header.  Raises: Unavailable."""
        at = 0
        for patch in self._patches:
            yield from self._range(at, patch.start)
            yield patch.octets
            at = patch.stop
        yield from self._range(at, self._blob.size)

    def _range(self, start: int, stop: int) -> Iterator[bytes]:
        for at in range(start, stop, PIECE):
            yield self._blob.read(at, min(PIECE, stop - at))


def _form(row: Fetched) -> Form:
    return decode(row.derived[0][1]) if row.derived and row.derived[0] is not None else PLAIN


def _still_there(known: Listing, uids: array[int]) -> Listing:
    """Without the messages that are not among `uids`."""
    there = [*map(set(uids).__contains__, known.uids)]
    return Listing(
        array("L", compress(known.uids, there)),
        array("Q", compress(known.sizes, there)),
        array("Q", compress(known.utf8_sizes, there)),
    )
