"""Costs: how SQLite finds the rows of each operation, and that they grow with the change, not with the mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailkeep.model.envelope import Envelope, Outcome, Recipient
from mailkeep.model.ids import ModSeq
from mailkeep.model.queued import Settlement
from mailkeep.model.uidset import UidSet
from mailkeep.store import ops
from mailkeep.store.contract import Also, Derived, How, NewMessage, Op, Rows, Sql
from mailkeep.store.sqlite.run import bind
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import DELETED, GUEST, NOW, SEEN, World, prepare

Call = tuple[Callable[..., Op[Any]], tuple[Any, ...]]

# tables of which an operation on few entries may read no more than it needs
ENTRIES = ("entry", "e", "gone", "g")
LARGE = ("entry", "e", "message", "m", "gone", "g", "log", "derived", "blob", "b", "threadref", "garbage", "snapshot")


def recording(op: Callable[..., Op[Any]], told: list[Sql]) -> Callable[..., Op[Any]]:
    """`op`, whose statements are also put down in `told`."""

    def wrapped(*args: Any) -> Op[Any]:
        generator, rows = op(*args), None
        try:
            while True:
                statement: Sql = next(generator) if rows is None else generator.send(rows)
                told.append(statement)
                rows = yield statement
        except StopIteration as done:
            return done.value

    return wrapped


async def calls(world: World) -> list[tuple[World, Call]]:
    """An operation of each kind, on few of many entries."""
    found: list[tuple[World, Call]] = []
    for name in ("append", "copy", "move", "expunge", "store_flags"):
        other = await World.make(world.store, f"{name}@example.org")
        found.append((other, await prepare(other, name)))
    await world.append(b"one", b"two")
    inbox, some, kinds = (await world.box()).id, UidSet([1, 3, 900]), ("list", "parts")
    since = ModSeq(await world.modseq() - 1)
    await world.store_flags([1], DELETED)
    plain: list[Call] = [
        (ops.delta, (inbox, since)),
        (ops.vanished, (inbox, since)),
        (ops.fetch, (inbox, some, kinds, Also.BODIES | Also.GONE)),
        (ops.fetch, (inbox, UidSet([5, 6, 7]), kinds, Also.NOTHING)),
        (ops.put_derived, (((1, Derived("list", 1, b"")),),)),
        (ops.claim_recent, (inbox, 1)),
        (ops.get_mailbox, (inbox,)),
        (ops.find_mailbox, ("a/b",)),
        (ops.create_mailbox, ("q/r", None, True, NOW)),
        (ops.deleted_octets, (inbox,)),
        (ops.expunge, (inbox, None, NOW)),
        (ops.remove, (inbox, some, NOW)),
    ]
    return found + [(world, call) for call in plain]


def test_no_operation_on_few_entries_scans_a_large_table(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            for world, (op, args) in await calls(await World.make(store)):
                told: list[Sql] = []
                await store.write(recording(op, told), world.account, *args)
                scans = [
                    (op.__name__, told_one.text) for told_one in told if any(map(_is_scan, _plan(store, told_one)))
                ]
                assert scans == []

    asyncio.run(main())


def test_who_shares_something_is_looked_up_by_an_index(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            await world.share((await world.box()).id, "lr")
            for op, args in (
                (ops.list_granters, ()),
                (ops.list_granted, (GUEST,)),
                (ops.find_granted, (GUEST, "INBOX")),
                (ops.read_rights, ((await world.box()).id, GUEST)),
                (ops.is_visible_parent, ((await world.box()).id, GUEST)),
            ):
                told: list[Sql] = []
                await store.read(recording(op, told), world.account, *args)
                plans = [line for one in told for line in _plan(store, one) if "acl" in line]
                assert plans
                assert [line for line in plans if not line.startswith("SEARCH")] == []

    asyncio.run(main())


def test_what_is_due_in_the_queue_is_found_by_an_index(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            blob = await store.put_blob(world.account, b"one")
            envelope = Envelope(reverse_path="", recipients=())
            whom = ((0, Recipient("joe@example.com")),)
            item = await store.write(ops.queue_add, world.account, blob, envelope, ("example.com",), whom, NOW)
            settled = (Settlement(0, Outcome(enhanced="4.0.0", text=""), owed=False),)
            reading: list[Call] = [
                (ops.queue_due, ((0, 0, 0, 0), NOW, 10)),
                (ops.queue_due_of, ("example.com", NOW, 10)),
                (ops.queue_due_item, (item, NOW)),
                (ops.queue_next, (0,)),
                (ops.queue_get, (item, 0)),
                (ops.queue_list, ("example.com", (0, 0), 10)),
            ]
            writing: list[Call] = [
                (ops.queue_settle, (item, 0, 1, settled, NOW, NOW)),
                (ops.queue_reported, (item, 0, (0,), NOW, NOW)),
                (ops.queue_drop, (item, NOW)),
            ]
            told: list[Sql] = []
            for op, args in reading:
                await store.read(recording(op, told), world.account, *args)
            for op, args in writing:
                await store.write(recording(op, told), world.account, *args)
            plans = [(line, one.text) for one in told for line in _plan(store, one)]
            assert [plan for plan in plans if plan[0].startswith("SCAN")] == []

    asyncio.run(main())


def _plan(store: SqliteStore, statement: Sql) -> list[str]:
    text, args = bind(statement.text, statement.args)
    db = store._shards[0]._reader
    rows: Rows = db.execute("EXPLAIN QUERY PLAN " + text, args).fetchall()
    return [row[3] for row in rows]


def _is_scan(line: str) -> bool:
    words = line.split()
    if words[0] == "SCAN":
        return words[1] in LARGE
    whole_account, whole_mailbox = line.endswith("(account=?)"), line.endswith("KEY (account=? AND mailbox=?)")
    return words[0] == "SEARCH" and ((whole_account and words[1] in LARGE) or (whole_mailbox and words[1] in ENTRIES))


@pytest.mark.parametrize("op", ["store_flags", "expunge", "copy", "move"])
def test_an_operation_on_many_entries_has_as_many_statements_as_on_one(tmp_path: Path, op: str) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            blob = await store.put_blob(world.account, b"x")
            inbox, sent = (await world.box()).id, (await world.box("Sent")).id
            new = (NewMessage(blob=blob, internaldate=NOW, mask=DELETED),) * 300
            await store.write(ops.append, world.account, inbox, new, NOW)
            counts = []
            for uids in (UidSet([1]), UidSet(range(2, 100)), UidSet(range(101, 300, 2))):
                told: list[Sql] = []
                args: dict[str, tuple[Any, ...]] = {
                    "store_flags": (inbox, uids, How.ADD, SEEN, (), None),
                    "expunge": (inbox, uids, NOW),
                    "copy": (inbox, uids, sent, NOW),
                    "move": (inbox, uids, sent, NOW),
                }
                await store.write(recording(ops.OPS[op], told), world.account, *args[op])
                counts.append(len(told))
            assert len(set(counts)) == 1, counts

    asyncio.run(main())
