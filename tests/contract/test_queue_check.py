"""Queued mail that is not as it must be is found by the check of its account."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mailkeep.model.envelope import Envelope, Recipient
from mailkeep.model.ids import AccountId
from mailkeep.store import ops
from mailkeep.store.contract import Op, Sql
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import NOW, World


def damage(account: AccountId, statement: str) -> Op[None]:
    yield Sql(statement, (account,))


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM queue_leg WHERE account = ?", "recipient 0 of queued message 1 waits, but nobody will see to it"),
        ("DELETE FROM queue_leg WHERE account = ?", "queued message 1 has nothing left to do"),
        (
            "DELETE FROM queue_item WHERE account = ?",
            "leg 0 of queued message 1 has nothing left to do, belongs to none",
        ),
        ("DELETE FROM queue_recipient WHERE account = ?", "leg 0 of queued message 1 has nothing left to do"),
        ("UPDATE queue_recipient SET state = 1 WHERE account = ?", "leg 0 of queued message 1 has nothing left to do"),
        ("UPDATE queue_leg SET due_at = NULL WHERE account = ?", "leg 0 of queued message 1 has nothing left to do"),
        ("UPDATE queue_item SET held = 1 WHERE account = ?", "leg 0 of queued message 1 has nothing left to do"),
        ("UPDATE account SET next_item = 1 WHERE account = ?", "is beyond what the account has given out"),
        ("DELETE FROM blob WHERE account = ?", "queued message 1: its blob 1 does not exist"),
        (
            "UPDATE queue_item SET size = size + 1 WHERE account = ?",
            "queued message 1: its blob 1 does not exist or has",
        ),
    ],
)
def test_damage_to_the_queue_is_found(tmp_path: Path, statement: str, found: str) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            blob = await store.put_blob(world.account, b"one")
            envelope, whom = Envelope(reverse_path="", recipients=()), ((0, Recipient("joe@example.com")),)
            await store.write(ops.queue_add, world.account, blob, envelope, ("example.com",), whom, NOW)
            assert await store.check(world.account) == ()
            await store.write(damage, world.account, statement)
            assert any(found in problem for problem in await store.check(world.account))

    asyncio.run(main())
