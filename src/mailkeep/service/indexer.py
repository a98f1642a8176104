"""Fills the index of texts in the background: segment by segment, in a thread that rests as it works.

- The previews of the messages (`service.preview`) come off along the way.
- A full segment is written when its messages are there; a part of one when mail has not come for a while.
- A crash loses nothing but work: what is not in the index is searched as it stands (`search_fresh`).
"""

from __future__ import annotations

import asyncio
import threading
import time
from array import array
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from mailkeep.formats.mime.scan import scan
from mailkeep.model.change import Hint
from mailkeep.model.errors import NotFound, Unavailable
from mailkeep.model.ids import AccountId, MessageId
from mailkeep.model.uidset import UidSet
from mailkeep.service.bus import Bus
from mailkeep.service.order_keys import OrderKeys, order_keys, pack_columns
from mailkeep.service.preview import PREVIEW
from mailkeep.service.search_fields import SEARCHED
from mailkeep.service.search_fresh import Source, day_of, read_fields, read_sources
from mailkeep.service.segment import (
    BODY,
    DAMAGE,
    HEAD,
    MAX_RECORD,
    NUMBERS,
    PLACES,
    VERSION,
    Numbers,
    field_record,
    message_record,
    pack,
    pack_numbers,
    unpack,
)
from mailkeep.service.words import WHERE, WORDS, message_words, pack_words, span_of
from mailkeep.store import ops
from mailkeep.store.contract import SEGMENT, Derived, Store, TextIndex, TextSegment

SHARE: Final = 0.05  # of one processor, while mail comes in: it may wait, and who brings the mail should not
QUIET_SHARE: Final = 0.5  # and while none does
QUIET_S: Final = 2.0  # without news of an account: then the rest is worth a segment too
WORTHWHILE: Final = 16  # messages of such a rest; fewer are searched as they are in no time
ALL_S: Final = 3600.0  # between looks at all accounts: what a sweep left behind is no news
LOOK_S: Final = 1.0  # between looks while there is little to do
MAX_REST_S: Final = 0.5


class Indexer:
    """Keeps the texts of all accounts indexed, as far as the budget allows."""

    def __init__(self, store: Store, bus: Bus, accounts: Callable[[], Iterable[AccountId]]) -> None:
        """`accounts` are all that there are, asked now and then; others are known by their hints."""
        self._store = store
        self._accounts = accounts
        self._share = 1.0  # of one processor, see `run`
        self._waiting: dict[AccountId, float] = {}  # since when there has been no news
        self._all_at = -ALL_S
        self._behind: dict[AccountId, int] = {}  # messages that are not indexed, when it was last looked
        self.segments = 0  # written so far
        self._news = asyncio.Event()
        self._stopping = threading.Event()
        bus.subscribe_all(self._on_hint)

    def _on_hint(self, hint: Hint) -> None:
        if hint.queue:
            return
        self._waiting[hint.account] = time.monotonic()
        self._news.set()

    async def run(self) -> None:
        """Until cancelled.  Raises: Unavailable (the disk); it may be called again then."""
        self._stopping.clear()
        try:
            while True:
                await self._round()
        finally:
            self._stopping.set()  # a thread that rests now need not

    async def _round(self) -> None:
        if time.monotonic() - self._all_at > ALL_S:
            self._all_at = time.monotonic()
            for account in self._accounts():
                self._waiting.setdefault(account, 0.0)
        busy = False
        for account, since in tuple(self._waiting.items()):
            quiet = time.monotonic() - since > QUIET_S
            self._share = QUIET_SHARE if quiet else SHARE
            if await self._try(account, quiet=quiet):
                busy = True
            elif quiet and self._waiting.get(account) == since:
                del self._waiting[account]
        if not busy:
            await self._rest()

    async def _rest(self) -> None:
        if not self._waiting:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(ALL_S):
                    await self._news.wait()
        await asyncio.sleep(LOOK_S)

    async def _try(self, account: AccountId, *, quiet: bool) -> bool:
        try:
            return await self.step(account, rest=WORTHWHILE if quiet else SEGMENT)
        except NotFound:  # the account has been removed
            self._behind.pop(account, None)
            return False

    def _rest_after(self, busy_s: float) -> None:
        """Blocks."""
        self._stopping.wait(min(MAX_REST_S, busy_s * (1 / self._share - 1)))

    @property
    def backlog(self) -> int:
        """Messages that are not indexed yet, of accounts that were looked at."""
        return sum(self._behind.values())

    async def catch_up(self, account: AccountId) -> None:
        """Index all that there is now, without a rest.  Raises: NotFound, Unavailable."""
        while await self.step(account, rest=1):
            pass

    async def step(self, account: AccountId, *, rest: int) -> bool:
        """Write one segment if there is one to write; False if not.

        `rest`: how many messages beyond the index are worth a segment.  Raises: NotFound, Unavailable.
        """
        index = await self._store.scan(ops.get_text_index, account)
        self._behind[account] = index.next_message - (index.indexed_to if index.version == VERSION else 0)
        segment = _next(index, rest)
        if segment is None:
            return False
        low = segment * SEGMENT
        numbers = range(low, min(low + SEGMENT, index.next_message))
        sources = await read_sources(self._store, account, numbers)
        fields = await read_fields(self._store, account, [source.message for source in sources])
        made = await asyncio.to_thread(_make, sources, fields, self._rest_after)
        self._store.later(ops.put_derived, account, tuple(made.previews))
        data = [(kind, segment, packed) for kind, packed in made.data.items()]
        span = span_of(segment)
        if max(numbers.stop, index.indexed_to if index.version == VERSION else 0) >= span.stop * SEGMENT:
            bodies = await self._bodies(account, span, segment, made.data[BODY])
            words, where = await asyncio.to_thread(_make_words, span.start, bodies, self._rest_after)
            data += [(WORDS, span[-1], words), (WHERE, span[-1], where)]
        new = TextSegment(
            segment=segment,
            version=VERSION,
            indexed_to=numbers.stop,
            messages=UidSet(source.message for source in sources),
            loose=UidSet(made.loose),
            data=tuple(data),
        )
        if await self._store.write(ops.put_text, account, new):  # else a message has gone meanwhile: try again
            self.segments += 1
        return True

    async def _bodies(self, account: AccountId, span: range, segment: int, new: bytes) -> dict[int, bytes]:
        """The data of BODY of each segment of a span, of one that is `new`; what cannot be read is made."""
        rows = dict(await self._store.scan(ops.read_text, account, BODY, UidSet(span)))
        rows[segment] = new
        for other in span:
            try:
                unpack(rows[other])
            except (KeyError, *DAMAGE):
                sources = await read_sources(self._store, account, range(other * SEGMENT, (other + 1) * SEGMENT))
                rows[other] = (await asyncio.to_thread(_make, sources, {}, self._rest_after)).data[BODY]
        return rows


def _next(index: TextIndex, rest: int) -> int | None:
    """The segment to write next: one that is missing, or one with dead text."""
    current = index.version == VERSION
    indexed_to = index.indexed_to if current else 0
    segment = indexed_to // SEGMENT
    if index.next_message >= (segment + 1) * SEGMENT or index.next_message - indexed_to >= rest:
        return segment
    return index.stale if current else None


@dataclass(frozen=True, slots=True)
class _Made:
    data: dict[str, bytes]
    loose: list[int]
    previews: list[tuple[MessageId, Derived]]


def _make(sources: list[Source], fields: dict[int, bytes], rest_after: Callable[[float], None]) -> _Made:
    """The data of a segment; runs in a thread, and rests after each message, which others then may use."""
    records: dict[str, list[bytes]] = {place: [b""] * SEGMENT for place in PLACES}
    numbers = Numbers(*(array("q", bytes(8 * SEGMENT)) for _ in range(3)))
    orders: list[OrderKeys | None] = [None] * SEGMENT
    loose: list[int] = []
    previews: list[tuple[MessageId, Derived]] = []
    for source in sources:
        started = time.perf_counter()
        place = source.message % SEGMENT
        kept = fields.get(source.message, b"")
        numbers.arrived[place] = source.internaldate
        numbers.sizes[place] = source.size
        numbers.sent[place] = day_of(kept)
        for name in SEARCHED:
            records[name][place] = field_record(kept, name)
        try:
            data = source.read()
        except Unavailable:
            loose.append(source.message)  # who searches it will be told
            continue
        part = scan(data)
        orders[place] = order_keys(part)
        previews.append(
            (MessageId(source.message), Derived(PREVIEW.kind, PREVIEW.version, PREVIEW.function(part, data)))
        )
        head, body = message_record(HEAD, part, data), message_record(BODY, part, data)
        if len(head) + len(body) > MAX_RECORD:
            loose.append(source.message)
        else:
            records[HEAD][place], records[BODY][place] = head, body
        rest_after(time.perf_counter() - started)
    packed = {place: pack(each) for place, each in records.items()}
    return _Made({**packed, **pack_columns(orders), NUMBERS: pack_numbers(numbers)}, loose, previews)


def _make_words(first: int, rows: dict[int, bytes], rest_after: Callable[[float], None]) -> tuple[bytes, bytes]:
    """The words of a whole span of segments; runs in a thread, and rests after each segment."""
    found: list[tuple[int, set[bytes]]] = []
    for segment in sorted(rows):
        started = time.perf_counter()
        found += message_words(first, [(segment, unpack(rows[segment]))])
        rest_after(time.perf_counter() - started)
    return pack_words(found)
