"""What a row of FETCH is made of: which derived data the items need, and each item's octets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from mailkeep.formats.mime.encoding import IDENTITY, UnknownEncoding, decode_pieces, decode_transfer
from mailkeep.formats.mime.header import choose_fields, split_fields
from mailkeep.formats.mime.scan import MAX_HEADER, Part, scan
from mailkeep.formats.mime.section import Text, encoding_of, locate
from mailkeep.formats.objectid import emailid, threadid
from mailkeep.imap import derive
from mailkeep.imap.done import Refused
from mailkeep.imap.wire import response
from mailkeep.imap.wire.fetch import Binary, BinarySize, FetchItem, Item, Preview, Section
from mailkeep.imap.wire.international import ASCII, UTF8, Form
from mailkeep.model.ids import AccountId
from mailkeep.model.message import FlagState
from mailkeep.service.messages import Blob, Fetched, Messages
from mailkeep.service.pace import Pace
from mailkeep.service.preview import PREVIEW

if TYPE_CHECKING:
    from mailkeep.imap.session import Selected, Session

AT_ONCE: Final = 64 * 1024  # octets decoded before others may get their turn
IN_ONE_PIECE: Final = 256 * 1024  # octets of a section; a larger one is streamed
HELD: Final = 1024 * 1024  # octets of a row; once so many are held, every section is streamed
MOST_HELD: Final = 16 * HELD  # what cannot be streamed, chosen header fields, is held up to here


@dataclass(frozen=True, slots=True)
class Big:
    """A section that is not held: its octets are the message's from `start` to `stop`."""

    label: bytes
    start: int
    stop: int
    binary: bool = False  # BINARY: octets as they are, NUL too


@dataclass(frozen=True, slots=True)
class Decoded:
    """A stretch of a decoded part: many items share one copy."""

    label: bytes
    octets: memoryview


class Message:
    """One fetched message; its octets and its tree of parts are looked at only when an item asks for them."""

    def __init__(self, messages: Messages, account: AccountId, row: Fetched) -> None:
        self._messages = messages
        self._account = account
        self.row = row
        self.derived: dict[str, bytes] = {}
        self.held = 0  # octets of pieces that wait to be written
        self._decoded: dict[tuple[int, ...], memoryview] = {}  # parts do not overlap: no more than the message
        self._fields: tuple[tuple[int, int], list[tuple[bytes, bytes]]] = ((0, 0), [])

    @cached_property
    def blob(self) -> Blob:
        """The message itself."""
        return self._messages.open_body(self._account, self.row)

    @cached_property
    def parts(self) -> Part:
        """Its structure: as kept, or else found in the message itself."""
        kept = self.derived.get(derive.PARTS)
        return scan(self.blob.read()) if kept is None else derive.parts(kept)

    @cached_property
    def utf8_listing(self) -> derive.Listing:
        """How it is listed for a client that has enabled UTF8=ACCEPT: not kept, as hardly any message needs it."""
        return derive.utf8_listing(scan(self.blob.read()))

    def octets(self, start: int, stop: int) -> bytes:
        """A stretch of the message."""
        return self.blob.read(start, stop - start)

    def fields(self, start: int, stop: int) -> list[tuple[bytes, bytes]]:
        """The fields of the header from `start` to `stop`; of a huge one, of as much as the scanner looks at."""
        span = start, min(stop, start + MAX_HEADER)
        if self._fields[0] != span:
            self._fields = span, split_fields(self.octets(*span))
        return self._fields[1]

    async def decode_slowly(self, path: tuple[int, ...]) -> None:
        """Make `decoded` ready for a large part, while others get their turn.  What cannot be decoded is left."""
        span = _span(path, self)
        encoding = encoding_of(self.parts, path)
        if span is None or encoding in IDENTITY or span[1] - span[0] <= IN_ONE_PIECE or path in self._decoded:
            return
        start, stop = span
        source = (self.octets(at, min(at + AT_ONCE, stop)) for at in range(start, stop, AT_ONCE))
        octets = bytearray()
        pace = Pace()
        try:
            for piece in decode_pieces(source, encoding):
                octets += piece
                if pace.is_over:
                    await pace.give_way()
        except UnknownEncoding:
            return
        self._decoded[path] = memoryview(octets)

    def decoded(self, path: tuple[int, ...], start: int, stop: int) -> memoryview:
        """A part with its transfer encoding undone.  Raises: Refused with UNKNOWN-CTE (RFC 9051 §7.1)."""
        found = self._decoded.get(path)
        if found is None:
            try:
                octets = decode_transfer(self.octets(start, stop), encoding_of(self.parts, path))
            except UnknownEncoding as error:
                raise Refused("The part is in an unknown transfer encoding", b"UNKNOWN-CTE") from error
            found = self._decoded[path] = memoryview(octets)
        return found


Piece = bytes | Big | Decoded
Render = Callable[[Message], Piece]


class Plan:
    """What a FETCH needs, worked out once for all its messages.

    `kinds`: derived data; `bodies`: whether the octets themselves are likely needed.
    """

    def __init__(self, s: Selected, items: Sequence[FetchItem]) -> None:
        self._s = s
        self._kinds: dict[str, None] = {}
        self._wanted: set[str] = set()
        self._lazy: set[str] = set()  # kinds that are told if they are there
        self.bodies = False
        self._with_uid = Item.UID in items or s.session.enabled.uidonly
        self._with_flags = Item.FLAGS in items
        self._with_modseq = Item.MODSEQ in items
        self._paths = tuple({item.part for item in items if isinstance(item, Binary | BinarySize)})
        self._renders = [self._render(item) for item in items]
        self.kinds = tuple(self._kinds)
        self.if_kept = frozenset(self._lazy - self._wanted)

    async def prepare(self, message: Message) -> None:
        """What must be done before `pieces`."""
        for kind, found in zip(self.kinds, message.row.derived, strict=True):
            if found is not None:
                message.derived[kind] = found[1]
        if (
            self._s.session.enabled.utf8
            and message.row.entry.size > IN_ONE_PIECE
            and derive.LIST in message.derived
            and derive.has_utf8_form(message.derived[derive.LIST])
        ):
            await asyncio.to_thread(getattr, message, "utf8_listing")
        if self._paths and message.row.entry.size > IN_ONE_PIECE:
            for path in self._paths:
                await message.decode_slowly(path)

    def pieces(self, message: Message, now_seen: FlagState | None) -> Iterator[Piece]:
        """The row's pieces; with `now_seen` also the flags that this very command has changed."""
        if now_seen is not None:
            # The row was read after the change: what it tells of flags is true already.
            if self._s.session.enabled.condstore and not self._with_uid:
                yield response.uid(message.row.entry.uid)  # RFC 7162 §3.2.4
            if not self._with_flags:
                yield self._flags(message)
            if self._s.session.enabled.condstore and not self._with_modseq:
                yield response.modseq(message.row.entry.modseq)
        for render in self._renders:
            yield render(message)

    def _flags(self, message: Message) -> bytes:
        entry = message.row.entry
        state = FlagState(entry.uid, entry.mask, entry.more, entry.modseq)
        return b"FLAGS (%b)" % self._s.flags(state)

    def _render(self, item: FetchItem) -> Render:
        match item:
            case Item():
                return self._simple(item)
            case Section():
                return self._section(item)
            case Preview(lazy):
                self._need(PREVIEW.kind, lazily=lazy)
                form = form_of(self._s.session)
                return lambda m: preview(form, m.derived.get(PREVIEW.kind))
            case Binary():
                self._need(derive.PARTS)
                self.bodies = True
                return partial(_binary, item)
            case BinarySize():
                self._need(derive.PARTS)
                self.bodies = True
                return partial(_binary_size, item)

    def _need(self, kind: str, *, lazily: bool = False) -> None:
        self._kinds[kind] = None
        (self._lazy if lazily else self._wanted).add(kind)

    def _simple(self, item: Item) -> Render:
        match item:
            case Item.FLAGS:
                return self._flags
            case Item.ENVELOPE:
                self._need(derive.LIST)
                return lambda m: b"ENVELOPE " + self._listing(m).envelope
            case Item.BODYSTRUCTURE:
                self._need(derive.LIST)
                return lambda m: b"BODYSTRUCTURE " + self._listing(m).bodystructure
            case Item.BODY:
                self._need(derive.LIST)
                return lambda m: b"BODY " + self._listing(m).body
            case _:
                return _OF_ENTRY[item]

    def _listing(self, message: Message) -> derive.Listing:
        kept = message.derived[derive.LIST]
        if self._s.session.enabled.utf8 and derive.has_utf8_form(kept):
            return message.utf8_listing
        return derive.listing(kept)

    def _section(self, item: Section) -> Render:
        if item.text is Text.FIELDS and not item.part:
            # Listing clients ask for this of every message: answered without the message where possible.
            self._need(derive.HEADERS)
            names = derive.FieldNames.of(field.encode("utf-8") for field in item.fields)
            return partial(_hot_fields, item, names)
        self.bodies = True
        if item.part or item.text is not Text.ALL:
            self._need(derive.PARTS)
        return partial(_section, item)


def form_of(session: Session) -> Form:
    """How texts in UTF-8 are written for this client."""
    return UTF8 if session.enabled.utf8 else ASCII


def preview(form: Form, kept: bytes | None) -> bytes:
    """Piece PREVIEW, NIL when there is none yet (RFC 8970 §4.1)."""
    return b"PREVIEW NIL" if kept is None else b"PREVIEW " + form.string(kept)


_OF_ENTRY: Final[dict[Item, Render]] = {
    Item.UID: lambda m: b"UID %d" % m.row.entry.uid,
    Item.INTERNALDATE: lambda m: response.internaldate(m.row.entry.internaldate),
    Item.SIZE: lambda m: b"RFC822.SIZE %d" % m.row.entry.size,
    Item.MODSEQ: lambda m: b"MODSEQ (%d)" % m.row.entry.modseq,
    Item.EMAILID: lambda m: response.emailid(emailid(m.row.entry.emailid)),
    Item.THREADID: lambda m: response.threadid(threadid(m.row.entry.threadid)),
    Item.SAVEDATE: lambda m: response.savedate(m.row.entry.saved_at),
}


def _hot_fields(item: Section, names: derive.FieldNames, message: Message) -> Piece:
    octets = derive.header_fields(message.derived[derive.HEADERS], names)
    if octets is None:
        return _section(item, message)
    return response.section(item.label, _partial(octets, item.partial))


def _section(item: Section, message: Message) -> Piece:
    text = item.text
    if not item.part and text is Text.ALL:
        span: tuple[int, int] | None = (0, message.row.entry.size)
    else:
        span = locate(message.parts, item.part, text)
    if span is None:
        return response.section(item.label, None)
    start, stop = span
    if text in (Text.FIELDS, Text.FIELDS_NOT):
        names = frozenset(field.lower().encode("utf-8") for field in item.fields)
        octets = choose_fields(message.fields(start, stop), names, exclude=text is Text.FIELDS_NOT)
        return response.section(item.label, _partial(octets, item.partial))
    start, stop = _stretch(start, stop, item.partial)
    if stop - start > IN_ONE_PIECE or message.held > HELD:
        return Big(item.label, start, stop)
    return response.section(item.label, message.octets(start, stop))


def _partial(octets: bytes, wanted: tuple[int, int] | None) -> bytes:
    """The stretch asked for; beyond the end it is empty, never NIL (RFC 9051 §6.4.5)."""
    start, stop = _stretch(0, len(octets), wanted)
    return octets[start:stop]


def _stretch(start: int, stop: int, wanted: tuple[int, int] | None) -> tuple[int, int]:
    if wanted is None:
        return start, stop
    offset, count = wanted
    start = min(start + offset, stop)
    return start, min(start + count, stop)


def _binary(item: Binary, message: Message) -> Piece:
    span = _span(item.part, message)
    if span is None:
        return response.binary(item.label, None)
    if encoding_of(message.parts, item.part) in IDENTITY:
        start, stop = _stretch(*span, item.partial)
        if stop - start > IN_ONE_PIECE or message.held > HELD:
            return Big(item.label, start, stop, binary=True)
        return response.binary(item.label, message.octets(start, stop))
    octets = message.decoded(item.part, *span)
    start, stop = _stretch(0, len(octets), item.partial)
    if stop - start > IN_ONE_PIECE or message.held > HELD:
        return Decoded(item.label, octets[start:stop])
    return response.binary(item.label, bytes(octets[start:stop]))


def _binary_size(item: BinarySize, message: Message) -> Piece:
    span = _span(item.part, message)
    if span is None:
        return response.binary_size(item.label, 0)
    if encoding_of(message.parts, item.part) in IDENTITY:
        return response.binary_size(item.label, span[1] - span[0])
    return response.binary_size(item.label, len(message.decoded(item.part, *span)))


def _span(path: tuple[int, ...], message: Message) -> tuple[int, int] | None:
    return locate(message.parts, path, Text.ALL) if path else (0, message.row.entry.size)
