"""An authority, and the DNS in which it looks up names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conformance.cli.conftest import mailkeep, start
from tests.dns_server import DnsServer, dns_server
from tests.pebble import Pebble, pebble

__all__ = ["mailkeep", "start"]

ZONES = {
    "example.org": {"A": ["127.0.0.1"]},
    "mail.example.org": {"A": ["127.0.0.1"]},
    "autoconfig.example.org": {"CNAME": ["mail.example.org."]},
    "mta-sts.example.org": {"A": ["192.0.2.9"]},
    "refused.example": {"A": ["127.0.0.1"]},
}


@pytest.fixture(scope="module")
def dns() -> Iterator[DnsServer]:
    with dns_server(ZONES) as server:
        yield server


@pytest.fixture(scope="module")
def authority(dns: DnsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    with pebble(tmp_path_factory.mktemp("pebble"), (dns.host, dns.port)) as running:
        yield running
