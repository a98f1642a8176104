"""Messages whose texts are made when they are searched: those that are too new for the index, or too long.

Their answers are those that the index would give.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from mailkeep.formats.mime.scan import scan
from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId, MailboxId, MessageId
from mailkeep.model.uidset import UidSet
from mailkeep.service.lanes import Lanes, cut, of_members, pick
from mailkeep.service.search_fields import SEARCH_FIELDS
from mailkeep.service.search_plan import Hits, Probe, by_place
from mailkeep.service.segment import BODY, HEAD, Numbers, field_record, find_records, message_record
from mailkeep.store import ops
from mailkeep.store.contract import Derived, Row, Store

MESSAGES_AT_ONCE: Final = 64  # looked into
ROWS_AT_ONCE: Final = 4000
FEW_NEEDLES: Final = 32


def at_once(most: int, needles: int) -> int:
    """How many things to look through in one piece, `most` for a few needles.

    A piece cannot be cancelled, and others wait for it: so it does not grow with the number of needles, much.
    """
    return max(most // 8, most * FEW_NEEDLES // max(FEW_NEEDLES, needles))


class Fresh:
    """Messages whose texts are made when they are searched.  `messages` ascends; `uids` are theirs."""

    def __init__(
        self,
        store: Store,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[int],
        messages: Sequence[int],
        probes: Iterable[Probe],
    ) -> None:
        self._store = store
        self._account = account
        self._mailbox = mailbox
        self._uids = uids
        self.messages = messages
        self._probes = by_place(probes)
        self._hits: dict[Probe, list[int]] = {probe: [] for probe in probes}
        self._looked_into: set[int] = set()
        self._has_fields = False
        self._numbers: Numbers | None = None

    async def find(self, probe: Probe, lanes: Lanes) -> Lanes:
        """See `Texts.find`."""
        if probe.place in (HEAD, BODY):
            wanted = set(pick(self.messages, lanes, len(self.messages))) - self._looked_into
            await self._look_into(sorted(wanted))
            self._looked_into |= wanted
        elif not self._has_fields:
            await self._look_at_fields()
        return of_members(self.messages, self._hits[probe]) & lanes

    async def _look_into(self, messages: Sequence[int]) -> None:
        probes = self._probes.get(HEAD, ()), self._probes.get(BODY, ())
        for some in cut(messages, at_once(MESSAGES_AT_ONCE, len(probes[0]) + len(probes[1]))):
            sources = await read_sources(self._store, self._account, some)
            for probe, found in (await asyncio.to_thread(_look_into, sources, *probes)).items():
                self._hits[probe] += found

    async def _look_at_fields(self) -> None:
        """For all of them: fields are short, and near one another."""
        probes = [probe for place, some in self._probes.items() if place not in (HEAD, BODY) for probe in some]
        for some in cut(sorted(set(self.messages)), at_once(ROWS_AT_ONCE, len(probes))):
            fields = await read_fields(self._store, self._account, some)
            for probe, found in (await asyncio.to_thread(_look_at_fields, fields, probes)).items():
                self._hits[probe] += found
        self._has_fields = True

    async def numbers(self, lanes: Lanes) -> Numbers:  # noqa: ARG002  all at once
        """See `Texts.numbers`."""
        if self._numbers is None:
            fields: dict[int, bytes] = {}
            for some in cut(sorted(set(self.messages)), ROWS_AT_ONCE):
                fields |= await read_fields(self._store, self._account, some)
            rows = await read_rows(self._store, self._account, self._mailbox, self._uids)
            self._numbers = Numbers(
                array("q", [rows[uid][2] if uid in rows else 0 for uid in self._uids]),
                array("q", [rows[uid][3] if uid in rows else 0 for uid in self._uids]),
                array("q", [day_of(fields.get(message, b"")) for message in self.messages]),
            )
        return self._numbers


@dataclass(frozen=True, slots=True)
class Source:
    """A message; `read` gives its octets."""

    message: int
    internaldate: int
    size: int
    read: Callable[[], bytes]


async def read_sources(store: Store, account: AccountId, messages: Iterable[int]) -> list[Source]:
    """Those of the messages that exist, ascending; octets of large ones are read only when they are called for."""
    found: list[Source] = []
    for message, internaldate, size, blob, data in await store.scan(ops.message_octets, account, UidSet(messages)):
        try:
            read = store.open_blob(account, blob).read if data is None else partial(bytes, data)
        except NotFound:
            continue  # it has gone meanwhile
        found.append(Source(message, internaldate, size, read))
    return found


def _look_into(sources: list[Source], in_head: Sequence[Probe], in_body: Sequence[Probe]) -> Hits:
    hits: dict[Probe, list[int]] = {probe: [] for probe in (*in_head, *in_body)}
    for source in sources:
        data = source.read()
        part = scan(data)
        for place, probes in ((HEAD, in_head), (BODY, in_body)):
            if not probes:
                continue
            record = message_record(place, part, data)
            for probe in probes:
                if find_records(record, probe.needle, probe.field):
                    hits[probe].append(source.message)
    return hits


async def read_fields(store: Store, account: AccountId, messages: Sequence[int]) -> dict[int, bytes]:
    """By message, what `search_fields` keeps of it; what is missing or old is made, and kept from now on."""
    rows = await store.scan(ops.derived_data, account, SEARCH_FIELDS.kind, UidSet(messages))
    found = {message: data for message, version, data in rows if version == SEARCH_FIELDS.version}
    missing = [message for message in messages if message not in found]
    for some in cut(missing, MESSAGES_AT_ONCE):
        made = await asyncio.to_thread(_make_fields, await read_sources(store, account, some))
        found |= made
        derived = [(MessageId(n), Derived(SEARCH_FIELDS.kind, SEARCH_FIELDS.version, made[n])) for n in made]
        store.later(ops.put_derived, account, tuple(derived))
    return found


def _make_fields(sources: list[Source]) -> dict[int, bytes]:
    made: dict[int, bytes] = {}
    for source in sources:
        data = source.read()
        made[source.message] = SEARCH_FIELDS.function(scan(data), data)
    return made


def _look_at_fields(fields: dict[int, bytes], probes: Sequence[Probe]) -> Hits:
    hits: dict[Probe, list[int]] = {}
    for probe in probes:
        # Most messages do not have the needle anywhere: that is known before a field is cut out.
        needle, name = probe.needle, probe.place
        some = [message for message, kept in fields.items() if needle in kept]
        hits[probe] = [message for message in some if find_records(field_record(fields[message], name), needle)]
    return hits


def day_of(fields: bytes) -> int:
    """The day of the Date field as `date.toordinal` has it, 0 for none."""
    day = fields[:10]
    return date.fromisoformat(day.decode()).toordinal() if day[4:5] == b"-" else 0


async def read_rows(store: Store, account: AccountId, mailbox: MailboxId, uids: Sequence[int]) -> dict[int, Row]:
    """Rows of `ops.message_columns` by UID."""
    found: dict[int, Row] = {}
    for some in cut(sorted(uids), ROWS_AT_ONCE):
        found |= {row[0]: row for row in await store.scan(ops.message_columns, account, mailbox, UidSet(some))}
    return found
