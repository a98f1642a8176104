"""Certificates from Pebble, an authority that takes RFC 8555 at its word."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from tests.dns_server import DnsServer
from tests.pebble import Pebble

from mailkeep.acme.challenges import HTTP, TLS_ALPN, Challenges, answer_handshakes
from mailkeep.acme.folder import HOST, Folder
from mailkeep.acme.keeper import Keeper
from mailkeep.acme.settings import Settings
from mailkeep.certificates import TlsContext, ensure_self_signed
from mailkeep.net.resolver import CachingResolver

NOW = dt.datetime.now(dt.UTC)


class Host:
    """A host with a data directory, and whatever answers challenges."""

    def __init__(self, authority: Pebble, dns: DnsServer, data: Path) -> None:
        self.data = data
        self.authority = authority
        self.names = {HOST: ["mail.example.org", "example.org", "autoconfig.example.org", "mta-sts.example.org"]}
        self.installed = 0
        self.settings = Settings(
            directory=authority.url,
            hostname="mail.example.org",
            kinds=(HTTP,),
            contact=("postmaster@example.org",),
            authorities=authority.trust,
        )
        self.keeper = Keeper(
            data,
            CachingResolver([(dns.host, dns.port)]),
            candidates=lambda: self.names,
            install=self._install,
        )
        self.folder = Folder(data)

    def _install(self) -> None:
        self.installed += 1

    @asynccontextmanager
    async def answering(self, *kinds: str) -> AsyncIterator[None]:
        """Listen where the authority looks."""
        challenges = Challenges(self.data)
        tls = TlsContext(ensure_self_signed(self.data, ("localhost",), NOW))
        answer_handshakes(tls.web, challenges)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            token = head.split()[1].removeprefix("/.well-known/acme-challenge/")
            body = "" if "Host: refused.example" in head else challenges.find_answer(token) or ""
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(f"{head}{body}".encode())
            writer.close()

        servers = []
        if HTTP in kinds:
            servers.append(await asyncio.start_server(answer, "127.0.0.1", self.authority.http))
        if TLS_ALPN in kinds:
            servers.append(await asyncio.start_server(answer, "127.0.0.1", self.authority.tls, ssl=tls.web))
        yield
        for server in servers:
            server.close()


@pytest.fixture
def host(authority: Pebble, dns: DnsServer, tmp_path: Path) -> Host:
    return Host(authority, dns, tmp_path)


@pytest.mark.rfc("8555", "7.4")
def test_a_certificate_is_made_for_the_names_that_lead_here(host: Host) -> None:
    async def run() -> None:
        async with host.answering(HTTP):
            (outcome,) = await host.keeper.look(host.settings)
        assert (outcome.fault, outcome.refused) == ("", {})

    asyncio.run(run())
    held = host.folder.find(HOST)
    assert held is not None
    assert set(held.names) == {"mail.example.org", "example.org", "autoconfig.example.org"}
    assert "192.0.2.9" in host.folder.notes(HOST).elsewhere["mta-sts.example.org"]
    assert host.installed == 1
    assert x509.load_pem_x509_certificates(held.files.certificate.read_bytes())[1:]  # its chain comes with it
    assert list((host.data / "acme/challenges").iterdir()) == []


@pytest.mark.rfc("8737", "3")
def test_a_handshake_proves_names_too(host: Host) -> None:
    async def run() -> None:
        async with host.answering(TLS_ALPN):
            (outcome,) = await host.keeper.look(replace(host.settings, kinds=(TLS_ALPN,)))
        assert (outcome.fault, outcome.refused) == ("", {})

    asyncio.run(run())
    assert host.folder.find(HOST) is not None


def test_where_one_kind_of_proof_is_not_seen_the_other_is_tried(host: Host) -> None:
    async def run() -> None:
        async with host.answering(TLS_ALPN):
            (outcome,) = await host.keeper.look(replace(host.settings, kinds=(HTTP, TLS_ALPN)))
        assert (outcome.fault, outcome.refused) == ("", {})

    asyncio.run(run())
    assert host.folder.find(HOST) is not None


def test_where_no_proof_is_seen_the_fault_is_told_and_the_next_attempt_waits(host: Host) -> None:
    async def run() -> None:
        async with host.answering():
            (outcome,) = await host.keeper.look(host.settings)
            assert "mail.example.org: " in outcome.fault
            assert "(connection)" in outcome.fault
            assert await host.keeper.look(host.settings) == ()  # it is too early

    asyncio.run(run())
    assert host.folder.find(HOST) is None
    assert host.folder.notes(HOST).failures == 1
    assert host.installed == 0


def test_each_domain_has_a_certificate_of_its_own_and_one_that_is_refused_harms_no_other(host: Host) -> None:
    host.names = {
        HOST: ["mail.example.org"],
        "refused.example": ["refused.example"],
        "example.org": ["example.org", "autoconfig.example.org"],
    }

    async def run() -> None:
        async with host.answering(HTTP):
            outcomes = await host.keeper.look(host.settings)
        assert [(outcome.group, bool(outcome.fault)) for outcome in outcomes] == [
            (HOST, False), ("refused.example", True), ("example.org", False),
        ]  # fmt: skip

    asyncio.run(run())
    held = host.folder.find("example.org")
    assert held is not None
    assert set(held.names) == {"example.org", "autoconfig.example.org"}


def test_a_new_name_makes_a_new_certificate_by_the_same_account(host: Host) -> None:
    async def run() -> None:
        async with host.answering(HTTP):
            host.names[HOST] = ["mail.example.org"]
            await host.keeper.look(host.settings)
            account = host.folder.account(host.authority.url)
            assert await host.keeper.look(host.settings) == ()  # nothing is due
            host.names[HOST] = ["mail.example.org", "example.org"]
            await host.keeper.look(host.settings)
            assert host.folder.account(host.authority.url) == account

    asyncio.run(run())
    held = host.folder.find(HOST)
    assert held is not None
    assert set(held.names) == {"mail.example.org", "example.org"}
    assert host.installed == 2


def test_what_was_made_convinces_a_client(host: Host) -> None:
    async def run() -> None:
        async with host.answering(HTTP):
            await host.keeper.look(host.settings)

    asyncio.run(run())
    held = host.folder.find(HOST)
    assert held is not None
    client = ssl.create_default_context(cadata=host.authority.root.decode())
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(down, up, server_hostname="mail.example.org")
    shown = TlsContext(held.files).context.wrap_bio(up, down, server_side=True)
    for side in (asking, shown) * 3:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert asking.getpeercert()
