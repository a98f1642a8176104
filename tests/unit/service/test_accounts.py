"""Accounts: their lives, their passwords, and who is made to wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from tests.scram_client import ScramClient

from mailkeep.formats.scram import Scram
from mailkeep.model.errors import (
    AlreadyExists,
    AuthenticationFailed,
    Invalid,
    LimitReached,
    NotFound,
    Unavailable,
)
from mailkeep.model.ids import AccountId
from mailkeep.service.accounts import CACHE_S, Accounts, ConnectionCounts, prepare_password
from mailkeep.service.bus import Bus
from mailkeep.service.ledger import Ledger
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.store.contract import AccountState, Directory, Store
from mailkeep.store.sqlite.store import SqliteStore

ANN = "ann@example.org"
PEER = "192.0.2.7"


class CountingHasher(PasswordHasher):
    """Argon2 with as little work as it allows, that counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.checks = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        self.checks += 1
        return bool(super().verify(hash, password))


@dataclass
class World:
    store: Store
    directory: Directory
    hasher: CountingHasher = field(default_factory=CountingHasher)
    now: float = 1_000_000.0
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.accounts = Accounts(
            self.directory,
            self.store,
            clock=lambda: self.now,
            now=lambda: self.now,
            sleep=self.sleep,
            hasher=self.hasher,
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def fails(self, password: str = "wrong", address: str = ANN, peer: str = PEER) -> None:
        with pytest.raises(AuthenticationFailed):
            await self.accounts.authenticate(address, password, peer)


@asynccontextmanager
async def world(directory: Path) -> AsyncIterator[World]:
    async with SqliteStore(directory) as store:
        yield World(store, store.directory)


def with_ann(test: Callable[[World], Awaitable[None]]) -> Callable[[Path], None]:
    """Run a test in a world in which Ann has an account with the password "secret"."""

    @wraps(test)
    def run(tmp_path: Path) -> None:
        async def scenario() -> None:
            async with world(tmp_path) as a_world:
                await a_world.accounts.create(ANN, "secret")
                await test(a_world)

        asyncio.run(scenario())

    del run.__wrapped__  # pytest looks through it, and would ask for a fixture "world"
    return run


# --- logging in


@with_ann
async def test_the_right_password_opens_the_account_whatever_the_spelling_of_the_address(world: World) -> None:
    account = world.accounts.get(ANN).id
    for address in (ANN, "Ann@EXAMPLE.org", "ann@example.org."):
        assert await world.accounts.authenticate(address, "secret", PEER) == account
    assert world.slept == []


@with_ann
async def test_a_wrong_password_and_an_unknown_user_look_alike_and_cost_one_hash_each(world: World) -> None:
    errors = []
    for address in (ANN, "nobody@example.org", "no address at all", "x" * 3000):
        before = world.hasher.checks
        with pytest.raises(AuthenticationFailed) as error:
            await world.accounts.authenticate(address, "wrong", PEER)
        errors.append((error.value.text, world.hasher.checks - before, world.slept.pop()))
    assert set(errors) == {("Wrong user name or password", 1, 0.25)}


@with_ann
async def test_a_password_that_cannot_be_one_fails_like_any_other(world: World) -> None:
    for password in ("", "a\nb", "x" * 2000, "\udc80"):
        await world.fails(password)
    assert world.hasher.checks == 4


@with_ann
async def test_a_detail_in_the_address_does_not_log_in(world: World) -> None:
    await world.fails("secret", address="ann+lists@example.org")


@with_ann
async def test_failures_slow_down_the_next_tries_for_the_account_from_wherever_they_come(world: World) -> None:
    for number in range(6):
        await world.fails(f"wrong{number}", peer=f"192.0.2.{number}")
    assert world.slept == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0]


@with_ann
async def test_failures_of_many_accounts_slow_down_the_address_they_come_from(world: World) -> None:
    for number in range(13):
        await world.fails(address=f"user{number}@example.org")
    assert world.slept[9:] == [0.25, 0.25, 0.5, 1.0]
    world.slept.clear()
    await world.fails(address="another@example.org", peer="198.51.100.1")
    assert world.slept == [0.25]


@with_ann
async def test_this_machine_is_slowed_down_per_account_only(world: World) -> None:
    for number in range(30):
        await world.fails(address=f"user{number}@example.org", peer="127.0.0.1")
    assert set(world.slept) == {0.25}
    world.slept.clear()
    for number in range(3):
        await world.fails(f"wrong{number}", peer="::1")
    assert world.slept == [0.25, 0.5, 1.0]


@with_ann
async def test_success_forgives_the_failures_of_the_account(world: World) -> None:
    for number in range(4):
        await world.fails(f"wrong{number}")
    await world.accounts.authenticate(ANN, "secret", PEER)
    world.slept.clear()
    await world.fails()
    assert world.slept == [0.25]


@with_ann
async def test_many_guesses_at_once_are_no_faster_than_one_after_the_other(world: World) -> None:
    for number in range(5):
        await world.fails(f"wrong{number}")
    tries = [world.accounts.authenticate(ANN, f"guess{number}", PEER) for number in range(50)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Unavailable) for result in results) >= 44
    assert world.hasher.checks <= 5 + 6


@with_ann
async def test_logins_with_the_same_password_at_the_same_time_cost_one_hash(world: World) -> None:
    tries = [world.accounts.authenticate(ANN, "secret", PEER) for _ in range(100)]
    assert set(await asyncio.gather(*tries)) == {world.accounts.get(ANN).id}
    assert world.hasher.checks == 1


@with_ann
async def test_a_hundred_devices_with_an_old_password_count_as_one_failure(world: World) -> None:
    tries = [world.accounts.authenticate(ANN, "old", PEER) for _ in range(100)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(result, AuthenticationFailed) for result in results)
    assert world.slept == [0.25]


@with_ann
async def test_when_the_first_of_many_hangs_up_another_carries_on(world: World) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(world.accounts.authenticate(ANN, "secret", PEER))
        second = group.create_task(world.accounts.authenticate(ANN, "secret", PEER))
        await asyncio.sleep(0)
        first.cancel()
    assert second.result() == world.accounts.get(ANN).id


@with_ann
async def test_hanging_up_while_the_password_is_checked_counts_as_a_failure(world: World) -> None:
    async with asyncio.TaskGroup() as group:
        hasty = group.create_task(world.accounts.authenticate(ANN, "guess", PEER))
        await asyncio.sleep(0)
        hasty.cancel()
    await world.fails()
    assert world.slept == [0.25, 0.5]


@with_ann
async def test_a_recent_success_spares_the_hash_until_it_is_too_old(world: World) -> None:
    for _ in range(3):
        await world.accounts.authenticate(ANN, "secret", PEER)
    assert world.hasher.checks == 1
    world.now += CACHE_S
    await world.accounts.authenticate(ANN, "secret", PEER)
    assert world.hasher.checks == 2


@with_ann
async def test_a_recent_success_is_not_made_to_wait_while_others_guess(world: World) -> None:
    await world.accounts.authenticate(ANN, "secret", PEER)
    for number in range(6):
        await world.fails(f"wrong{number}", peer="203.0.113.9")
    world.slept.clear()
    await world.accounts.authenticate(ANN, "secret", PEER)
    assert world.slept == []


@with_ann
async def test_a_new_password_counts_at_once_and_the_old_one_no_more(world: World) -> None:
    await world.accounts.authenticate(ANN, "secret", PEER)
    await world.accounts.set_password(ANN, "another")
    await world.fails("secret")
    assert await world.accounts.authenticate(ANN, "another", PEER) == world.accounts.get(ANN).id


@with_ann
async def test_a_password_changed_while_the_old_one_is_checked_does_not_stay_valid(world: World) -> None:
    async with asyncio.TaskGroup() as group:
        login = group.create_task(asyncio.wait_for(_outcome(world, "secret"), 10))
        await asyncio.sleep(0)
        account = world.accounts.get(ANN).id
        world.directory.set_password(account, world.hasher.hash("another"))
    assert login.result() is AuthenticationFailed
    await world.fails("secret")


async def _outcome(world: World, password: str) -> object:
    try:
        return await world.accounts.authenticate(ANN, password, PEER)
    except AuthenticationFailed as error:
        return type(error)


@with_ann
async def test_passwords_are_compared_in_one_form(world: World) -> None:
    await world.accounts.set_password(ANN, "Gru\u0308n\u00a0und blau")
    await world.accounts.authenticate(ANN, "Gr\u00fcn und\u3000blau", PEER)


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
    assert await world.accounts.authenticate("bob@example.org", "secret", PEER)
    await world.fails("", address="eve@example.org")


@with_ann
async def test_a_removed_account_is_gone_with_its_mail_and_its_number_is_not_used_again(world: World) -> None:
    account = world.accounts.get(ANN).id
    await world.accounts.authenticate(ANN, "secret", PEER)
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


# --- SCRAM


def with_scram(world: World, *, learns: bool = False) -> Accounts:
    """The same accounts where verifiers are kept."""
    return Accounts(
        world.directory,
        world.store,
        clock=lambda: world.now,
        now=lambda: world.now,
        sleep=world.sleep,
        hasher=world.hasher,
        scram=True,
        learns=learns,
    )


async def proven(accounts: Accounts, address: str, password: str) -> object:
    """What becomes of a login by SCRAM-SHA-256."""
    client, server = ScramClient(address, password), Scram()
    server.begin(client.first)
    verifier = accounts.verifier(address)
    proof = server.prove(client.final(server.challenge(verifier).octets))
    try:
        return await accounts.authenticate_proven(address, verifier if proof.is_right else None, PEER)
    except AuthenticationFailed as error:
        return type(error)


@pytest.mark.rfc("5802", "3")
@with_ann
async def test_scram_works_for_passwords_that_are_set_from_then_on(world: World) -> None:
    accounts = with_scram(world)
    assert await proven(accounts, ANN, "secret") is AuthenticationFailed
    await accounts.set_password(ANN, "another")
    assert await proven(accounts, "Ann@EXAMPLE.org", "another") == accounts.get(ANN).id
    assert await proven(accounts, ANN, "secret") is AuthenticationFailed
    assert (accounts.logins, accounts.failed_logins) == (1, 2)


@with_ann
async def test_who_learns_keeps_a_verifier_of_an_older_password_that_is_used(world: World) -> None:
    accounts = with_scram(world, learns=True)
    await accounts.authenticate(ANN, "secret", PEER)
    assert await proven(accounts, ANN, "secret") == accounts.get(ANN).id
    checks = world.hasher.checks
    await accounts.authenticate(ANN, "secret", PEER)
    assert world.hasher.checks == checks


@with_ann
async def test_a_password_set_without_verifier_leaves_none_of_the_one_before(world: World) -> None:
    accounts = with_scram(world)
    await accounts.set_password(ANN, "another")
    await world.accounts.set_password(ANN, "third")
    assert await proven(accounts, ANN, "another") is AuthenticationFailed


@with_ann
async def test_wrong_proofs_are_slowed_down_like_wrong_passwords(world: World) -> None:
    accounts = with_scram(world)
    for _ in range(4):
        assert await proven(accounts, ANN, "wrong") is AuthenticationFailed
    assert world.slept == sorted(world.slept)
    assert world.slept[-1] >= 1.0


@with_ann
async def test_an_unknown_user_is_told_a_salt_that_stays_the_same(world: World) -> None:
    one, two = (with_scram(world).verifier("nobody@example.org") for _ in range(2))
    assert one.salt == two.salt


@with_ann
async def test_a_proof_against_a_password_that_has_been_changed_meanwhile_fails(world: World) -> None:
    accounts = with_scram(world)
    await accounts.set_password(ANN, "another")
    verifier = accounts.verifier(ANN)
    await accounts.set_password(ANN, "third")
    with pytest.raises(AuthenticationFailed):
        await accounts.authenticate_proven(ANN, verifier, PEER)
