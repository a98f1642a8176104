"""Names that users give, and the places that they lead to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkeep.model.errors import Forbidden, MailError
from mailkeep.model.ids import AccountId
from mailkeep.service.accounts import Accounts
from mailkeep.service.bus import Bus
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.places import Places
from mailkeep.service.trees import Foreign, normal_name, parse_name
from mailkeep.store.contract import AccountState
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import World

Scene = Callable[[Places, World, World], Coroutine[None, None, None]]

PIECES = st.sampled_from(
    ["Other Users", "Shared", "other users", "/", "//", "ann@example.org", "ANN@EXAMPLE.ORG", "@", "INBOX", "inbox",
     "Sent", "%", "*", "", "a" * 300, "\0", "\n", "\ud800", "é", "-1", "."]
)  # fmt: skip
NAMES = st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join)


def play(scene: Scene) -> None:
    async def main(directory: str) -> None:
        async with SqliteStore(Path(directory)) as store:
            ann, bob = await World.make(store), await World.make(store, "bob@example.org")
            for world in (ann, bob):
                store.directory.set_state(world.account, AccountState.ACTIVE)
            bus = Bus()
            mailboxes = Mailboxes(store, bus)
            await scene(Places(Accounts(store.directory, store), mailboxes, store, bus), ann, bob)

    with TemporaryDirectory() as directory:
        asyncio.run(main(directory))


@pytest.mark.parametrize(
    ("name", "foreign"),
    [
        ("INBOX", None),
        ("Other", None),
        ("Other Users2/x", None),
        ("shared/x", None),
        ("Shared", Foreign("Shared", "", "")),
        ("Other Users/", Foreign("Other Users", "", "")),
        ("Other Users/a@b", Foreign("Other Users", "a@b", "")),
        ("Shared/a@b/c/d", Foreign("Shared", "a@b", "c/d")),
    ],
)
def test_the_trees_of_others_are_told_by_their_first_level(name: str, foreign: Foreign | None) -> None:
    assert parse_name(name) == foreign


@given(NAMES)
def test_a_normal_name_is_normal_and_in_the_same_tree(name: str) -> None:
    once = normal_name(name)
    assert normal_name(once) == once
    assert (parse_name(once) is None) == (parse_name(name) is None)


@settings(max_examples=6, deadline=None)
@given(st.lists(NAMES, min_size=20, max_size=20))
def test_any_name_leads_to_a_place_or_nowhere(names: list[str]) -> None:
    async def scene(places: Places, ann: World, bob: World) -> None:
        await ann.share((await ann.box()).id, "lr", str(bob.account))
        for name in names:
            found = await places.find(bob.account, name)
            assert found is None or found.rights
            if found is not None and found.foreign:
                assert (found.account, found.mailbox.name) == (ann.account, "INBOX")
            for other in names[:3]:
                with suppress(MailError):
                    await places.rename(bob.account, name, other)

    play(scene)


def test_a_mailbox_from_before_is_found_though_its_name_is_in_a_tree_of_others() -> None:
    async def scene(places: Places, ann: World, bob: World) -> None:
        await ann.make_box("Shared/old")
        assert (await places.get(ann.account, "Shared/old")).account == ann.account
        assert "Shared/old" in [place.name for place in await places.list(ann.account)]
        assert await places.find(bob.account, "Shared/old") is None
        with pytest.raises(Forbidden):
            await places.create(ann.account, "Shared/new")
        await places.rename(ann.account, "Shared/old", "mine")

    play(scene)


def test_an_account_without_rights_on_anything_lists_its_own_only() -> None:
    async def scene(places: Places, ann: World, bob: World) -> None:
        await ann.share((await ann.box()).id, "r", str(bob.account))
        assert {place.account for place in await places.list(bob.account)} == {bob.account}
        await ann.share((await ann.box()).id, "lr", str(bob.account))
        assert {place.account for place in await places.list(bob.account)} == {ann.account, bob.account}
        assert {place.account for place in await places.list(bob.account, foreign=False)} == {bob.account}
        assert await places.find(AccountId(77), "Other Users/ann@example.org/INBOX") is None

    play(scene)
