"""URLs of messages: what octets they name, and for whom (RFC 4467).

A token proves that the server itself has authorized a URL: it is made of the URL, untouched, with a key that the store
keeps for each user and mailbox and that nobody else ever learns.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from mailkeep.formats.imapurl import Access, BadUrl, ImapUrl, parse_url
from mailkeep.formats.mime.header import select_fields
from mailkeep.formats.mime.partmap import decode_parts
from mailkeep.formats.mime.scan import MAX_HEADER, Part, scan
from mailkeep.formats.mime.section import Text, locate
from mailkeep.model.errors import Forbidden, Invalid, NotFound, TooLarge
from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.service.accounts import Accounts
from mailkeep.service.messages import Blob, Fetched, InMemory, Messages
from mailkeep.service.places import Place, Places
from mailkeep.store import ops
from mailkeep.store.contract import Store

PIECE: Final = 64 * 1024  # octets
KEY: Final = 32  # octets
INTERNAL: Final = "INTERNAL"  # the one mechanism
ALGORITHM: Final = "01"  # of the token, which begins with it (RFC 4467 §2.4.1): HMAC-SHA-256
NOTHING: Final = "There is nothing at this URL"


class Submits(Enum):
    """Whether a reader submits messages to be sent (RFC 4467 §3, ``submit+``)."""

    NEVER = auto()
    FOR_ITSELF = auto()  # the submission service of this server, for the user who has logged in there
    FOR_ANYBODY = auto()  # another submission server, which has looked at the user itself


@dataclass(frozen=True, slots=True)
class Reader:
    """Who follows an authorized URL."""

    user: AccountId
    submits: Submits = Submits.NEVER


@dataclass(frozen=True, slots=True)
class Stretch:
    """Octets of a message that are read when they are wanted."""

    blob: Blob
    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many there are."""
        return self.stop - self.start

    def pieces(self) -> Iterator[bytes]:
        """All of them, in order.  Raises: Unavailable."""
        for start in range(self.start, self.stop, PIECE):
            yield self.blob.read(start, min(PIECE, self.stop - start))


@dataclass(frozen=True, slots=True)
class Opened:
    """What a URL names: octets of the `message`; `url` says which."""

    url: ImapUrl
    message: Blob
    stretch: Stretch


class Urls:
    """The verbs on URLs.  `parts_kind`: the derived data that holds a message's part map."""

    def __init__(
        self,
        accounts: Accounts,
        places: Places,
        messages: Messages,
        store: Store,
        *,
        parts_kind: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._accounts = accounts
        self._places = places
        self._messages = messages
        self._store = store
        self._parts_kind = parts_kind
        self._clock = clock

    # --- following

    async def open_own(self, account: AccountId, url: str) -> Stretch:
        """What a URL without a server names, for the account that gives it (RFC 4469 §3).

        Raises: NotFound, whatever is wrong with it; Unavailable.
        """
        parsed = _parse(url)
        if parsed.user is not None or parsed.access is not None or parsed.expires_at is not None:
            raise NotFound(NOTHING)
        place = await self._place(account, parsed)
        return (await self._open(place, parsed)).stretch

    async def open_authorized(self, url: str, reader: Reader) -> Opened:
        """What an authorized URL names, with the rights of the user whom it names (RFC 4467 §6, §7).

        Raises: NotFound, whatever is wrong with it; Unavailable.
        """
        parsed = _parse(url)
        place = await self._find_place(parsed)
        key = None if place is None else await self._find_key(place)
        # With a key that there is not, too: the time it takes must not tell whether there is such a mailbox.
        proven = hmac.compare_digest(_token(key or secrets.token_bytes(KEY), parsed.rump), (parsed.token or "").lower())
        if place is None or key is None or not proven or parsed.mechanism != INTERNAL or parsed.access is None:
            raise NotFound(NOTHING)
        if parsed.expires_at is not None and parsed.expires_at < self._clock():
            raise NotFound(NOTHING)
        if not self._may(reader, parsed.access):
            raise NotFound(NOTHING)
        return await self._open(place, parsed)

    async def fetch(self, url: str, reader: Reader, limit: int) -> bytes:
        """The octets that an authorized URL names.

        Raises: NotFound, whatever is wrong with it; TooLarge (more than `limit` octets); Unavailable.
        """
        stretch = (await self.open_authorized(url, reader)).stretch
        if stretch.size > limit:
            raise TooLarge(f"The URL names more than {limit} octets")
        return stretch.blob.read(stretch.start, stretch.size)

    def _may(self, reader: Reader, access: Access) -> bool:
        match access.kind:
            case "submit" if reader.submits is Submits.FOR_ANYBODY:
                return True
            case "submit":
                return reader.submits is Submits.FOR_ITSELF and self._is(reader.user, access.user)
            case "user":
                return self._is(reader.user, access.user)
            case _:
                return True  # authuser, anonymous: whoever has logged in

    def _is(self, user: AccountId, address: str | None) -> bool:
        account = None if address is None else self._accounts.find(address)
        return account is not None and account.id == user

    async def _find_place(self, url: ImapUrl) -> Place | None:
        """The mailbox of an authorized URL, as the user whom it names may use it."""
        owner = None if url.user is None else self._accounts.find(url.user)
        if owner is None:
            return None
        try:
            return await self._place(owner.id, url)
        except NotFound:
            return None

    # --- authorizing

    async def authorize(self, user: AccountId, url: str, mechanism: str) -> str:
        """The URL with a token, for whom its access identifier says.  RFC 4467 §7, GENURLAUTH.

        Raises: Invalid (whatever is wrong with the URL), Unavailable.
        """
        try:
            parsed = parse_url(url)
        except BadUrl as error:
            raise Invalid("This is no URL of a message or a part of one") from error
        if mechanism.upper() != INTERNAL or parsed.token is not None:
            raise Invalid("Only the mechanism INTERNAL is known")
        if parsed.access is None:
            raise Invalid("The URL has no access identifier")
        if not self._is(user, parsed.user):
            raise Invalid("The URL must name the user who has logged in")
        place = await self._find_place(parsed)
        if place is None:
            raise Invalid("The URL leads to no mailbox")
        key = await self._find_key(place)
        if key is None:
            fresh = secrets.token_bytes(KEY)
            key = await self._store.write(ops.make_mailbox_key, user, place.account, place.mailbox.id, fresh)
        return f"{parsed.rump}:internal:{_token(key, parsed.rump)}"

    async def revoke(self, user: AccountId, mailbox: str | None = None) -> None:
        """Take back all that the user has authorized, in one mailbox or everywhere.  RFC 4467 §7, RESETKEY.

        Raises: NotFound (the mailbox), Unavailable.
        """
        if mailbox is None:
            await self._store.write(ops.reset_mailbox_keys, user, None, None)
        else:
            place = await self._places.get(user, mailbox, "l")
            await self._store.write(ops.reset_mailbox_keys, user, place.account, place.mailbox.id)

    async def _find_key(self, place: Place) -> bytes | None:
        return await self._store.read(ops.find_mailbox_key, place.user, place.account, place.mailbox.id)

    # --- what a URL names

    async def _open(self, place: Place, url: ImapUrl) -> Opened:
        row = await self._find(place, url)
        message = self._messages.open_body(place.account, row)
        span = self._locate(url, row, message)
        if span is None:
            raise NotFound("There is no such part")
        source = message
        if url.text in (Text.FIELDS, Text.FIELDS_NOT):
            header = message.read(span[0], min(span[1] - span[0], MAX_HEADER))
            names = frozenset(field.lower().encode("utf-8") for field in url.fields)
            source = InMemory(select_fields(header, names, exclude=url.text is Text.FIELDS_NOT))
            span = 0, source.size
        return Opened(url, message, _cut(source, span, url.partial))

    async def _place(self, user: AccountId, url: ImapUrl) -> Place:
        """The mailbox, which the user may read.  Raises: NotFound."""
        try:
            place = await self._places.get(user, url.mailbox, "r")
        except Forbidden as error:
            raise NotFound(NOTHING) from error
        if url.uidvalidity is not None and url.uidvalidity != place.mailbox.uidvalidity:
            raise NotFound("This is another mailbox of the same name")
        return place

    async def _find(self, place: Place, url: ImapUrl) -> Fetched:
        """The message.  Raises: NotFound."""
        kinds = () if _is_whole(url) else (self._parts_kind,)
        rows = await self._messages.fetch(place.account, place.mailbox.id, UidSet([url.uid]), kinds, bodies=True)
        if not rows or rows[0].gone:
            raise NotFound("There is no such message")
        return rows[0]

    def _locate(self, url: ImapUrl, row: Fetched, message: Blob) -> tuple[int, int] | None:
        if _is_whole(url):
            return 0, row.entry.size
        return locate(self._parts(row, message), url.part, url.text)

    def _parts(self, row: Fetched, message: Blob) -> Part:
        [kept] = row.derived
        return scan(message.read()) if kept is None else decode_parts(kept[1])


def _parse(url: str) -> ImapUrl:
    """Raises: NotFound."""
    try:
        return parse_url(url)
    except BadUrl as error:
        raise NotFound(NOTHING) from error


def _token(key: bytes, rump: str) -> str:
    return ALGORITHM + hmac.digest(key, rump.encode("utf-8"), "sha256").hex()


def _is_whole(url: ImapUrl) -> bool:
    return not url.part and url.text is Text.ALL


def _cut(blob: Blob, span: tuple[int, int], partial: tuple[int, int | None] | None) -> Stretch:
    start, stop = span
    if partial is not None:
        offset, count = partial
        start = min(start + offset, stop)
        stop = stop if count is None else min(start + count, stop)
    return Stretch(blob, start, stop)
