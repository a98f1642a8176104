"""Who may log in, with what password, and who is made to wait."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import structlog.testing
from argon2 import PasswordHasher
from tests.scram_client import ScramClient
from tests.unit.service.login_world import ANN, PEER, STRANGER, World, with_ann

from mailkeep.model.errors import AuthenticationFailed, Invalid, MailError, Unavailable
from mailkeep.service.accounts import Hashed
from mailkeep.service.authentication import Login, Service
from mailkeep.service.own_passwords import CACHE_S
from mailkeep.service.ways import Attempt

# --- logging in


@with_ann
async def test_the_right_password_opens_the_account_whatever_the_spelling_of_the_address(world: World) -> None:
    account = world.accounts.get(ANN).id
    for address in (ANN, "Ann@EXAMPLE.org", "ann@example.org."):
        assert (await world.log_in(address, "secret", PEER)).account == account
    assert world.slept == []


@with_ann
async def test_a_wrong_password_and_an_unknown_user_look_alike_and_cost_one_hash_each(world: World) -> None:
    errors = []
    for address in (ANN, "nobody@example.org", "no address at all", "x" * 3000):
        before = world.hasher.checks
        with pytest.raises(AuthenticationFailed) as error:
            await world.log_in(address, "wrong", PEER)
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
    await world.log_in(ANN, "secret", PEER)
    world.slept.clear()
    await world.fails()
    assert world.slept == [0.25]


@with_ann
async def test_many_guesses_at_once_are_no_faster_than_one_after_the_other(world: World) -> None:
    for number in range(5):
        await world.fails(f"wrong{number}")
    tries = [world.log_in(ANN, f"guess{number}", PEER) for number in range(50)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Unavailable) for result in results) >= 44
    assert world.hasher.checks <= 5 + 6


@with_ann
async def test_logins_with_the_same_password_at_the_same_time_cost_one_hash(world: World) -> None:
    tries = [world.log_in(ANN, "secret", PEER) for _ in range(100)]
    assert {login.account for login in await asyncio.gather(*tries)} == {world.accounts.get(ANN).id}
    assert world.hasher.checks == 1


@with_ann
async def test_a_hundred_devices_with_an_old_password_count_as_one_failure(world: World) -> None:
    tries = [world.log_in(ANN, "old", PEER) for _ in range(100)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(result, AuthenticationFailed) for result in results)
    assert world.slept == [0.25]


@with_ann
async def test_when_the_first_of_many_hangs_up_another_carries_on(world: World) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(world.log_in(ANN, "secret", PEER))
        second = group.create_task(world.log_in(ANN, "secret", PEER))
        await asyncio.sleep(0)
        first.cancel()
    assert second.result().account == world.accounts.get(ANN).id


@with_ann
async def test_hanging_up_while_the_password_is_checked_counts_as_a_failure(world: World) -> None:
    async with asyncio.TaskGroup() as group:
        hasty = group.create_task(world.log_in(ANN, "guess", PEER))
        await asyncio.sleep(0)
        hasty.cancel()
    await world.fails()
    assert world.slept == [0.25, 0.5]


@with_ann
async def test_a_recent_success_spares_the_hash_until_it_is_too_old(world: World) -> None:
    for _ in range(3):
        await world.log_in(ANN, "secret", PEER)
    assert world.hasher.checks == 1
    world.now += CACHE_S
    await world.log_in(ANN, "secret", PEER)
    assert world.hasher.checks == 2


@with_ann
async def test_a_recent_success_is_not_made_to_wait_while_others_guess(world: World) -> None:
    await world.log_in(ANN, "secret", PEER)
    for number in range(6):
        await world.fails(f"wrong{number}", peer="203.0.113.9")
    world.slept.clear()
    await world.log_in(ANN, "secret", PEER)
    assert world.slept == []


@with_ann
async def test_a_stranger_cannot_find_out_without_waiting_what_was_right_lately(world: World) -> None:
    await world.log_in(ANN, "secret", PEER)
    for number in range(3):
        await world.fails(f"wrong{number}", peer=STRANGER)
    world.slept.clear()
    tries = [world.log_in(ANN, guess, STRANGER) for guess in (*map(str, range(50)), "secret")]
    *_, last = await asyncio.gather(*tries, return_exceptions=True)
    assert isinstance(last, Unavailable)
    assert world.slept


@with_ann
async def test_the_same_wrong_password_from_two_addresses_is_a_failure_of_each(world: World) -> None:
    tries = [world.log_in(ANN, "old", peer) for peer in (PEER, PEER, STRANGER)]
    assert all(isinstance(each, AuthenticationFailed) for each in await asyncio.gather(*tries, return_exceptions=True))
    assert world.guard.failed == 2


@with_ann
async def test_a_new_password_counts_at_once_and_the_old_one_no_more(world: World) -> None:
    await world.log_in(ANN, "secret", PEER)
    await world.accounts.set_password(ANN, "another")
    await world.fails("secret")
    assert await world.log_in(ANN, "another", PEER)


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
        return await world.log_in(ANN, password, PEER)
    except AuthenticationFailed as error:
        return type(error)


@with_ann
async def test_passwords_are_compared_in_one_form(world: World) -> None:
    await world.accounts.set_password(ANN, "Gru\u0308n\u00a0und blau")
    await world.log_in(ANN, "Gr\u00fcn und\u3000blau", PEER)


# --- SCRAM


async def proven(world: World, address: str, password: str, service: Service = Service.IMAP) -> object:
    """What becomes of a login by SCRAM-SHA-256: the account's number, or what was raised."""
    client = ScramClient(address, password)
    answers = iter((client.final, lambda _: b""))

    async def ask(challenge: bytes) -> bytes:
        return next(answers)(challenge)

    try:
        login = await world.authentication.log_in("SCRAM-SHA-256", client.first, service=service, peer=PEER, ask=ask)
    except MailError as error:
        return type(error)
    return login.account


@pytest.mark.rfc("5802", "3")
@with_ann
async def test_scram_works_for_passwords_that_are_set_from_then_on(world: World) -> None:
    world.build(scram=True)
    assert await proven(world, ANN, "secret") is AuthenticationFailed
    await world.accounts.set_password(ANN, "another")
    assert await proven(world, "Ann@EXAMPLE.org", "another") == world.accounts.get(ANN).id
    assert await proven(world, ANN, "secret") is AuthenticationFailed
    assert (world.guard.logins, world.guard.failed) == (1, 2)


@with_ann
async def test_who_learns_keeps_a_verifier_of_an_older_password_that_is_used(world: World) -> None:
    world.build(scram=True)
    await world.log_in(ANN, "secret", PEER)
    assert await proven(world, ANN, "secret") == world.accounts.get(ANN).id
    checks = world.hasher.checks
    await world.log_in(ANN, "secret", PEER)
    assert world.hasher.checks == checks


@with_ann
async def test_a_password_set_without_verifier_leaves_none_of_the_one_before(world: World) -> None:
    world.build(scram=True)
    await world.accounts.set_password(ANN, "another")
    await world.accounts.set_password(ANN, "third")
    assert await proven(world, ANN, "another") is AuthenticationFailed


@with_ann
async def test_wrong_proofs_are_slowed_down_like_wrong_passwords(world: World) -> None:
    world.build(scram=True)
    for _ in range(4):
        assert await proven(world, ANN, "wrong") is AuthenticationFailed
    assert world.slept == sorted(world.slept)
    assert world.slept[-1] >= 1.0


@with_ann
async def test_an_unknown_user_is_told_a_salt_that_stays_the_same_however_he_is_spelled(world: World) -> None:
    salts = []
    for name in ("nobody@example.org", "nobody@example.org", "Nobody@example.org"):
        world.build(scram=True)
        client = ScramClient(name, "secret")
        with pytest.raises(GaveUp) as left:
            await world.authentication.log_in(
                "SCRAM-SHA-256", client.first, service=Service.IMAP, peer=PEER, ask=give_up
            )
        salts.append(left.value.args[0].split(b",")[1])
    assert len(set(salts)) == 1


class GaveUp(Exception):
    pass


async def give_up(challenge: bytes) -> bytes:
    raise GaveUp(challenge)


@with_ann
async def test_a_proof_against_a_password_that_has_been_changed_meanwhile_fails(world: World) -> None:
    world.build(scram=True)
    await world.accounts.set_password(ANN, "another")
    client = ScramClient(ANN, "another")

    async def ask(challenge: bytes) -> bytes:
        await world.accounts.set_password(ANN, "third")
        return client.final(challenge)

    with pytest.raises(AuthenticationFailed):
        await world.authentication.log_in("SCRAM-SHA-256", client.first, service=Service.IMAP, peer=PEER, ask=ask)


@with_ann
async def test_a_login_that_ends_before_the_client_says_its_last_word_never_begins(world: World) -> None:
    world.build(scram=True)
    await world.accounts.set_password(ANN, "another")
    client = ScramClient(ANN, "another")

    async def ask(challenge: bytes) -> bytes:
        if challenge.startswith(b"r="):
            return client.final(challenge)
        await world.accounts.set_password(ANN, "third")
        return b""

    with pytest.raises(AuthenticationFailed):
        await world.authentication.log_in("SCRAM-SHA-256", client.first, service=Service.IMAP, peer=PEER, ask=ask)


# --- known addresses


@with_ann
async def test_strangers_do_not_slow_down_an_address_from_which_the_account_was_opened(world: World) -> None:
    await world.log_in()
    for number in range(6):
        await world.fails(f"wrong{number}", peer=STRANGER)
    world.now += CACHE_S  # what was right lately is forgotten, the address is not
    world.slept.clear()
    await world.log_in()
    assert world.slept == []


@with_ann
async def test_failures_from_a_known_address_slow_down_that_address_alone(world: World) -> None:
    for peer in (PEER, "198.51.100.1"):
        await world.log_in(peer=peer)
    for number in range(3):
        await world.fails(f"wrong{number}")
    assert world.slept == [0.25, 0.5, 1.0]
    world.now += CACHE_S
    world.slept.clear()
    await world.log_in(peer="198.51.100.1")
    assert world.slept == []


@with_ann
async def test_success_from_a_known_address_does_not_give_strangers_new_guesses(world: World) -> None:
    await world.log_in()
    for number in range(3):
        await world.fails(f"wrong{number}", peer=STRANGER)
    world.now += CACHE_S
    await world.log_in()
    world.slept.clear()
    await world.fails(peer=STRANGER)
    assert world.slept[-1] > 0.25


@with_ann
async def test_a_known_address_is_not_slowed_down_by_others_behind_it(world: World) -> None:
    await world.log_in()
    for number in range(20):
        with pytest.raises((AuthenticationFailed, Unavailable)):
            await world.log_in(f"user{number}@example.org", "wrong")
    world.now += CACHE_S - 200
    world.slept.clear()
    await world.log_in()
    assert world.slept == []


@with_ann
async def test_an_ipv6_customer_is_known_whatever_address_of_his_he_uses(world: World) -> None:
    await world.log_in(peer="2001:db8:1:2::77")
    assert world.guard.knows(ANN, "2001:db8:1:2:aaaa:bbbb:cccc:dddd")
    assert not world.guard.knows(ANN, "2001:db8:1:3::77")


@with_ann
async def test_this_machine_is_never_known_as_it_speaks_for_many(world: World) -> None:
    await world.log_in(peer="127.0.0.1")
    assert not world.guard.knows(ANN, "127.0.0.1")


# --- the log


@with_ann
async def test_a_failure_is_logged_with_the_address_and_names_only_accounts_that_there_are(world: World) -> None:
    with structlog.testing.capture_logs() as lines:
        await world.fails("hunter2", address="Ann@Example.ORG")
        await world.fails("wrong", address="hunter2")
    assert [(line["event"], line["peer"], line["service"], line["account"]) for line in lines] == [
        ("auth.failed", PEER, "imap", ANN),
        ("auth.failed", PEER, "imap", None),
    ]
    assert "hunter2" not in str(lines)


# --- hashes of imported accounts


@pytest.mark.parametrize(
    "hashed",
    [
        "$2b$04$x51GkN4m1cJX6iopD2nMMuNfG.ota6.xPpBKLYg0qo9oDkrayNfeO",
        "{SHA512-CRYPT}$6$rounds=1000$saltsalt$"
        "LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNKJ/otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/",
    ],
    ids=["bcrypt", "sha512-crypt"],
)
def test_a_password_whose_hash_was_imported_opens_the_account_and_is_hashed_anew(hashed: str, tmp_path: Path) -> None:
    @with_ann
    async def scenario(world: World) -> None:
        await world.accounts.set_password(ANN, Hashed(hashed))
        await world.fails("wrong")
        login = await world.log_in(ANN, "secret")
        entry = world.directory.find(ANN)
        assert entry is not None
        assert (entry.password or "").startswith("$argon2id$")
        assert world.authentication.stands(login)
        world.now += CACHE_S
        await world.log_in(ANN, "secret")

    scenario(tmp_path)


@with_ann
async def test_an_argon2id_hash_of_weaker_parameters_is_made_anew(world: World) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash("secret")
    await world.accounts.set_password(ANN, Hashed(weak))
    await world.log_in()
    entry = world.directory.find(ANN)
    assert entry is not None
    assert entry.password != weak


@with_ann
async def test_what_is_no_hash_is_not_taken(world: World) -> None:
    with pytest.raises(Invalid):
        await world.accounts.set_password(ANN, Hashed("secret"))
    await world.log_in()


# --- how long a login holds


@with_ann
async def test_a_login_ends_when_the_password_is_changed_or_the_account_removed(world: World) -> None:
    ended: list[str] = []
    login = await world.log_in()
    stop = world.authentication.watch(login, ended.append)
    world.authentication.tell_sessions(login.account)
    assert ended == []
    await world.accounts.set_password(ANN, "another")
    world.authentication.tell_sessions(login.account)
    assert len(ended) == 1
    again = await world.log_in(ANN, "another")
    await world.accounts.remove(ANN)
    assert not world.authentication.stands(again)
    stop()
    world.authentication.tell_sessions(login.account)
    assert len(ended) == 1


# --- other ways


class Elsewhere:
    """A directory elsewhere that knows Ann by another password; or that cannot be asked."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.away = False

    def recall(self, attempt: Attempt) -> Login | None:
        return None

    async def check(self, attempt: Attempt) -> Login | None:
        if self.away:
            raise Unavailable("The directory does not answer")
        return Login(self.world.accounts.get(ANN).id, ANN) if attempt.password == "elsewhere" else None

    def verifiers(self, key: str, service: Service) -> tuple[()]:
        return ()


@with_ann
async def test_ways_are_asked_one_after_the_other(world: World) -> None:
    world.build(ways=(Elsewhere(world),))
    assert await world.log_in(ANN, "elsewhere") == Login(world.accounts.get(ANN).id, ANN)
    await world.log_in(ANN, "secret")
    await world.fails("wrong")


@with_ann
async def test_a_way_that_cannot_be_asked_makes_no_wrong_password(world: World) -> None:
    elsewhere = Elsewhere(world)
    world.build(ways=(elsewhere,))
    elsewhere.away = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            await world.log_in(ANN, "elsewhere")
    assert (world.slept, world.guard.failed) == ([0.25, 0.5], 0)  # a password of ours may be guessed at meanwhile
    await world.log_in(ANN, "secret")
