"""Accounts: their lives, and how many connections they may have."""

from __future__ import annotations

import pytest
from tests.unit.service.login_world import ANN, PEER, World, with_ann

from mailkeep.model.errors import AlreadyExists, Invalid, LimitReached, NotFound
from mailkeep.model.ids import AccountId
from mailkeep.service.accounts import ConnectionCounts
from mailkeep.service.bus import Bus
from mailkeep.service.ledger import Ledger
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.passwords import prepare_password
from mailkeep.store.contract import AccountState


@pytest.mark.rfc("8265", "4.2")
@pytest.mark.parametrize("password", ["", "a\tb", "a\0", "x" * 1025, "\udc80"], ids=ascii)
def test_what_cannot_be_a_password_is_refused(password: str) -> None:
    with pytest.raises(Invalid):
        prepare_password(password)


# --- lives


@with_ann
async def test_a_new_account_has_its_first_mailboxes(world: World) -> None:
    names = {mailbox.name for mailbox in await Mailboxes(world.store, Bus()).list(world.accounts.get(ANN).id)}
    assert names == {"INBOX", "Sent", "Drafts", "Trash", "Junk", "Archive"}


@with_ann
async def test_an_address_is_kept_in_its_normal_form(world: World) -> None:
    made = await world.accounts.create("Jo\u0308rg@Bücher.example", "secret")
    assert made.address == "jörg@xn--bcher-kva.example"
    assert world.accounts.get("jörg@xn--bcher-kva.example").id == made.id


@with_ann
async def test_an_address_is_taken_once(world: World) -> None:
    with pytest.raises(AlreadyExists):
        await world.accounts.create("ANN@example.org", "secret")


@with_ann
async def test_a_creation_cut_short_is_finished_by_the_next_one_or_by_the_server(world: World) -> None:
    world.directory.add("bob@example.org", None, 0)
    world.directory.add("eve@example.org", None, 0)
    await world.accounts.create("bob@example.org", "secret")
    assert await world.accounts.finish() == ("eve@example.org",)
    assert {account.state for account in world.accounts.list()} == {AccountState.ACTIVE}
    assert await world.log_in("bob@example.org", "secret", PEER)
    await world.fails("", address="eve@example.org")


@with_ann
async def test_a_removed_account_is_gone_with_its_mail_and_its_number_is_not_used_again(world: World) -> None:
    account = world.accounts.get(ANN).id
    await world.log_in(ANN, "secret", PEER)
    await world.accounts.remove(ANN)
    await world.fails("secret")
    with pytest.raises(NotFound):
        world.accounts.get(ANN)
    assert (await world.accounts.create(ANN, "secret")).id != account


@with_ann
async def test_a_removal_cut_short_takes_no_mail_and_is_finished(world: World) -> None:
    world.directory.set_state(world.accounts.get(ANN).id, AccountState.REMOVING)
    assert world.accounts.find(ANN) is None
    await world.fails("secret")
    assert await world.accounts.finish() == (ANN,)
    assert world.accounts.list() == ()


@with_ann
async def test_what_is_not_there_cannot_be_changed(world: World) -> None:
    for change in (
        world.accounts.remove("bob@example.org"),
        world.accounts.set_password("bob@example.org", "secret"),
    ):
        with pytest.raises(NotFound):
            await change


@with_ann
async def test_a_bad_address_or_password_makes_no_account(world: World) -> None:
    for address, password in (("bob", "secret"), ("bob@example.org", ""), ("b\nb@example.org", "secret")):
        with pytest.raises(Invalid):
            await world.accounts.create(address, password)
    assert len(world.accounts.list()) == 1


# --- connections


def test_connections_of_an_account_are_limited_and_can_be_given_back() -> None:
    ledger = Ledger.alone()
    counts = ConnectionCounts(ledger, 2)
    ann, bob = AccountId(1), AccountId(2)
    counts.acquire(ann)
    counts.acquire(ann)
    with pytest.raises(LimitReached):
        counts.acquire(ann)
    counts.acquire(bob)
    counts.release(ann)
    counts.acquire(ann)
    for account in (ann, ann, bob):
        counts.release(account)
    assert len(ledger) == 0
