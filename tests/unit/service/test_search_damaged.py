"""A damaged text index costs time, not answers: what cannot be read is read from the messages, and written anew."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import apsw
import pytest

from mailkeep.model import query as q
from mailkeep.model.ids import AccountId
from mailkeep.model.order import Criterion, SortKey
from mailkeep.service.bus import Bus
from mailkeep.service.indexer import Indexer
from mailkeep.service.order import Collation, Order
from mailkeep.service.order_keys import SENT
from mailkeep.service.search import Search
from mailkeep.service.text_check import check_text
from mailkeep.service.views import Views
from mailkeep.store import ops
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import World

MESSAGES = 520  # a whole span, and the beginning of the next
QUERIES = (
    q.BodyContains("word77"),
    q.BodyContains("mmon word7"),
    q.BodyContains("common"),
    q.TextContains("number 30"),
    q.HeaderContains("subject", "7"),
    q.HeaderContains("from", "ann"),
    q.HeaderContains("x-test", "19"),
    q.Larger(90),
    q.Since(q.DateOf.SENT, dt.date(2024, 6, 12)),
    q.And((q.Not(q.BodyContains("word1")), q.HeaderContains("subject", "3"), q.Smaller(92))),
)
KINDS = ("body", "head", "subject", "from", "numbers", "words", "where", SENT)
HOW = {
    "garbage": "data = x'28b52ffd0102'",
    "cut short": "data = substr(data, 1, length(data) / 2 - 2)",
    "turned": "data = CAST(substr(data, 1, 30) || x'ffff' || substr(data, 33) AS BLOB)",
    "empty": "data = x''",
}


def mail(n: int) -> bytes:
    day = dt.date(2024, 6, 1 + n % 20).strftime("%d Jun %Y 12:00:00 +0000")
    head = f"Subject: number {n}\r\nFrom: {'Ann' if n % 3 else 'Bob'} <x@example.org>\r\nDate: {day}\r\nX-Test: {n}\r\n"
    return f"{head}\r\ncommon word{n}\r\n".encode()


async def indexed(directory: Path) -> AccountId:
    async with SqliteStore(directory) as store:
        world = await World.make(store)
        await world.append(*map(mail, range(MESSAGES)))
        await Indexer(store, Bus(), list).catch_up(world.account)
        return world.account


async def answers(directory: Path, account: AccountId) -> list[list[int]]:
    async with SqliteStore(directory) as store:
        search = Search(store)
        views = Views(store, Bus())
        view = await views.open(account, await store.read(ops.find_mailbox, account, "INBOX"))  # type: ignore[arg-type]
        found = [await search.search(view, view.uids, query) for query in QUERIES]
        order = Order(store, search.numberings)
        for key in (SortKey.SUBJECT, SortKey.DATE, SortKey.SIZE):
            found.append([*await order.sort(view, view.uids, (Criterion(key),), Collation())])
        views.close(view)
        return found


async def catch_up(directory: Path, account: AccountId) -> tuple[str, ...]:
    async with SqliteStore(directory) as store:
        await Indexer(store, Bus(), list).catch_up(account)
        return await check_text(store, account)


def damage(directory: Path, statement: str) -> int:
    db = apsw.Connection(str(directory / "shard-0000.db"))
    db.execute(statement).fetchall()
    changes: int = db.changes()
    db.close()
    return changes


@pytest.mark.parametrize("segments", ["= 3", "IN (2, 7, 8)"], ids=["one", "several"])
@pytest.mark.parametrize("how", HOW)
def test_damaged_segments_change_no_answer_and_are_written_anew(tmp_path: Path, how: str, segments: str) -> None:
    account = asyncio.run(indexed(tmp_path))
    right = asyncio.run(answers(tmp_path, account))
    for kind in KINDS:
        where = "" if kind in ("words", "where") else f" AND segment {segments}"
        if how == "turned" and kind in ("numbers", "words", SENT):
            continue  # any octets are right there
        if how == "empty" and kind not in ("numbers", "words", "where", SENT):
            continue  # a segment without text
        assert damage(tmp_path, f"UPDATE text_segment SET {HOW[how]} WHERE kind = '{kind}'{where}")
        assert asyncio.run(answers(tmp_path, account)) == right, kind
    assert asyncio.run(catch_up(tmp_path, account)) == ()


def test_missing_segments_change_no_answer_and_are_written_anew(tmp_path: Path) -> None:
    account = asyncio.run(indexed(tmp_path))
    right = asyncio.run(answers(tmp_path, account))
    damage(tmp_path, "DELETE FROM text_segment WHERE segment IN (3, 7, 8)")
    assert asyncio.run(answers(tmp_path, account)) == right
    assert asyncio.run(catch_up(tmp_path, account)) == ()
