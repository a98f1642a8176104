"""Metadata as protocols see it (RFC 5464)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mailkeep.model.change import Hint
from mailkeep.model.errors import Forbidden, TooLarge
from mailkeep.model.metadata import MAX_VALUE, THE_SERVER, Depth
from mailkeep.service.bus import Bus
from mailkeep.service.metadata import Metadata
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import World

SERVER = {"/shared/admin": b"mailto:a@example.org", "/shared/comment": b"note"}


def run(tmp_path: Path, work: Callable[[World, Metadata, Bus], Awaitable[None]]) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            bus = Bus()
            await work(await World.make(store), Metadata(store, bus, SERVER), bus)

    asyncio.run(main())


def test_entries_know_no_letter_case_and_a_change_is_hinted(tmp_path: Path) -> None:
    async def work(world: World, metadata: Metadata, bus: Bus) -> None:
        hints: list[Hint] = []
        bus.subscribe(world.account, hints.append)
        inbox, me = (await world.box()).id, world.account
        since = await metadata.now(me)
        modseq = await metadata.set(me, inbox, [("/Private/Comment", b"1"), ("/private/COMMENT", b"2")], reader=me)
        [found] = await metadata.get(me, inbox, ["/PRIVATE/comment"], reader=me)
        assert (found.entry, found.size, found.value) == ("/private/comment", 1, b"2")
        assert hints == [Hint(me, frozenset({inbox}), modseq, metadata=True)]
        _, [change] = await metadata.changes(me, since, reader=me)
        assert (change.mailbox, change.name, change.entry, change.modseq) == (
            inbox, "INBOX", "/private/comment", modseq,
        )  # fmt: skip

    run(tmp_path, work)


def test_shared_entries_of_the_server_come_from_the_configuration(tmp_path: Path) -> None:
    async def work(world: World, metadata: Metadata, _: Bus) -> None:
        me = world.account
        await metadata.set(me, THE_SERVER, [("/private/x", b"mine")], reader=me)
        found = await metadata.get(me, THE_SERVER, ["/shared", "/private"], reader=me, depth=Depth.CHILDREN, max_size=4)
        assert [(one.entry, one.size, one.value) for one in found] == [
            ("/shared/admin", 20, None),
            ("/shared/comment", 4, b"note"),
            ("/private/x", 4, b"mine"),
        ]
        for entry in ("/shared/comment", "/shared/new"):
            with pytest.raises(Forbidden):
                await metadata.set(me, THE_SERVER, [("/private/x", None), (entry, b"x")], reader=me)
        assert len(await metadata.get(me, THE_SERVER, ["/private/x", "/shared/comment"], reader=me)) == 2

    run(tmp_path, work)


def test_what_is_meant_twice_is_read_once(tmp_path: Path) -> None:
    async def work(world: World, metadata: Metadata, _: Bus) -> None:
        inbox, me = (await world.box()).id, world.account
        names = ["/private/a", "/private/a/b", "/private/a/b/c", "/private/d"]
        await metadata.set(me, inbox, [(name, b"x") for name in names], reader=me)
        asked = ["/private/a/b/c", "/private/a/b", "/private/A", "/private/d", "/private/a"]
        for depth in Depth:
            found = await metadata.get(me, inbox, asked, reader=me, depth=depth)
            assert sorted(one.entry for one in found) == names

    run(tmp_path, work)


def test_a_value_has_a_largest_size(tmp_path: Path) -> None:
    async def work(world: World, metadata: Metadata, _: Bus) -> None:
        inbox, me = (await world.box()).id, world.account
        await metadata.set(me, inbox, [("/shared/x", b"x" * MAX_VALUE)], reader=me)
        with pytest.raises(TooLarge):
            await metadata.set(me, inbox, [("/shared/x", b"x" * (MAX_VALUE + 1))], reader=me)

    run(tmp_path, work)


NAMES = [
    "/private",
    "/private/a",
    "/private/a/b",
    "/private/a/b/c",
    "/shared/a",
    "/shared/a/b",
    "/shared/ab",
    "/shared/a-",
]


def expected(kept: dict[str, bytes], asked: list[str], depth: Depth) -> dict[str, bytes]:
    """What RFC 5464 §4.2.2 says in words."""
    return {
        name: value
        for name, value in kept.items()
        for top in asked
        if name == top
        or (depth is Depth.CHILDREN and name.rpartition("/")[0] == top)
        or (depth is Depth.ALL and name.startswith(top + "/"))
    }


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_set_is_found_again(tmp_path: Path, seed: int) -> None:
    async def work(world: World, metadata: Metadata, _: Bus) -> None:
        choice = random.Random(seed)
        inbox, me = (await world.box()).id, world.account
        kept: dict[str, bytes] = {}
        for _step in range(60):
            since = await metadata.now(me)
            values = [
                (name, choice.choice([None, b"", b"x", b"y" * 9]))
                for name in choice.sample(NAMES[1:], choice.randint(1, 3))
            ]
            changed = {name for name, value in values if kept.get(name) != value}
            await metadata.set(me, inbox, values, reader=me)
            kept.update({name: value for name, value in values if value is not None})
            for name in [name for name, value in values if value is None]:
                kept.pop(name, None)
            _, told = await metadata.changes(me, since, reader=me)
            assert {change.entry for change in told} == changed
            asked, depth = choice.sample(NAMES, choice.randint(1, 4)), choice.choice(list(Depth))
            found = await metadata.get(me, inbox, asked, reader=me, depth=depth, max_size=5)
            wanted = expected(kept, asked, depth)
            assert {one.entry: one.size for one in found} == {name: len(value) for name, value in wanted.items()}
            assert all(one.value == (wanted[one.entry] if one.size <= 5 else None) for one in found)
            assert len(found) == len(wanted)

    run(tmp_path, work)
