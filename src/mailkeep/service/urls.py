"""URLs of messages: what octets they name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailkeep.formats.imapurl import BadUrl, ImapUrl, parse_url
from mailkeep.formats.mime.header import select_fields
from mailkeep.formats.mime.partmap import decode_parts
from mailkeep.formats.mime.scan import MAX_HEADER, Part, scan
from mailkeep.formats.mime.section import Text, locate
from mailkeep.model.errors import Forbidden, NotFound
from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.service.messages import Blob, Fetched, InMemory, Messages
from mailkeep.service.places import Place, Places

PIECE: Final = 64 * 1024  # octets


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


class Urls:
    """The verbs on URLs.  `parts_kind`: the derived data that holds a message's part map."""

    def __init__(self, places: Places, messages: Messages, *, parts_kind: str) -> None:
        self._places = places
        self._messages = messages
        self._parts_kind = parts_kind

    async def open_own(self, account: AccountId, url: str) -> Stretch:
        """What a URL without a server names, for the account that gives it (RFC 4469 §3).

        Raises: NotFound, whatever is wrong with it; Unavailable.
        """
        try:
            parsed = parse_url(url)
        except BadUrl as error:
            raise NotFound("There is nothing at this URL") from error
        if parsed.user is not None or parsed.access is not None or parsed.expires_at is not None:
            raise NotFound("There is nothing at this URL")
        return await self._open(account, parsed)

    async def _open(self, user: AccountId, url: ImapUrl) -> Stretch:
        place = await self._place(user, url)
        row = await self._find(place, url)
        message = self._messages.open_body(place.account, row)
        span = self._locate(url, row, message)
        if span is None:
            raise NotFound("There is no such part")
        if url.text in (Text.FIELDS, Text.FIELDS_NOT):
            header = message.read(span[0], min(span[1] - span[0], MAX_HEADER))
            names = frozenset(field.lower().encode("utf-8") for field in url.fields)
            message = InMemory(select_fields(header, names, exclude=url.text is Text.FIELDS_NOT))
            span = 0, message.size
        return _cut(message, span, url.partial)

    async def _place(self, user: AccountId, url: ImapUrl) -> Place:
        """The mailbox, which the user may read.  Raises: NotFound."""
        try:
            place = await self._places.get(user, url.mailbox, "r")
        except Forbidden as error:
            raise NotFound("There is no such mailbox") from error
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


def _is_whole(url: ImapUrl) -> bool:
    return not url.part and url.text is Text.ALL


def _cut(blob: Blob, span: tuple[int, int], partial: tuple[int, int | None] | None) -> Stretch:
    start, stop = span
    if partial is not None:
        offset, count = partial
        start = min(start + offset, stop)
        stop = stop if count is None else min(start + count, stop)
    return Stretch(blob, start, stop)
