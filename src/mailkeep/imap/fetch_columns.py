"""FETCH of what stands in the shared view or in kept data, column by column: nearly no Python runs per message.

Each item has a label and a column of octets; slices of one long list take them up, and one `join` does the rest.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from mailkeep.formats.mime.section import Text
from mailkeep.formats.objectid import emailid, threadid
from mailkeep.imap import derive
from mailkeep.imap.fetch_row import IN_ONE_PIECE, form_of, preview
from mailkeep.imap.wire import response
from mailkeep.imap.wire.fetch import FetchItem, Item, Preview, Section
from mailkeep.model.ids import Uid
from mailkeep.model.message import NO_MORE
from mailkeep.model.uidset import UidSet
from mailkeep.service.messages import Column
from mailkeep.service.preview import PREVIEW

if TYPE_CHECKING:
    from mailkeep.imap.session import Selected

FROM_VIEW: Final = 2000  # rows rendered at a time
FROM_STORE: Final = 250
WITH_BODIES: Final = 20

Values = Callable[["Batch"], Iterable[bytes]]


class _Numbered:
    """Octets for each of the numbers from 0: the first ones are kept, as all mailboxes have them."""

    KEPT: Final = 32 * 1024

    def __init__(self, form: bytes, first: int) -> None:
        self._form = form
        self._first = first  # of index 0
        self._kept: list[bytes] = []

    def of(self, indices: Sequence[int]) -> Iterable[bytes]:
        """Of ascending indices."""
        if not indices or indices[-1] >= self.KEPT:
            return [self._form % (index + self._first) for index in indices]
        if len(self._kept) <= indices[-1]:
            more = range(len(self._kept) + self._first, indices[-1] + self._first + 1)
            self._kept.extend(map(self._form.__mod__, more))
        if isinstance(indices, range):
            return self._kept[indices.start : indices.stop]
        return map(self._kept.__getitem__, indices)


HEADS: Final = _Numbered(b"* %d FETCH (", 1)
NUMBERS: Final = _Numbered(b"%d", 0)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some messages, ascending, as columns; `kept` holds what was read from the store."""

    s: Selected
    indices: Sequence[int]  # in the shared view; a `range` when they follow one another
    uids: Sequence[int]
    kept: dict[Column | str, Sequence[Any]]

    def of_view(self, column: Sequence[int]) -> Sequence[int]:
        """The batch's part of a column of the view."""
        if isinstance(self.indices, range):
            return column[self.indices.start : self.indices.stop]
        return [column[i] for i in self.indices]


class _Incomplete(Exception):
    """Kept data does not tell everything: the messages themselves must be read."""


@dataclass(frozen=True, slots=True)
class _Part:
    """An item: what stands before and behind each value, the values, and what they need; `if_kept` may be None."""

    before: bytes
    values: Values
    columns: tuple[Column, ...] = ()
    kinds: tuple[str, ...] = ()
    if_kept: tuple[str, ...] = ()
    behind: bytes = b""


class ColumnPlan:
    """How to render the items of one FETCH for any of its messages."""

    def __init__(self, s: Selected, parts: Sequence[_Part]) -> None:
        self._s = s
        ends = [part.behind + b" " for part in parts[:-1]] + [parts[-1].behind + b")\r\n"]
        starts = [part.before for part in parts[1:]] + [b""]
        self._first = parts[0].before
        self._between = [end + start for end, start in zip(ends, starts, strict=True)]  # behind each value
        self._by_uid = s.session.enabled.uidonly
        self._values = [part.values for part in parts]
        self._columns = tuple(dict.fromkeys(column for part in parts for column in part.columns))
        wanted = [kind for part in parts for kind in part.kinds]
        self._kinds = tuple(dict.fromkeys(wanted + [kind for part in parts for kind in part.if_kept]))
        self._if_kept = frozenset(self._kinds) - frozenset(wanted)
        self._utf8 = s.session.enabled.utf8 and derive.LIST in self._kinds

    @property
    def rows(self) -> int:
        """How many messages to render at a time."""
        if Column.BODY in self._columns:
            return WITH_BODIES
        return FROM_STORE if self._columns or self._kinds else FROM_VIEW

    async def render(self, uids: Sequence[int]) -> bytes | None:
        """The rows of `uids`, ascending; None when the columns cannot tell all of them.

        The session must be aligned with its shared view.
        """
        s = self._s
        indices = _indices(s, uids)
        kept = await self._read(uids, indices)
        if kept is None:
            return None
        batch = Batch(s, indices, uids, kept)
        try:
            return self._join(batch)
        except _Incomplete:
            return None

    def _join(self, batch: Batch) -> bytes:
        count, width = len(batch.uids), 2 + 2 * len(self._values)
        if count == 1:
            return self._join_one(batch)
        pieces = [b""] * (count * width)
        pieces[::width] = map(_UIDFETCH, batch.uids) if self._by_uid else HEADS.of(batch.indices)
        if self._first:
            pieces[1::width] = [self._first] * count
        for place, (values, between) in enumerate(zip(self._values, self._between, strict=True), 1):
            pieces[2 * place :: width] = values(batch)
            pieces[2 * place + 1 :: width] = [between] * count
        return b"".join(pieces)

    def _join_one(self, batch: Batch) -> bytes:
        pieces = [*(map(_UIDFETCH, batch.uids) if self._by_uid else HEADS.of(batch.indices)), self._first]
        for values, between in zip(self._values, self._between, strict=True):
            pieces += values(batch)
            pieces.append(between)
        return b"".join(pieces)

    async def _read(self, uids: Sequence[int], indices: Sequence[int]) -> dict[Column | str, Sequence[Any]] | None:
        if not self._columns and not self._kinds:
            return {}
        s = self._s
        wanted = UidSet.span(uids[0], uids[-1]) if isinstance(indices, range) else UidSet(uids)
        found = await s.messages.fetch_columns(s.account, s.mailbox, wanted, self._columns, self._kinds, self._if_kept)
        if not found or len(found[0]) != len(uids):
            return None  # some were expunged meanwhile
        kept: dict[Column | str, Sequence[Any]] = dict(zip((*self._columns, *self._kinds), found[1:], strict=True))
        if self._utf8 and any(map(derive.has_utf8_form, kept[derive.LIST])):
            return None  # that form is not kept
        return kept


def _indices(s: Selected, uids: Sequence[int]) -> Sequence[int]:
    first = s.shared.index(uids[0])
    if len(uids) == 1:
        return range(first, first + 1)
    last = s.shared.index(uids[-1])
    if last - first + 1 == len(uids):
        return range(first, last + 1)
    return [s.shared.index(uid) for uid in uids]


def plan_columns(s: Selected, items: Sequence[FetchItem]) -> ColumnPlan | None:
    """The plan, or None when an item needs the messages themselves."""
    parts: list[_Part] = []
    for item in _joined(items):
        part = _BOTH if item is None else _part(item)
        if part is None:
            return None
        parts.append(part)
    return ColumnPlan(s, parts)


def _joined(items: Sequence[FetchItem]) -> Iterator[FetchItem | None]:
    """The items; None stands for ENVELOPE followed by BODYSTRUCTURE, which are kept as one piece."""
    remaining = iter(items)
    for item in remaining:
        if item is not Item.ENVELOPE:
            yield item
            continue
        following = next(remaining, None)
        if following is Item.BODYSTRUCTURE:
            yield None
            continue
        yield item
        if following is not None:
            yield following


def _part(item: FetchItem) -> _Part | None:
    match item:
        case Item():
            return _PARTS[item]
        case Section(text=Text.FIELDS, part=()):
            names = derive.FieldNames.of(field.encode("utf-8") for field in item.fields)
            render = partial(_hot_fields, item, names)
            return _Part(b"", lambda batch: map(render, batch.kept[derive.HEADERS]), kinds=(derive.HEADERS,))
        case Preview(lazy):
            return _PREVIEW_IF_KEPT if lazy else _PREVIEW
        case Section(text=Text.ALL, part=(), partial=None):
            return _Part(b"", partial(_bodies, item.label), (Column.BODY, Column.BLOB, Column.SIZE))
        case _:
            return None


def _bodies(label: bytes, batch: Batch) -> Iterator[bytes]:
    """Whole messages; one that is too large to hold must be streamed."""
    columns = (batch.kept[column] for column in (Column.BODY, Column.BLOB, Column.SIZE))
    for data, blob, size in zip(*columns, strict=True):
        if data is None:
            if size > IN_ONE_PIECE:
                raise _Incomplete
            data = batch.s.messages.open_blob(batch.s.account, blob).read()
        yield b"%b {%d}\r\n%b" % (label, size, response.without_nul(data))


def _hot_fields(item: Section, names: derive.FieldNames, data: bytes) -> bytes:
    octets = derive.header_fields(data, names)
    if octets is None:
        raise _Incomplete
    if item.partial is not None:
        offset, count = item.partial
        octets = octets[offset : offset + count]
    return b"%b {%d}\r\n%b" % (item.label, len(octets), octets)


def _flags(batch: Batch) -> Iterable[bytes]:
    s = batch.s
    masks = batch.of_view(s.shared.masks)
    if s.shared.more:
        more = s.shared.more
        pairs = zip(masks, (more.get(Uid(uid), NO_MORE) for uid in batch.uids), strict=True)
        texts: Iterable[bytes] = map(s.flag_text.__getitem__, pairs)
    else:
        texts = map(s.mask_text.__getitem__, masks)
    return texts if s.session.enabled.rev2 else _with_recent(batch, texts)


def _with_recent(batch: Batch, texts: Iterable[bytes]) -> Iterable[bytes]:
    r"""The texts with \Recent where this session is the one that was given it; such messages follow one another."""
    for low, high in batch.s.view.recent_ranges:
        start, stop = bisect_left(batch.uids, low), bisect_right(batch.uids, high)
        if start < stop:
            texts = list(texts)
            texts[start:stop] = map(_recent, texts[start:stop])
    return texts


def _recent(text: bytes) -> bytes:
    return text + b" \\Recent" if text else b"\\Recent"


def _listing(pick: Callable[[derive.Listing], bytes]) -> Values:
    return lambda batch: (pick(derive.listing(data)) for data in batch.kept[derive.LIST])


def _pairs(of: Callable[[tuple[int, int]], str], accounts: Column, numbers: Column) -> Values:
    return lambda batch: (
        of(pair).encode("ascii") for pair in zip(batch.kept[accounts], batch.kept[numbers], strict=True)
    )


def _previews(batch: Batch) -> Iterable[bytes]:
    return map(partial(preview, form_of(batch.s.session)), batch.kept[PREVIEW.kind])


_PREVIEW: Final = _Part(b"", _previews, kinds=(PREVIEW.kind,))
_PREVIEW_IF_KEPT: Final = _Part(b"", _previews, if_kept=(PREVIEW.kind,))
_DECIMAL: Final = b"%d".__mod__
_UIDFETCH: Final = b"* %d UIDFETCH (".__mod__
_LIST: Final = (derive.LIST,)
_BOTH: Final = _Part(b"", lambda batch: map(itemgetter(derive.BOTH_OF_LISTING), batch.kept[derive.LIST]), kinds=_LIST)
_PARTS: Final[dict[Item, _Part]] = {
    Item.UID: _Part(b"UID ", lambda batch: NUMBERS.of(batch.uids)),
    Item.FLAGS: _Part(b"FLAGS (", _flags, behind=b")"),
    Item.MODSEQ: _Part(b"MODSEQ (", lambda batch: map(_DECIMAL, batch.of_view(batch.s.shared.modseqs)), behind=b")"),
    Item.INTERNALDATE: _Part(
        b"INTERNALDATE ",
        lambda batch: map(response.date_time, batch.kept[Column.INTERNALDATE]),
        (Column.INTERNALDATE,),
    ),
    Item.SIZE: _Part(b"RFC822.SIZE ", lambda batch: map(_DECIMAL, batch.kept[Column.SIZE]), (Column.SIZE,)),
    Item.SAVEDATE: _Part(
        b"SAVEDATE ", lambda batch: map(response.date_time, batch.kept[Column.SAVED_AT]), (Column.SAVED_AT,)
    ),
    Item.EMAILID: _Part(
        b"EMAILID (",
        _pairs(emailid, Column.ORIGIN_ACCOUNT, Column.ORIGIN_MESSAGE),
        (Column.ORIGIN_ACCOUNT, Column.ORIGIN_MESSAGE),
        behind=b")",
    ),
    Item.THREADID: _Part(
        b"THREADID (",
        _pairs(threadid, Column.THREAD_ACCOUNT, Column.THREAD),
        (Column.THREAD_ACCOUNT, Column.THREAD),
        behind=b")",
    ),
    Item.ENVELOPE: _Part(b"ENVELOPE ", _listing(lambda listing: listing.envelope), kinds=_LIST),
    Item.BODYSTRUCTURE: _Part(b"BODYSTRUCTURE ", _listing(lambda listing: listing.bodystructure), kinds=_LIST),
    Item.BODY: _Part(b"BODY ", _listing(lambda listing: listing.body), kinds=_LIST),
}
