"""FETCH and UID FETCH."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from mailkeep.imap.done import COMPLETED, Bad, Done, Refused, within_literal
from mailkeep.imap.fetch_columns import ColumnPlan, plan_columns
from mailkeep.imap.fetch_row import MOST_HELD, Big, Decoded, Message, Piece, Plan
from mailkeep.imap.message_limit import cut, require_within, with_limit
from mailkeep.imap.session import Selected
from mailkeep.imap.wire import response
from mailkeep.imap.wire.fetch import Fetch, FetchItem, Item
from mailkeep.model.flags import System
from mailkeep.model.ids import ModSeq, Uid
from mailkeep.model.message import FlagState
from mailkeep.model.uidset import UidSet
from mailkeep.service.messages import Flags, How
from mailkeep.service.pace import Pace

ROWS: Final = 200  # read from the store at a time; each range is a snapshot of its own
ROWS_WITH_BODIES: Final = 20
PLANS: Final = 16  # remembered by a session
PIECE: Final = 64 * 1024  # octets given out before others get their turn
MUCH: Final = 1024 * 1024  # octets made of one batch; then the next is smaller


async def fetch(s: Selected, cmd: Fetch) -> Done:
    """Tell what was asked for of each message, ascending.  RFC 9051 §6.4.5, RFC 7162 §3.1.4, §3.2.6, RFC 9394 §3.3.

    Message numbers of which the message is gone are answered from its tombstone until the client has been told.
    """
    if cmd.vanished and not s.session.enabled.qresync:
        raise Bad("ENABLE QRESYNC first")
    if s.shared.stale:
        await s.refresh()
    items, reads = _items(s, cmd)
    uids = s.resolve(cmd.numbers, uid=cmd.uid)
    if cmd.partial is not None:
        require_within(s.session, cmd.partial.high - cmd.partial.low + 1)
        uids = cmd.partial.of(uids)
    if cmd.changed_since is not None:
        since = ModSeq(cmd.changed_since)
        if cmd.vanished:
            await _tell_vanished(s, since, UidSet.of_ranges(cmd.numbers.resolve(s.view.last_uid)))
        changed = {state.uid for state in s.shared.changed_since(since)}
        uids = [uid for uid in uids if uid in changed]
    uids, limit = cut(s.session, uids)
    if uids:
        seen = await _set_seen(s, uids) if reads and s.may("s") else None
        if seen:
            await _fetch_rows(s, uids, Plan(s, items), seen)
        else:
            await write_rows(s, uids, items)
    return with_limit(s.session, COMPLETED, limit)


async def write_rows(s: Selected, uids: Sequence[int], items: tuple[FetchItem, ...]) -> None:
    """The items of each message, ascending.  Raises: Refused."""
    columns = _plan(s, items)
    if columns is not None:
        await _fetch_columns(s, uids, items, columns)
    else:
        await _fetch_rows(s, uids, Plan(s, items), {})


def _items(s: Selected, cmd: Fetch) -> tuple[tuple[FetchItem, ...], bool]:
    """The items, with those that the protocol adds; and whether one of them sets \\Seen."""
    with_uid = cmd.uid and not s.session.enabled.uidonly
    items, reads = _completed(cmd.items, with_uid, cmd.changed_since is not None)
    if Item.MODSEQ in items:
        s.session.enable_condstore()
    return items, reads


@lru_cache(256)
def _completed(
    items: tuple[FetchItem, ...],
    with_uid: bool,  # noqa: FBT001  a cache key, as the next
    with_modseq: bool,  # noqa: FBT001
) -> tuple[tuple[FetchItem, ...], bool]:
    """UID comes first for UID FETCH, MODSEQ with CHANGEDSINCE."""
    if with_uid:
        items = (Item.UID, *(item for item in items if item is not Item.UID))
    if with_modseq and Item.MODSEQ not in items:
        items = (*items, Item.MODSEQ)
    return items, any(not getattr(item, "peek", True) for item in items)


def _plan(s: Selected, items: tuple[FetchItem, ...]) -> ColumnPlan | None:
    """The plan of these items; clients ask for the same few lists again and again."""
    try:
        return s.plans[items]
    except KeyError:
        if len(s.plans) >= PLANS:
            s.plans.clear()
        plan = s.plans[items] = plan_columns(s, items)
        return plan


async def _set_seen(s: Selected, uids: Sequence[int]) -> dict[int, FlagState]:
    """Reading a body sets \\Seen; the rows then tell the new flags too."""
    unseen = UidSet(uid for uid in uids if (state := s.shared.state(Uid(uid))) and not state.mask & System.SEEN)
    if not unseen:
        return {}
    stored = await s.messages.store_flags(s.account, s.mailbox, unseen, How.ADD, Flags(System.SEEN), guest=s.guest)
    told: dict[int, FlagState] = {state.uid: state for state in stored.states if state.uid in stored.changed}
    s.view.expect(told.values())
    return told


async def _fetch_columns(s: Selected, uids: Sequence[int], items: Sequence[FetchItem], plan: ColumnPlan) -> None:
    """Batches column by column; one that cannot be told so goes row by row."""
    connection = s.session.connection
    rows: Plan | None = None
    start, size = 0, _first_batch(plan.rows)
    while batch := uids[start : start + size]:
        start += size
        rendered = await plan.render(batch) if s.view.is_aligned else None
        if rendered is None:
            rows = rows or Plan(s, items)
            await _fetch_rows(s, batch, rows, {})
            continue
        s.session.write(rendered)
        size = _next_batch(size, plan.rows, len(rendered))
        if connection.queued > PIECE:
            await connection.drain()


def _first_batch(most: int) -> int:
    return max(1, most // 8)


def _next_batch(size: int, most: int, octets: int) -> int:
    """How many messages to read next, after `size` of them made `octets`: kept data may be a megabyte each."""
    return max(1, size // 4) if octets > MUCH else min(most, size * 2)


async def _fetch_rows(s: Selected, uids: Sequence[int], plan: Plan, seen: dict[int, FlagState]) -> None:
    connection = s.session.connection
    remaining = iter(uids)
    most = ROWS_WITH_BODIES if plan.bodies else ROWS
    size = _first_batch(most)
    while batch := UidSet(islice(remaining, size)):
        octets = 0
        for row in await s.messages.fetch(
            s.account, s.mailbox, batch, plan.kinds, if_kept=plan.if_kept, bodies=plan.bodies
        ):
            seq = s.view.seq(row.entry.uid)
            if not seq:
                continue
            if row.entry.modseq > s.shared.upto:
                s.shared.doubt()  # else what the view has would be told after it, though older
                new = row.entry
                if not s.messages.views.knows(s.account, (FlagState(new.uid, new.mask, new.more, new.modseq),)):
                    await s.messages.views.learn(s.account)
            message = Message(s.messages, s.account, row)
            # All pieces before the first octet is written: one may be refused (UNKNOWN-CTE).
            pieces = await _collect(plan, message, seen.get(row.entry.uid))
            s.session.write(b"* %d UIDFETCH (" % row.entry.uid if s.session.enabled.uidonly else b"* %d FETCH (" % seq)
            octets += message.held
            await _write_row(s, message, pieces)
            if connection.queued > PIECE:
                await connection.drain()
        size = _next_batch(size, most, octets)


async def _collect(plan: Plan, message: Message, now_seen: FlagState | None) -> list[Piece]:
    """All pieces of a row; others get their turn where that takes long.  Raises: Refused."""
    pieces: list[Piece] = []
    await plan.prepare(message)
    pace = Pace()
    for piece in plan.pieces(message, now_seen):
        pieces.append(piece)
        if isinstance(piece, bytes):
            message.held += len(piece)
            if message.held > MOST_HELD:
                raise Refused("Too much of one message is asked for at once", b"LIMIT")
        if pace.is_over:
            await pace.give_way()
    return pieces


async def _write_row(s: Selected, message: Message, pieces: Sequence[Piece]) -> None:
    connection = s.session.connection
    separator = b""
    for piece in pieces:
        connection.write(separator)
        match piece:
            case Big():
                await _write_big(s, message, piece)
            case Decoded(label, octets):
                connection.write(response.binary_head(label, len(octets)))
                for start in range(0, len(octets), PIECE):
                    connection.write(bytes(octets[start : start + PIECE]))
                    await connection.drain()
            case _:
                connection.write(piece)
                if connection.queued > PIECE:
                    await connection.drain()
        separator = b" "
    connection.write(b")\r\n")


async def _write_big(s: Selected, message: Message, piece: Big) -> None:
    connection = s.session.connection
    head = response.binary_head if piece.binary else response.section_head
    connection.write(head(piece.label, piece.stop - piece.start))
    with within_literal():
        for start in range(piece.start, piece.stop, PIECE):
            octets = message.octets(start, min(start + PIECE, piece.stop))
            connection.write(octets if piece.binary else response.without_nul(octets))
            await connection.drain()


async def _tell_vanished(s: Selected, since: ModSeq, wanted: UidSet) -> None:
    """VANISHED (EARLIER) of RFC 7162 §3.2.6, before the rows."""
    vanished = (await s.messages.vanished(s.account, s.mailbox, since)) & wanted
    vanished = vanished - UidSet(s.view.all_uids())
    if vanished:
        s.session.write(response.vanished(vanished.ranges, earlier=True))


async def tell_changed(s: Selected, since: ModSeq, within: UidSet | None) -> None:
    """The flags of all messages changed after `since`, for SELECT (QRESYNC)."""
    for state in s.shared.changed_since(since):
        seq = s.view.seq(state.uid)
        if seq and (within is None or state.uid in within):
            s.tell_flags(seq, state, with_uid=True)
            if s.session.connection.queued > PIECE:
                await s.session.connection.drain()
