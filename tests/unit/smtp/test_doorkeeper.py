"""Who is let in to a recipient: rates, block lists (with a real name server), greylisting."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dns_server import DnsServer, dns_server

from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId
from mailkeep.model.quota import UNLIMITED
from mailkeep.net.lane import Lane
from mailkeep.net.resolver import CachingResolver
from mailkeep.service.greylist import Greylist
from mailkeep.service.ledger import Ledger
from mailkeep.service.rates import Rates
from mailkeep.smtp import block_lists
from mailkeep.smtp.block_lists import BlockLists
from mailkeep.smtp.doorkeeper import Doorkeeper, Turned
from mailkeep.smtp.loops import MAX_HOPS, count_hops
from mailkeep.smtp.wire.reply import Reply
from mailkeep.store import ops
from mailkeep.store.sqlite.store import SqliteStore

ZONES = """
2.0.0.127.bl.example.    A    127.0.0.2
7.2.0.192.bl.example.    A    127.0.0.4
7.2.0.192.bl.example.    TXT  "See https://bl.example/" "?192.0.2.7"
8.2.0.192.bl.example.    A    127.0.0.2
9.2.0.192.bl.example.    A    127.255.255.254
10.2.0.192.bl.example.   A    198.51.100.1
7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example.  A  127.0.0.2
11.2.0.192.other.example. A   127.0.0.2
"""
TO = "ann@example.org"


class Clock:
    def __init__(self) -> None:
        self.now = 100_000.0

    def __call__(self) -> float:
        return self.now


def found(
    server: DnsServer, *peers: str, zones: Sequence[str] = ("bl.example",), clock: Clock | None = None
) -> list[str]:
    """The zones that list each of the addresses, with their reasons."""

    async def main() -> list[str]:
        resolver = CachingResolver([(server.host, server.port)], timeout_s=5)
        lists = BlockLists(resolver, zones, patience_s=0.3, clock=clock or Clock())
        results = [await lists.find(peer) for peer in peers]
        return [f"{r.zone} {r.reason}".strip() if r is not None else "" for r in results]

    return asyncio.run(main())


@pytest.mark.rfc("5782", "2.1")
def test_an_address_is_looked_up_backwards_and_the_reason_is_told() -> None:
    with dns_server(ZONES) as server:
        assert found(server, "192.0.2.7", "192.0.2.8", "192.0.2.1", "::ffff:192.0.2.8") == [
            "bl.example See https://bl.example/?192.0.2.7",
            "bl.example",
            "",
            "bl.example",
        ]


@pytest.mark.rfc("5782", "2.4")
def test_of_ipv6_every_nibble_is_a_label() -> None:
    with dns_server(ZONES) as server:
        assert found(server, "2001:db8::7", "2001:db8::8") == ["bl.example", ""]


@pytest.mark.rfc("5782", "2.3")
def test_answers_that_are_no_listing_list_nobody() -> None:
    with dns_server(ZONES) as server:
        assert found(server, "192.0.2.9", "192.0.2.10", "", "nonsense") == ["", "", "", ""]


def test_of_several_lists_the_first_that_has_it_is_told() -> None:
    with dns_server(ZONES) as server:
        zones = ("bl.example", "other.example")
        assert found(server, "192.0.2.11", "192.0.2.8", zones=zones) == ["other.example", "bl.example"]


@pytest.mark.parametrize("fault", ["SERVFAIL", "TIMEOUT"])
def test_a_list_that_does_not_answer_lists_nobody_and_is_left_alone_for_a_while(fault: str) -> None:
    faults = {"7.2.0.192.bl.example": fault}
    with dns_server(ZONES, faults=faults) as server:
        clock = Clock()

        async def main() -> None:
            resolver = CachingResolver([(server.host, server.port)], timeout_s=0.2)
            lists = BlockLists(resolver, ("bl.example", "other.example"), patience_s=1.0, clock=clock)
            assert await lists.find("192.0.2.7") is None
            assert await lists.find("192.0.2.8") is None  # not asked
            other = await lists.find("192.0.2.11")
            assert other is not None
            assert other.zone == "other.example"
            clock.now += block_lists.REST_S
            assert await lists.find("192.0.2.8") is not None

        asyncio.run(main())


# ---- the gate


class House:
    """A doorkeeper in front of one account, with every check at work."""

    def __init__(self, store: SqliteStore, account: AccountId, server: DnsServer, lane: Lane) -> None:
        self.clock = Clock()
        self.account = account
        resolver = CachingResolver([(server.host, server.port)])
        self.keeper = Doorkeeper(
            rates=Rates(Ledger.alone(), "mail:", 5, self.clock),
            block_lists=BlockLists(resolver, ("bl.example",)),
            greylist=Greylist(store, 60, clock=self.clock),
            exempt=(ipaddress.ip_network("198.51.100.0/24"),),
            resolve=self.resolve,
            lane=lane,
            turned=Turned(),
        )

    def resolve(self, recipient: str) -> tuple[AccountId, ...]:
        if recipient.startswith("nobody"):
            raise NotFound("No such user here")
        return (self.account,)

    async def admit(self, peer: str, to: str = TO) -> Reply | None:
        return await self.keeper.admit(peer, "mx.example.com", "joe@example.com", to)


@pytest.fixture
def at_house(tmp_path: Path) -> Callable[[Callable[[House], Awaitable[None]]], None]:
    def run(test: Callable[[House], Awaitable[None]]) -> None:
        async def scenario() -> None:
            async with SqliteStore(tmp_path) as store, asyncio.TaskGroup() as group:
                account = store.directory.add(TO, None, 0).account
                await store.write(ops.create_account, account, UNLIMITED, 0)
                await test(House(store, account, server, Lane(group.create_task)))

        with dns_server(ZONES) as server:
            asyncio.run(scenario())

    return run


AtHouse = Callable[[Callable[[House], Awaitable[None]]], None]


def codes(reply: Reply | None) -> tuple[int, str] | None:
    return None if reply is None else (reply.code, reply.enhanced)


def test_who_is_on_a_block_list_is_refused_with_the_reason_but_may_complain(at_house: AtHouse) -> None:
    async def test(house: House) -> None:
        reply = await house.admit("192.0.2.7")
        assert reply == Reply(
            550, "5.7.1", "192.0.2.7 is on the block list bl.example: See https://bl.example/?192.0.2.7"
        )
        for name in ("Postmaster", "postmaster@example.org", "abuse@example.org"):
            assert codes(await house.admit("192.0.2.7", name)) == (450, "4.7.1")  # new, that is all
        assert house.keeper.turned.listed == 1

    at_house(test)


@pytest.mark.rfc("6647", "5")
def test_who_is_new_is_told_when_to_come_again(at_house: AtHouse) -> None:
    async def test(house: House) -> None:
        assert await house.admit("203.0.113.1") == Reply(450, "4.7.1", "You are new here: try again in 60 seconds")
        house.clock.now += 60
        assert await house.admit("203.0.113.1") is None
        assert house.keeper.turned.greylisted == 1

    at_house(test)


def test_one_address_may_name_so_many_recipients_in_an_hour(at_house: AtHouse) -> None:
    async def test(house: House) -> None:
        replies = [codes(await house.admit("203.0.113.1", f"{n}@example.org")) for n in range(6)]
        assert replies == [(450, "4.7.1")] * 6
        assert house.keeper.turned.rate == 1
        assert (await house.admit("203.0.113.2")) is not None

    at_house(test)


def test_this_machine_and_exempt_networks_are_let_in_without_a_question(at_house: AtHouse) -> None:
    async def test(house: House) -> None:
        for peer in ("", "127.0.0.2", "::1", "198.51.100.7", "::ffff:198.51.100.7"):
            for _ in range(10):
                assert await house.admit(peer) is None

    at_house(test)


def test_a_recipient_that_is_not_there_is_no_matter_of_the_gate(at_house: AtHouse) -> None:
    async def test(house: House) -> None:
        assert await house.admit("203.0.113.1", "nobody@example.org") is None

    at_house(test)


# ---- loops


@pytest.mark.rfc("5321", "6.3")
def test_received_lines_are_counted_in_the_header_alone() -> None:
    assert (
        count_hops(b"Received: a\r\nRECEIVED : no\r\nreceived: b\r\n c\r\nX: Received: d\r\n\r\nReceived: e\r\n") == 2
    )
    assert count_hops(b"") == 0
    assert count_hops(b"Received: x\r\n" * MAX_HOPS + b"\r\n") == MAX_HOPS


@given(st.binary(max_size=200))
def test_whatever_comes_is_counted(octets: bytes) -> None:
    assert 0 <= count_hops(octets) <= octets.lower().count(b"received:")
