"""GETMETADATA and SETMETADATA."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from mailkeep.imap.done import Done, Refused
from mailkeep.imap.filters import check_values
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response
from mailkeep.imap.wire.metadata import GetMetadata, SetMetadata
from mailkeep.model.errors import LimitReached, NotFound, TooLarge, Unsupported
from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.metadata import MAX_VALUE, ONE_OF, THE_SERVER, Depth, Metadatum
from mailkeep.service.metadata import ANY_SIZE
from mailkeep.service.pace import Pace
from mailkeep.service.places import Place

PIECE: Final = 64 * 1024  # octets of values in one response


async def getmetadata(s: Authenticated, cmd: GetMetadata) -> Done:
    """Entries of a mailbox, or of the server, with their values; NIL for one that has none.  RFC 5464 §4.2.

    With DEPTH, only what has a value is told.  Raises: NotFound, Forbidden.
    """
    name = response.mailbox(cmd.mailbox, utf8=s.session.enabled.utf8_names)
    account, mailbox = await _target(s, cmd.mailbox)
    found = await s.session.services.metadata.get(
        account,
        mailbox,
        cmd.entries,
        reader=s.account,
        depth=Depth(cmd.depth),
        max_size=ANY_SIZE if cmd.max_size is None else cmd.max_size,
    )
    await _tell(s, name, _values(cmd, found))
    longest = max((one.size for one in found if one.value is None), default=0)
    return Done(code=response.metadata_longentries(longest) if longest else b"")


def _values(cmd: GetMetadata, found: Sequence[Metadatum]) -> Iterable[tuple[str, bytes | None]]:
    """Entries in the spelling asked for, as far as they were asked for by name; too large ones are left out."""
    if cmd.depth:
        return [(one.entry, one.value) for one in found if one.value is not None]
    by_name = {one.entry: one for one in found}
    values: list[tuple[str, bytes | None]] = []
    for entry in cmd.entries:
        one = by_name.get(entry.lower())
        if one is None:
            values.append((entry, None))
        elif one.value is not None:
            values.append((entry, one.value))
    return values


async def _tell(s: Authenticated, name: bytes, values: Iterable[tuple[str, bytes | None]]) -> None:
    for piece in _pieces(values):
        s.session.write(response.metadata(name, piece))
        await s.session.connection.drain()


class Notes:
    """The entries that LIST returns of each mailbox (RFC 9590).  Mailboxes that have none at all cost no look."""

    def __init__(self, s: Authenticated, entries: tuple[str, ...]) -> None:
        self._s = s
        self._entries = entries
        self._annotated: dict[AccountId, frozenset[MailboxId]] = {}
        self._pace = Pace()

    async def tell(self, place: Place) -> None:
        """METADATA of a mailbox, NIL for each entry without a value; nothing where the user may not read it."""
        if not self._entries or not may_use(place):
            return
        metadata = self._s.session.services.metadata
        if place.account not in self._annotated:
            self._annotated[place.account] = await metadata.mailboxes(place.account)
        found: dict[str, bytes | None] = {}
        if place.mailbox.id in self._annotated[place.account]:
            rows = await metadata.get(place.account, place.mailbox.id, self._entries, reader=self._s.account)
            found = {one.entry: one.value for one in rows}
        name = response.mailbox(place.name, utf8=self._s.session.enabled.utf8_names)
        await _tell(self._s, name, [(entry, found.get(entry.lower())) for entry in self._entries])
        if self._pace.is_over:
            await self._pace.give_way()


def _pieces(values: Iterable[tuple[str, bytes | None]]) -> Iterable[list[tuple[str, bytes | None]]]:
    piece: list[tuple[str, bytes | None]] = []
    octets = 0
    for entry, value in values:
        piece.append((entry, value))
        octets += len(entry) + len(value or b"")
        if octets > PIECE:
            yield piece
            piece, octets = [], 0
    if piece:
        yield piece


async def setmetadata(s: Authenticated, cmd: SetMetadata) -> None:
    """Give entries new values, NIL to remove them; all or none.  RFC 5464 §4.3.

    ``/private/specialuse`` is what LIST tells as special use (RFC 6154 §4).
    Raises: NotFound, Forbidden, Refused (METADATA MAXSIZE, METADATA TOOMANY, USEATTR).
    """
    account, mailbox = await _target(s, cmd.mailbox)
    if mailbox == THE_SERVER:
        check_values(cmd.values, s.session.options.off)
    try:
        modseq = await s.session.services.metadata.set(account, mailbox, cmd.values, reader=s.account)
    except TooLarge as error:
        raise Refused(error.text, response.metadata_maxsize(MAX_VALUE)) from error
    except LimitReached as error:
        raise Refused(error.text, response.METADATA_TOOMANY) from error
    except Unsupported as error:
        raise Refused(error.text, b"USEATTR") from error
    if s.metadata is not None and modseq:
        s.metadata.is_own(account, modseq)


async def _target(s: Authenticated, name: str) -> tuple[AccountId, MailboxId]:
    """The account that holds the mailbox, and the mailbox; the user's own and THE_SERVER for "".

    Raises: NotFound, Forbidden.
    """
    if not name:
        return s.account, THE_SERVER
    place = await s.places.get(s.account, name, "l")
    if not may_use(place):
        raise NotFound("There is no such mailbox")
    return place.account, place.mailbox.id


def may_use(place: Place) -> bool:
    """Whether the user may read and change the mailbox's metadata (RFC 5464 §3.3)."""
    return place.may("l") and any(place.may(right) for right in ONE_OF)
