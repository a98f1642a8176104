"""Ends of a session that its client has not asked for: the server stops, the account goes, the client does not read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from mailkeep import Config, Server
from mailkeep.administration import RemoveAccount, run
from mailkeep.server import open_offices
from mailkeep.service.authentication import Service as LoginTo
from mailkeep.service.messages import Incoming

Start = Callable[[], AbstractAsyncContextManager[Server]]

SENT = ("network_bytes", ("pop3", "out"))
BIG = b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 100_000


class Talk:
    """A client on the loop of the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def log_in(cls, server: Server, password: str = "secret") -> Talk:
        assert server.endpoints.pop3
        talk = cls(*await asyncio.open_connection(*server.endpoints.pop3, limit=1 << 22))
        await talk.line()
        await talk.say("USER ann@example.org")
        assert (await talk.say(f"PASS {password}")).startswith("+OK")
        return talk

    async def line(self) -> str:
        async with asyncio.timeout(15):
            return (await self.reader.readline()).decode()

    async def say(self, command: str) -> str:
        self.writer.write(f"{command}\r\n".encode())
        return await self.line()


async def deliver(server: Server, octets: bytes) -> None:
    account = server.accounts.get("ann@example.org").id
    spool = server.offices.spool()
    spool.write(octets)
    inbox = await server.offices.mailboxes.get(account, "INBOX")
    await server.offices.messages.append(account, inbox.id, (Incoming(octets=spool.finish()),))


def test_a_server_that_stops_removes_nothing(async_mail_server: Start) -> None:
    async def main() -> None:
        async with async_mail_server() as server:
            await server.accounts.create("ann@example.org", "secret")
            await deliver(server, b"Subject: a\r\n\r\n")
            talk = await Talk.log_in(server)
            assert (await talk.say("DELE 1")).startswith("+OK")
            data = server.config.data_dir
        assert await talk.line() == "-ERR [SYS/TEMP] Server is going down, try again soon\r\n"
        assert await talk.line() == ""
        talk.writer.close()
        async with open_offices(Config(data_dir=data), program="test") as offices:
            assert (await offices.mailboxes.get(offices.accounts.get("ann@example.org").id, "INBOX")).total == 1

    asyncio.run(main())


def test_the_session_of_a_removed_account_ends(async_mail_server: Start) -> None:
    async def main() -> None:
        async with async_mail_server() as server:
            await server.accounts.create("ann@example.org", "secret")
            talk = await Talk.log_in(server)
            await run(server.offices, RemoveAccount("ann@example.org"))
            assert (await talk.line()).startswith("-ERR T")
            assert await talk.line() == ""
            talk.writer.close()

    asyncio.run(main())


def test_an_app_password_for_reading_deletes_nothing_and_ends_when_it_is_revoked(
    async_mail_server: Start,
) -> None:
    async def main() -> None:
        async with async_mail_server() as server:
            account = await server.accounts.create("ann@example.org", "secret")
            await deliver(server, b"Subject: a\r\n\r\n")
            authentication = server.offices.authentication
            made, secret = await authentication.app_passwords.add(
                account.id, "printer", services=[LoginTo.POP3], read_only=True
            )
            talk = await Talk.log_in(server, secret)
            assert (await talk.say("DELE 1")) == "-ERR This login may only read\r\n"
            assert (await talk.say("LIST 1")) == "+OK 1 14\r\n"
            authentication.app_passwords.revoke(account.id, made.number)
            authentication.tell_sessions(account.id)
            assert (await talk.line()).startswith("-ERR T")
            assert await talk.line() == ""
            talk.writer.close()

    asyncio.run(main())


def test_who_does_not_read_fills_no_memory_and_holds_up_nobody(async_mail_server: Start) -> None:
    async def main() -> None:
        async with async_mail_server() as server:
            await server.accounts.create("ann@example.org", "secret")
            await deliver(server, BIG)
            slow = await Talk.log_in(server)
            slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
            slow.writer.write(b"RETR 1\r\n" * 40)
            for _ in range(3):
                quick = await Talk.log_in(server)
                assert (await quick.say("RETR 1")).startswith("+OK")
                assert (await quick.reader.readuntil(b"\r\n.\r\n")).endswith(BIG[-100:] + b".\r\n")
                quick.writer.close()
            sent = sum(n for name, labels, n in server._staff._reception.figures() if (name, labels) == SENT)
            assert sent - 3 * len(BIG) < 12 << 20  # what sockets hold, and a piece or two
            slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
            octets = 0
            for _ in range(40):
                await slow.line()
                octets += len(await slow.reader.readuntil(b"\r\n.\r\n"))
            assert octets == 40 * (len(BIG) + 3)
            slow.writer.close()

    asyncio.run(main())
