"""Addresses: which accounts they lead to, and who may send as them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.errors import AlreadyExists, Conflict, Invalid, NotFound, Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.service.addresses import Addresses
from mailkeep.store.contract import AccountState
from mailkeep.store.sqlite.directory import SqliteDirectory

NOW = 1_700_000_000


class World:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.directory = SqliteDirectory(path, 1)
        self.addresses = Addresses(self.directory, now=lambda: float(NOW))
        self.ann, self.bob = self.account("ann@example.org"), self.account("bob@example.org")

    def account(self, address: str) -> AccountId:
        account = self.directory.add(address, None, NOW).account
        self.directory.set_state(account, AccountState.ACTIVE)
        return account


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "directory.db")
    yield made
    made.directory.close()


@pytest.mark.parametrize(
    "address",
    ["ann@example.org", "ANN@Example.Org.", "ann+lists@example.org", "Ann+a+b@example.org", '"ann"@example.org'],
)
def test_an_address_leads_to_its_account_with_and_without_detail(world: World, address: str) -> None:
    assert world.addresses.resolve(address) == (world.ann,)
    assert world.addresses.may_send(world.ann, address)
    assert not world.addresses.may_send(world.bob, address)


@pytest.mark.parametrize("address", ["eve@example.org", "ann@example.com", "+ann@example.org", "ann", "", "@", "a b@c"])
def test_an_address_of_nobody_leads_nowhere(world: World, address: str) -> None:
    with pytest.raises(NotFound):
        world.addresses.resolve(address)
    assert not world.addresses.may_send(world.ann, address)


def test_an_alias_leads_to_all_its_accounts_with_details_too(world: World) -> None:
    world.addresses.add_alias("Team@example.org", "bob@example.org")
    world.addresses.add_alias("team@Example.org", "ann@example.org")
    assert world.addresses.resolve("TEAM+x@example.org") == (world.ann, world.bob)
    assert world.addresses.may_send(world.ann, "team@example.org")
    assert world.addresses.may_send(world.bob, "team+y@example.org")


def test_an_alias_with_a_plus_is_found_before_the_detail_is_taken_off(world: World) -> None:
    world.addresses.add_alias("ann+work@example.org", "bob@example.org")
    assert world.addresses.resolve("ann+work@example.org") == (world.bob,)
    assert not world.addresses.may_send(world.ann, "ann+work@example.org")
    assert world.addresses.resolve("ann+play@example.org") == (world.ann,)


def test_an_account_whose_own_address_has_a_plus_is_found_first(world: World) -> None:
    work = world.account("ann+work@example.org")
    assert world.addresses.resolve("ann+work@example.org") == (work,)
    assert world.addresses.resolve("ann+play@example.org") == (world.ann,)


def test_the_catch_all_gets_what_nobody_else_has(world: World) -> None:
    world.addresses.add_alias("@example.org", "bob@example.org")
    assert world.addresses.resolve("no-such@example.org") == (world.bob,)
    assert world.addresses.resolve("ann+x@example.org") == (world.ann,)
    assert world.addresses.may_send(world.bob, "shop1@example.org")
    assert not world.addresses.may_send(world.bob, "ann@example.org")
    with pytest.raises(NotFound):
        world.addresses.resolve("no-such@example.com")


def test_u_labels_and_a_labels_are_one_domain(world: World) -> None:
    world.directory.names.add_domain("xn--bcher-kva.example", (), NOW)
    world.addresses.add_alias("jörg@Bücher.example", "ann@example.org")
    assert world.addresses.is_local("BÜCHER.example")
    assert world.addresses.resolve("Jo\u0308rg@xn--bcher-kva.example") == (world.ann,)


def test_domains_are_local_once_added_or_as_soon_as_an_account_is_in_them(world: World) -> None:
    assert all(map(world.addresses.is_local, ("example.org", "EXAMPLE.ORG.")))
    assert not any(map(world.addresses.is_local, ("org", "example.net", "", "a b", "rg", "xample.org")))
    world.directory.names.add_domain("example.net", (), NOW)
    assert world.addresses.is_local("example.net")


def test_a_domain_in_use_is_not_removed(world: World) -> None:
    names = world.directory.names
    names.add_domain("example.net", (), NOW)
    names.add_domain("example.org", (), NOW)
    world.addresses.add_alias("x@example.net", "ann@example.org")
    for domain in ("example.net", "example.org"):
        with pytest.raises(Conflict):
            names.remove_domain(domain)
    world.addresses.remove_alias("x@example.net")
    names.remove_domain("example.net")
    assert not world.addresses.is_local("example.net")
    with pytest.raises(NotFound):
        names.remove_domain("example.net")


def test_aliases_lead_from_local_domains_to_accounts_only(world: World) -> None:
    with pytest.raises(Invalid):
        world.addresses.add_alias("ann@example.com", "ann@example.org")
    with pytest.raises(NotFound):
        world.addresses.add_alias("x@example.org", "eve@example.com")
    for nonsense in ("x", "", "@", "@@", "x@"):
        with pytest.raises(Invalid):
            world.addresses.add_alias(nonsense, "ann@example.org")


def test_an_address_is_either_an_account_or_an_alias(world: World) -> None:
    world.addresses.add_alias("x@example.org", "ann@example.org")
    with pytest.raises(AlreadyExists):
        world.addresses.add_alias("X@example.org", "ann@example.org")
    with pytest.raises(AlreadyExists):
        world.addresses.add_alias("bob@example.org", "ann@example.org")
    with pytest.raises(AlreadyExists):
        world.account("x@example.org")


def test_an_alias_is_taken_from_one_account_or_from_all(world: World) -> None:
    for account in ("ann@example.org", "bob@example.org"):
        world.addresses.add_alias("x@example.org", account)
        world.addresses.add_alias("y@example.org", account)
    world.addresses.remove_alias("x@example.org", "ann@example.org")
    assert world.addresses.resolve("x@example.org") == (world.bob,)
    world.addresses.remove_alias("y@example.org")
    assert world.addresses.list_aliases() == (("x@example.org", "bob@example.org"),)
    for alias, account in (("y@example.org", None), ("x@example.org", "ann@example.org"), ("x@example.org", "eve@a.b")):
        with pytest.raises(NotFound):
            world.addresses.remove_alias(alias, account)


def test_an_account_that_goes_takes_its_aliases_along(world: World) -> None:
    world.addresses.add_alias("x@example.org", "ann@example.org")
    world.addresses.add_alias("x@example.org", "bob@example.org")
    world.directory.set_state(world.ann, AccountState.REMOVING)
    assert world.addresses.resolve("x@example.org") == (world.bob,)
    world.directory.remove(world.ann)
    assert world.addresses.list_aliases() == (("x@example.org", "bob@example.org"),)


def test_an_alias_to_no_account_is_found(world: World) -> None:
    world.addresses.add_alias("x@example.org", "ann@example.org")
    assert world.addresses.check() == ()
    with contextlib.closing(sqlite3.connect(world.path)) as foreign:
        foreign.execute("UPDATE alias SET account = 99")
        foreign.commit()
    assert world.addresses.check() == (("x@example.org", "leads to account 99, which is not there"),)
    with pytest.raises(NotFound):
        world.addresses.resolve("x@example.org")


@pytest.mark.parametrize("state", [AccountState.CREATING, AccountState.MOVING])
def test_an_account_on_its_way_takes_no_mail_for_now(world: World, state: AccountState) -> None:
    world.addresses.add_alias("x@example.org", "ann@example.org")
    world.addresses.add_alias("x@example.org", "bob@example.org")
    world.directory.set_state(world.bob, state)
    for address in ("bob@example.org", "x@example.org"):
        with pytest.raises(Unavailable):
            world.addresses.resolve(address)


@pytest.mark.rfc("5321", "4.5.1")
def test_every_local_domain_has_a_postmaster_once_one_has(world: World) -> None:
    world.directory.names.add_domain("example.net", (), NOW)
    for address in ("postmaster", "postmaster@example.net", "abuse@example.net"):
        with pytest.raises(NotFound):
            world.addresses.resolve(address)
    world.directory.names.add_domain("example.org", (), NOW)
    world.addresses.add_alias("postmaster@example.org", "bob@example.org")
    for address in ("PostMaster", "postmaster@example.net", "Abuse@example.net", "postmaster+x@example.org"):
        assert world.addresses.resolve(address) == (world.bob,)
    with pytest.raises(NotFound):
        world.addresses.resolve("postmaster@example.com")


def test_any_text_is_an_address_of_somebody_or_of_nobody(world: World) -> None:
    @given(st.text(max_size=40) | st.text('aA@+."\\[]:é\0 ', max_size=20))
    def scenario(text: str) -> None:
        with pytest.raises(NotFound):
            world.addresses.resolve(text)
        assert not world.addresses.is_local(text)

    scenario()
