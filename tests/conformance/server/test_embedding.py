"""The server inside another program: the public API and the fixtures for other people's tests."""

import asyncio
import imaplib
import os
import smtplib
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from mailkeep import Config, MailError, Server
from mailkeep.config import FREE_PORTS, Address, Limits
from mailkeep.lock import Locked
from mailkeep.sockets import BindError
from mailkeep.testing.plugin import MailServer


def test_the_fixture_serves_synchronous_tests(mail_server: MailServer) -> None:
    mail_server.create_account("ann@example.org", "secret")
    assert mail_server.endpoints.imaps
    context = ssl.create_default_context(cafile=mail_server.certificate)
    with imaplib.IMAP4_SSL("localhost", mail_server.endpoints.imaps[1], ssl_context=context, timeout=20) as imap:
        assert imap.login("ann@example.org", "secret")[0] == "OK"


def test_what_a_program_under_test_sends_arrives_or_waits_but_never_leaves(mail_server: MailServer) -> None:
    mail_server.create_account("ann@example.org", "secret")
    assert mail_server.endpoints.submission
    assert mail_server.endpoints.imaps
    context = ssl.create_default_context(cafile=mail_server.certificate)
    with smtplib.SMTP("localhost", mail_server.endpoints.submission[1], timeout=20) as smtp:
        smtp.starttls(context=context)
        smtp.login("ann@example.org", "secret")
        text = "From: ann@example.org\r\nSubject: Report\r\n\r\nAll is well.\r\n"
        smtp.sendmail("ann@example.org", ["ann@example.org", "bob@[127.0.0.1]"], text)
    with imaplib.IMAP4_SSL("localhost", mail_server.endpoints.imaps[1], ssl_context=context, timeout=20) as imap:
        imap.login("ann@example.org", "secret")
        for _ in range(1000):
            if imap.select()[1] == [b"1"]:
                break
        else:
            raise AssertionError("it has not arrived")
    place = ("--data", str(mail_server.data_dir))
    listed = subprocess.run(
        [sys.executable, "-m", "mailkeep", "queue", "list", *place], capture_output=True, check=True
    )
    assert b"1 at [127.0.0.1]" in listed.stdout


def test_the_fixture_reports_domain_errors_to_the_test(mail_server: MailServer) -> None:
    mail_server.create_account("ann@example.org", "secret")
    with pytest.raises(MailError, match="There is an account"):
        mail_server.create_account("ann@example.org", "secret")


def test_the_fixture_serves_asynchronous_tests(
    async_mail_server: Callable[[], AbstractAsyncContextManager[Server]],
) -> None:
    async def main() -> bytes:
        async with async_mail_server() as server:
            await server.accounts.create("ann@example.org", "secret")
            assert server.endpoints.imap
            reader, writer = await asyncio.open_connection(*server.endpoints.imap)
            await reader.readline()
            writer.write(b"a LOGIN ann@example.org secret\r\n")
            answer = await reader.readline()
            writer.close()
            return answer

    assert asyncio.run(main()).startswith(b"a OK ")


def test_an_error_of_the_caller_comes_out_as_it_went_in(tmp_path: Path) -> None:
    class Mine(Exception):
        pass

    async def main() -> None:
        async with Server.open(Config(data_dir=tmp_path, listen=FREE_PORTS)):
            raise Mine

    with pytest.raises(Mine):
        asyncio.run(main())


def test_two_servers_on_one_directory_are_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        config = Config(data_dir=tmp_path, listen=FREE_PORTS)
        async with Server.open(config) as server:
            with pytest.raises(Locked):
                async with Server.open(config):
                    pass
            await server.accounts.create("ann@example.org", "secret")

    asyncio.run(main())


def test_a_port_that_is_taken_leaves_nothing_open(tmp_path: Path) -> None:
    async def main() -> None:
        async with Server.open(Config(data_dir=tmp_path / "a", listen=FREE_PORTS)) as first:
            assert first.endpoints.lmtp
            taken = replace(FREE_PORTS, lmtp=Address(*first.endpoints.lmtp))
            with pytest.raises(BindError, match=r"listen\.lmtp"):
                async with Server.open(Config(data_dir=tmp_path / "b", listen=taken)):
                    pass
            assert not (tmp_path / "b/lmtp.sock").exists()
            async with Server.open(Config(data_dir=tmp_path / "b", listen=FREE_PORTS)):
                pass

    asyncio.run(main())


def test_a_path_too_long_for_a_socket_address_still_serves(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)

    async def main() -> None:
        async with Server.open(Config(data_dir=deep, listen=FREE_PORTS)) as server:
            await server.accounts.create("ann@example.org", "secret")
            assert (deep / "control.sock").is_socket()
            await asyncio.to_thread(list_accounts, deep)

    asyncio.run(main())


def list_accounts(data: Path) -> None:
    from mailkeep.administration import ListAccounts
    from mailkeep.cli.perform import perform

    assert [line.address for line in perform(Config(data_dir=data), ListAccounts()).accounts] == ["ann@example.org"]


def test_connections_of_an_account_are_limited(tmp_path: Path) -> None:
    async def main() -> list[bytes]:
        config = Config(data_dir=tmp_path, listen=FREE_PORTS, limits=Limits(connections_per_account=1))
        answers = []
        async with Server.open(config) as server:
            await server.accounts.create("ann@example.org", "secret")
            assert server.endpoints.imap
            open_ones = [await asyncio.open_connection(*server.endpoints.imap) for _ in range(2)]
            for reader, writer in open_ones:
                await reader.readline()
                writer.write(b"a LOGIN ann@example.org secret\r\n")
                answers.append(await reader.readline())
            for _, writer in open_ones:
                writer.close()
        return answers

    first, second = asyncio.run(main())
    assert first.startswith(b"a OK ")
    assert second.startswith(b"a NO [LIMIT] ")


def test_a_server_leaves_no_descriptor_open(tmp_path: Path) -> None:
    async def main() -> None:
        async with Server.open(Config(data_dir=tmp_path, listen=FREE_PORTS)) as server:
            assert server.endpoints.imap
            with socket.create_connection(server.endpoints.imap):
                pass

    asyncio.run(main())
    before = len(os.listdir("/proc/self/fd"))
    asyncio.run(main())
    assert len(os.listdir("/proc/self/fd")) == before
