"""Domains and their keys, and signatures made with them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import dkim
import pytest

from mailkeep.formats.dkim import public_record
from mailkeep.model.errors import AlreadyExists, Conflict, Invalid, NotFound
from mailkeep.service.domains import Domains, SigningKey
from mailkeep.service.signing import Signing
from mailkeep.service.spool import Octets, Spool
from mailkeep.store.sqlite.directory import SqliteDirectory

NOW = 1_700_000_000.0  # Nov 2023
MESSAGE = b"From: ann@example.org\r\nSubject: x\r\n\r\nHello\r\n"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[SqliteDirectory]:
    opened = SqliteDirectory(tmp_path / "directory.db", 1)
    yield opened
    opened.close()


@pytest.fixture
def domains(directory: SqliteDirectory) -> Domains:
    return Domains(directory, now=lambda: NOW)


def octets(tmp_path: Path, data: bytes, in_memory: int = 1 << 20) -> Octets:
    spool = Spool(tmp_path, 1 << 30, in_memory)
    spool.write(data)
    return spool.finish()


def test_a_domain_is_added_with_keys_for_old_and_new_checkers(domains: Domains) -> None:
    added = asyncio.run(domains.add("Example.ORG."))
    assert (added.name, added.created_at) == ("example.org", int(NOW))
    assert domains.list() == (added,)
    assert domains.get("EXAMPLE.org") == added
    keys = domains.signing_keys("Example.org")
    assert [(key.selector, key.algorithm) for key in keys] == [
        ("20231114e", "ed25519-sha256"),
        ("20231114r", "rsa-sha256"),
    ]


def test_a_domain_is_added_once_and_its_keys_stay(domains: Domains) -> None:
    asyncio.run(domains.add("example.org"))
    keys = domains.signing_keys("example.org")
    with pytest.raises(AlreadyExists):
        asyncio.run(domains.add("EXAMPLE.org"))
    asyncio.run(domains.ensure("example.org"))
    assert domains.signing_keys("example.org") == keys


@pytest.mark.parametrize("name", ["", "a b", "[192.0.2.1]", "x" * 300, "-a.example", "a..b"])
def test_what_is_no_domain_is_not_added(domains: Domains, name: str) -> None:
    with pytest.raises(Invalid):
        asyncio.run(domains.add(name))


def test_a_removed_domain_has_no_keys(domains: Domains) -> None:
    asyncio.run(domains.add("example.org"))
    domains.remove("example.org")
    assert domains.signing_keys("example.org") == ()
    with pytest.raises(NotFound):
        domains.get("example.org")


def test_new_keys_wait_and_then_take_the_place_of_the_old_ones(domains: Domains) -> None:
    asyncio.run(domains.add("example.org"))
    old = domains.signing_keys("example.org")
    new = asyncio.run(domains.make_keys("example.org"))
    assert domains.signing_keys("example.org") == old
    assert set(domains.list_keys("example.org")) == {*old, *new}
    assert not {key.selector for key in old} & {key.selector for key in new}
    with pytest.raises(Conflict):
        asyncio.run(domains.make_keys("example.org"))
    domains.turn_keys("EXAMPLE.org")
    assert {key.private for key in domains.list_keys("example.org")} == {key.private for key in new}
    assert domains.signing_keys("example.org") == domains.list_keys("example.org")
    with pytest.raises(NotFound):
        domains.turn_keys("example.org")


def test_a_damaged_key_is_found(domains: Domains, directory: SqliteDirectory) -> None:
    asyncio.run(domains.add("example.org"))
    assert domains.check() == ()
    directory.names.add_keys((SigningKey("example.org", "bad", "rsa-sha256", b"\0"),), 0)
    assert domains.check() == (("example.org", "key bad: The key for rsa-sha256 cannot be read"),)


def test_a_domain_that_was_not_added_gets_no_keys(domains: Domains) -> None:
    with pytest.raises(NotFound):
        asyncio.run(domains.make_keys("example.org"))
    with pytest.raises(NotFound):
        domains.turn_keys("example.org")


@pytest.mark.parametrize("in_memory", [1 << 20, 0], ids=["in memory", "in a file"])
def test_what_leaves_is_signed_with_the_keys_of_its_domain(domains: Domains, tmp_path: Path, in_memory: int) -> None:
    fields = b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"

    async def scenario() -> bytes:
        await domains.add("example.org")
        signing = Signing(domains, now=lambda: NOW)
        message = octets(tmp_path, MESSAGE, in_memory)
        lines = await signing.sign("EXAMPLE.org", message, fields)
        assert lines == await signing.sign("example.org", message, fields)
        return lines

    whole = asyncio.run(scenario()) + fields + MESSAGE
    records = {
        f"{key.selector}._domainkey.{key.domain}.".encode(): public_record(key.algorithm, key.private).encode()
        for key in domains.signing_keys("example.org")
    }
    checker = dkim.DKIM(whole)
    for index in range(2):
        assert checker.verify(index, dnsfunc=lambda name, timeout=0: records[name])


def test_what_comes_from_elsewhere_is_not_signed(domains: Domains, tmp_path: Path) -> None:
    async def scenario() -> None:
        signing = Signing(domains)
        for domain in ("example.com", "", "no domain"):
            assert await signing.sign(domain, octets(tmp_path, MESSAGE)) == b""

    asyncio.run(scenario())
