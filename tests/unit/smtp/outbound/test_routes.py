"""Routes: in which order hosts come, and what stands for all of them."""

from __future__ import annotations

import random

import pytest
from tests.unit.smtp.outbound.sending import run
from tests.zones import Zones

from mailkeep.smtp.outbound.routes import MAX_ADDRESSES, MAX_HOSTS, Routes


@pytest.mark.rfc("5321", "5.1")
def test_equals_come_in_any_order_and_the_preferred_always_first() -> None:
    zones = Zones({"example.com": {"MX": ["5 first.example.com.", *(f"10 mx{n}.example.com." for n in range(4))]}})

    async def main() -> None:
        orders, destinations = set(), set()
        for seed in range(20):
            route = await Routes(zones, random=random.Random(seed)).find("Example.COM.")
            assert route.domain == "example.com"
            assert route.hosts[0] == "first.example.com"
            assert sorted(route.hosts[1:]) == [f"mx{n}.example.com" for n in range(4)]
            orders.add(route.hosts)
            destinations.add(route.destination)
        assert len(orders) > 1
        assert destinations == {"first.example.com"}

    run(main)


def test_one_destination_stands_for_hosts_that_are_equal() -> None:
    zones = Zones({"example.com": {"MX": ["10 b.example.com.", "10 a.example.com.", "20 0.example.com."]}})

    async def main() -> None:
        found = {(await Routes(zones, random=random.Random(seed)).find("example.com")).destination for seed in range(9)}
        assert found == {"a.example.com"}

    run(main)


def test_of_hundreds_of_hosts_and_addresses_some_are_tried() -> None:
    zones = Zones(
        {
            "example.com": {"MX": [f"{n} mx{n}.example.com." for n in range(300)]},
            "mx0.example.com": {"AAAA": [f"2001:db8::{n}" for n in range(1, 300)], "A": ["192.0.2.1", "192.0.2.2"]},
        }
    )

    async def main() -> None:
        routes = Routes(zones)
        assert len((await routes.find("example.com")).hosts) == MAX_HOSTS
        place = await routes.locate("mx0.example.com")
        assert len(place.addresses) == MAX_ADDRESSES
        assert place.addresses[-1] == "192.0.2.1"

    run(main)
