"""App passwords: what they open, for how long, and what is told of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.service.login_world import ANN, World, with_ann
from tests.unit.service.test_authentication import proven

from mailkeep.model.errors import AuthenticationFailed, Invalid, LimitReached, NotFound
from mailkeep.service.app_passwords import MOST
from mailkeep.service.authentication import Service

ALL = frozenset(Service)
RECEIVING = frozenset({Service.IMAP, Service.POP3})


async def made(world: World, services: frozenset[Service] = ALL, **more: object) -> tuple[int, str]:
    """The number of a new one of Ann's, and what has to be typed."""
    new, secret = await world.app_passwords.add(
        world.accounts.get(ANN).id,
        "phone",
        services=services,
        **more,  # type: ignore[arg-type]
    )
    return new.number, secret


@with_ann
async def test_it_opens_the_account_without_a_slow_hash_and_beside_the_main_password(world: World) -> None:
    number, secret = await made(world)
    login = await world.log_in(ANN, secret)
    assert (login.account, login.user, login.app_password) == (world.accounts.get(ANN).id, ANN, number)
    assert world.hasher.checks == 0
    await world.log_in(ANN, "secret")


@with_ann
async def test_how_it_is_spelled_does_not_matter(world: World) -> None:
    _, secret = await made(world)
    for typed in (secret.upper(), secret.replace("-", ""), secret.replace("-", " "), f" {secret}"):
        await world.log_in("ANN@example.org", typed)


@with_ann
async def test_it_opens_only_the_account_that_it_was_made_for(world: World) -> None:
    await world.accounts.create("bob@example.org", "secret")
    _, secret = await made(world)
    await world.fails(secret, address="bob@example.org")


@with_ann
async def test_it_opens_only_what_it_was_made_for(world: World) -> None:
    _, secret = await made(world, RECEIVING)
    await world.log_in(ANN, secret, service=Service.POP3)
    await world.fails(secret, service=Service.SMTP)
    await world.fails(secret, service=Service.HTTP)


@with_ann
async def test_of_one_for_reading_the_login_says_so(world: World) -> None:
    _, secret = await made(world, RECEIVING, read_only=True)
    assert (await world.log_in(ANN, secret)).read_only


@with_ann
async def test_who_may_only_read_may_not_send(world: World) -> None:
    with pytest.raises(Invalid):
        await made(world, ALL, read_only=True)


@with_ann
async def test_it_ends_at_its_time_with_the_logins_that_it_opened(world: World) -> None:
    _, secret = await made(world, expires_at=int(world.now) + 100)
    login = await world.log_in(ANN, secret)
    world.now += 99
    assert world.authentication.stands(login)
    world.now += 1
    assert not world.authentication.stands(login)
    await world.fails(secret)
    [expired] = world.app_passwords.list_newly_expired()
    assert expired.number == login.app_password
    assert world.app_passwords.list_newly_expired() == ()


@with_ann
async def test_revoked_it_opens_nothing_and_its_sessions_are_told(world: World) -> None:
    number, secret = await made(world)
    other, _ = await made(world)
    account = world.accounts.get(ANN).id
    ended: list[str] = []
    login = await world.log_in(ANN, secret)
    world.authentication.watch(login, ended.append)
    world.authentication.watch(replace(login, app_password=other), ended.append)
    world.authentication.watch(await world.log_in(ANN, "secret"), ended.append)
    world.app_passwords.revoke(account, number)
    world.authentication.tell_sessions(account)
    assert len(ended) == 1
    await world.fails(secret)
    assert [kept.number for kept in world.app_passwords.list(account)] == [other]


@with_ann
async def test_one_of_another_account_cannot_be_revoked(world: World) -> None:
    bob = await world.accounts.create("bob@example.org", "secret")
    number, _ = await made(world)
    with pytest.raises(NotFound):
        world.app_passwords.revoke(bob.id, number)


@with_ann
async def test_a_change_of_the_main_password_leaves_it_alone(world: World) -> None:
    _, secret = await made(world)
    login = await world.log_in(ANN, secret)
    await world.accounts.set_password(ANN, "another")
    assert world.authentication.stands(login)
    await world.log_in(ANN, secret)


@with_ann
async def test_when_it_was_used_is_written_down_a_little_later(world: World) -> None:
    number, secret = await made(world)
    await world.log_in(ANN, secret)
    used_at, changes = int(world.now), world.directory.changes
    world.now += 20
    assert world.directory.app_passwords.find(number).used_at is None  # type: ignore[union-attr]
    world.app_passwords.tell_use()
    assert world.directory.app_passwords.find(number).used_at == used_at  # type: ignore[union-attr]
    assert world.directory.changes == changes  # nobody has to look again


@with_ann
async def test_it_is_kept_so_that_nobody_can_log_in_with_what_is_kept(world: World) -> None:
    number, secret = await made(world)
    kept = world.directory.app_passwords.find(number)
    assert kept is not None
    assert secret not in repr(kept)
    assert secret.replace("-", "") not in repr(kept)


@with_ann
async def test_guesses_at_one_are_slowed_down_like_guesses_at_a_password(world: World) -> None:
    _, secret = await made(world)
    for _ in range(3):
        await world.fails(secret[:-1] + ("a" if secret[-1] != "a" else "b"))
    assert world.slept == [0.25, 0.5, 1.0]


@pytest.mark.rfc("5802", "3")
@with_ann
async def test_scram_proves_the_main_password_or_any_of_the_others(world: World) -> None:
    world.build(scram=True)
    await world.accounts.set_password(ANN, "another")
    _, first = await made(world)
    _, second = await made(world, RECEIVING)
    account = world.accounts.get(ANN).id
    for password in ("another", first, second):
        assert await proven(world, ANN, password) == account
    assert await proven(world, ANN, second, Service.SMTP) is AuthenticationFailed


@with_ann
async def test_an_account_has_a_limited_number_of_them(world: World) -> None:
    account = world.accounts.get(ANN).id
    [one] = [await world.app_passwords.add(account, "phone", services=ALL)]
    for number in range(MOST - 1):
        world.directory.app_passwords.add(replace(one[0], digest=b"%d" % number))
    with pytest.raises(LimitReached):
        await made(world)


@pytest.mark.parametrize("label", ["", "  ", "a\nb", "x" * 101], ids=ascii)
def test_a_name_that_cannot_be_shown_is_refused(label: str, tmp_path: object) -> None:
    @with_ann
    async def scenario(world: World) -> None:
        with pytest.raises(Invalid):
            await world.app_passwords.add(world.accounts.get(ANN).id, label, services=ALL)

    scenario(tmp_path)  # type: ignore[arg-type]


@with_ann
async def test_a_removed_account_leaves_none(world: World) -> None:
    number, _ = await made(world)
    await world.accounts.remove(ANN)
    assert world.directory.app_passwords.find(number) is None


@with_ann
async def test_a_shared_account_has_none(world: World) -> None:
    shared = await world.accounts.create("team@example.org", None)
    with pytest.raises(Invalid):
        await world.app_passwords.add(shared.id, "phone", services=ALL)
