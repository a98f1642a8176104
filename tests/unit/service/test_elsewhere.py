"""Logging in by what others check."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from tests.unit.service.login_world import ANN, PEER, STRANGER, World, with_ann

from mailkeep.formats.bearer import OAUTHBEARER
from mailkeep.model.errors import AlreadyExists, AuthenticationFailed, Conflict, Unavailable
from mailkeep.service.accounts import ELSEWHERE
from mailkeep.service.addresses import Addresses
from mailkeep.service.arrivals import Arrivals
from mailkeep.service.authentication import Login, Service
from mailkeep.service.elsewhere import REMEMBERED_S, Elsewhere, PasswordsElsewhere, TokenLogins
from mailkeep.service.openid.claims import Bearing, TokenRefused
from mailkeep.service.ways import Attempt

BOB = "bob@example.org"


@dataclass
class Others:
    """Who knows passwords and tokens; `down`: they do not answer."""

    known: dict[str, str] = field(default_factory=lambda: {"staff": ANN, BOB: BOB, "bobs": BOB})
    secret: str = "of the others"
    down: bool = False
    asked: int = 0

    async def check(self, attempt: Attempt) -> str | None:
        self.asked += 1
        if self.down:
            raise Unavailable("They do not answer")
        return self.known.get(attempt.key) if attempt.typed == self.secret else None

    async def identify(self, token: str) -> Bearing:
        self.asked += 1
        if self.down:
            raise Unavailable("They do not answer")
        if token not in self.known:
            raise TokenRefused("it is none")
        return Bearing(self.known[token], 0.0)


def arrivals(world: World, *, create: bool = False) -> Arrivals:
    async def make(address: str) -> None:
        await world.accounts.create(address, ELSEWHERE)

    return Arrivals(world.accounts, Addresses(world.directory), make if create else None)


def ask(world: World, others: Others, *, create: bool = False) -> None:
    """From now on the others are asked."""
    admitted = arrivals(world, create=create)
    way = PasswordsElsewhere(others.check, admitted, clock=lambda: world.now)
    tokens = TokenLogins(others, admitted, scope="", configuration="")
    world.authentication.ask_others(Elsewhere(ways=(way,), tokens=tokens))


async def by_token(world: World, token: str, user: str = "", peer: str = PEER) -> Login:
    async def answer(challenge: bytes) -> bytes:
        assert challenge == b'{"status":"invalid_token"}'
        return b"\1"

    header = f"n,{'a=' + user if user else ''},\1".encode()
    return await world.authentication.log_in(
        OAUTHBEARER, header + f"auth=Bearer {token}\1\1".encode(), service=Service.IMAP, peer=peer, ask=answer
    )


# ---- passwords


@with_ann
async def test_who_has_another_password_elsewhere_has_both(world: World) -> None:
    others = Others()
    ask(world, others)
    assert (await world.log_in("staff", "of the others")).user == ANN
    assert (await world.log_in(ANN, "secret")).user == ANN
    await world.fails("of the others")  # is not what the others call her


@with_ann
async def test_a_yes_is_remembered_for_a_minute_and_a_no_is_not(world: World) -> None:
    others = Others()
    ask(world, others)
    for _ in range(3):
        await world.log_in("staff", "of the others")
    assert others.asked == 1
    world.now += REMEMBERED_S
    others.secret = "changed"
    for count in (2, 3):
        await world.fails("of the others", address="staff")
        assert others.asked == count


@with_ann
async def test_a_yes_is_remembered_for_the_address_that_had_it_alone(world: World) -> None:
    others = Others()
    ask(world, others)
    for count, peer in enumerate((PEER, STRANGER), 1):
        await world.log_in("staff", "of the others", peer=peer)
        assert others.asked == count


@with_ann
async def test_an_account_that_is_gone_is_not_opened_by_what_is_remembered(world: World) -> None:
    ask(world, Others())
    await world.log_in("staff", "of the others")
    await world.accounts.remove(ANN)
    await world.fails("of the others", address="staff")


@with_ann
async def test_while_the_others_do_not_answer_a_password_of_ours_is_right_and_none_is_wrong(world: World) -> None:
    others = Others(down=True)
    ask(world, others)
    assert (await world.log_in(ANN, "secret")).user == ANN
    for _ in range(3):
        with pytest.raises(Unavailable):
            await world.log_in(ANN, "wrong")
    assert world.slept == [0.25, 0.5]  # it was no failure, but may have been a guess at ours


@with_ann
async def test_an_empty_password_is_never_asked_about(world: World) -> None:
    others = Others(secret="")
    ask(world, others)
    await world.fails("", address="staff")
    assert others.asked == 0


@with_ann
async def test_nobody_logs_in_to_a_shared_account_by_others(world: World) -> None:
    await world.accounts.create(BOB, None)
    ask(world, Others(), create=True)
    await world.fails("of the others", address=BOB)


# ---- accounts that are made


@with_ann
async def test_an_account_is_made_once_for_all_connections_of_a_client(world: World) -> None:
    ask(world, Others(), create=True)
    logins = await asyncio.gather(*(by_token(world, "bobs") for _ in range(5)))
    assert {login.user for login in logins} == {BOB}
    assert [account.address for account in world.accounts.list()] == [ANN, BOB]
    assert not world.accounts.get(BOB).shared
    await world.fails("", address=BOB)


@with_ann
async def test_without_leave_or_in_a_domain_of_others_none_is_made(world: World) -> None:
    ask(world, Others())
    await world.fails("of the others", address=BOB)
    ask(world, Others({"staff": "ann@elsewhere.example", "odd": "no address"}), create=True)
    await world.fails("of the others", address="staff")
    await world.fails("of the others", address="odd")
    assert [account.address for account in world.accounts.list()] == [ANN]


@with_ann
async def test_an_alias_is_no_account(world: World) -> None:
    Addresses(world.directory).add_alias(BOB, ANN)
    ask(world, Others(), create=True)
    await world.fails("of the others", address=BOB)


@pytest.mark.parametrize(("trouble", "raised"), [(Conflict("x"), Unavailable), (AlreadyExists("x"), type(None))])
def test_an_account_that_cannot_be_made_is_a_passing_fault(
    tmp_path: object, trouble: Exception, raised: type[Exception]
) -> None:
    @with_ann
    async def scenario(world: World) -> None:
        async def make(address: str) -> None:
            raise trouble

        admitted = Arrivals(world.accounts, Addresses(world.directory), make)
        if raised is Unavailable:
            with pytest.raises(Unavailable):
                await admitted.admit(BOB)
        else:
            assert await admitted.admit(BOB) is None

    scenario(tmp_path)  # type: ignore[arg-type]


# ---- tokens


@with_ann
async def test_a_token_opens_the_account_of_its_claim_and_no_other(world: World) -> None:
    ask(world, Others())
    assert (await by_token(world, "staff", "ANN@example.org")).user == ANN
    for token, user in (("staff", BOB), ("staff", "nonsense"), ("unknown", ANN), ("bobs", BOB)):
        with pytest.raises(AuthenticationFailed):
            await by_token(world, token, user)


@with_ann
async def test_refused_tokens_slow_down_their_address_and_nobody_else(world: World) -> None:
    others = Others()
    ask(world, others)
    for _ in range(20):
        with pytest.raises(AuthenticationFailed):
            await by_token(world, "unknown", ANN, peer=STRANGER)
    assert sum(world.slept) > 30
    world.slept.clear()
    await by_token(world, "staff", ANN)
    await world.log_in(ANN, "secret")
    assert world.slept == []


@with_ann
async def test_a_client_whose_tokens_have_expired_is_not_made_to_wait_for_a_new_one(world: World) -> None:
    ask(world, Others())
    for _ in range(8):
        with pytest.raises(AuthenticationFailed):
            await by_token(world, "unknown", ANN)
    await by_token(world, "staff", ANN)
    assert world.slept == []


@with_ann
async def test_what_runs_for_the_others_ends_when_they_are_asked_no_more(world: World) -> None:
    ended: list[bool] = []
    world.authentication.ask_others(Elsewhere(close=lambda: ended.append(True)))
    world.authentication.ask_others(Elsewhere())
    assert ended == [True]
    assert world.authentication.mechanisms(Service.IMAP) == ("PLAIN", "LOGIN")
