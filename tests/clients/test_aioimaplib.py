"""aioimaplib, over TLS with the server's certificate verified."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aioimaplib import IMAP4_SSL, Response
from tests.clients.mail import letter, stored
from tests.imap_client import ImapClient
from tests.imap_grammar import flags
from tests.live import Account, Service


@asynccontextmanager
async def connected(server: Service, account: Account) -> AsyncIterator[IMAP4_SSL]:
    imap = IMAP4_SSL("localhost", server.imaps[1], ssl_context=server.tls(), timeout=15)
    closed = asyncio.Event()
    imap.protocol.conn_lost_cb = lambda _: closed.set()
    try:
        await imap.wait_hello_from_server()
        ok(await imap.login(account.user, account.password))
        yield imap
        ok(await imap.logout())
    except BaseException:
        imap.protocol.transport.abort()
        raise
    finally:
        await closed.wait()


def run(server: Service, account: Account, work: Callable[[IMAP4_SSL], Awaitable[None]]) -> None:
    async def connect_and_work() -> None:
        async with asyncio.timeout(30), connected(server, account) as imap:
            await work(imap)

    asyncio.run(connect_and_work())


def ok(response: Response) -> list[bytes]:
    """The lines of an answer that must be OK."""
    assert response.result == "OK", response
    lines: list[bytes] = response.lines
    return lines


def test_messages_are_listed_read_and_found(server: Service, account: Account) -> None:
    for subject in ("copper", "silver"):
        server.deliver(account.user, letter(subject, f"The metal is {subject}."))

    async def work(imap: IMAP4_SSL) -> None:
        assert any(line.endswith(b'"Sent"') for line in ok(await imap.list('""', "*")))
        ok(await imap.select("INBOX"))
        assert ok(await imap.search("SUBJECT silver"))[0] == b"2"
        lines = ok(await imap.fetch("1", "(UID BODY.PEEK[])"))
        assert bytes(lines[1]).endswith(letter("copper", "The metal is copper."))
        lines = ok(await imap.uid_search("BODY", "copper", charset="utf-8"))
        assert len(lines[0].split()) == 1

    run(server, account, work)


def test_messages_are_flagged_copied_moved_and_deleted(server: Service, account: Account, client: ImapClient) -> None:
    for subject in ("copper", "silver", "gold"):
        server.deliver(account.user, letter(subject))

    async def work(imap: IMAP4_SSL) -> None:
        ok(await imap.select("INBOX"))
        ok(await imap.store("1", "+FLAGS", "(\\Flagged $work)"))
        ok(await imap.copy("1", "Archive"))
        ok(await imap.move("2", "Trash"))
        uid = ok(await imap.uid_search("SUBJECT copper"))[0].decode()
        ok(await imap.uid("store", uid, "+FLAGS.SILENT", "(\\Deleted)"))
        ok(await imap.expunge())

    run(server, account, work)
    assert list(stored(client)) == ["gold"]
    assert stored(client, "Archive")["copper"].flags == flags("\\Flagged $work")
    assert list(stored(client, "Trash")) == ["silver"]


def test_a_message_is_appended(server: Service, account: Account, client: ImapClient) -> None:
    message = letter("draft", "x" * 200_000)

    async def work(imap: IMAP4_SSL) -> None:
        ok(await imap.append(message, "Drafts", "\\Draft"))

    run(server, account, work)
    found = stored(client, "Drafts")["draft"]
    assert (found.octets, found.flags) == (message, flags("\\Draft"))


def test_an_idle_client_is_told_of_a_delivery(server: Service, account: Account) -> None:
    async def work(imap: IMAP4_SSL) -> None:
        ok(await imap.select("INBOX"))
        for number in (1, 2):
            idle = await imap.idle_start(timeout=15)
            await asyncio.to_thread(server.deliver, account.user, letter(f"number {number}"))
            came: list[bytes] = []
            while b"%d EXISTS" % number not in came:
                came += await imap.wait_server_push()
            imap.idle_done()
            await asyncio.wait_for(idle, 10)
        assert ok(await imap.search("ALL"))[0] == b"1 2"

    run(server, account, work)


def test_many_clients_idle_on_one_mailbox(server: Service, account: Account) -> None:
    async def idle_until_told(started: asyncio.Barrier) -> bytes:
        async with connected(server, account) as imap:
            ok(await imap.select("INBOX"))
            idle = await imap.idle_start(timeout=20)
            await started.wait()
            [came, *_] = await imap.wait_server_push()
            imap.idle_done()
            await asyncio.wait_for(idle, 10)
            return bytes(came)

    async def work() -> list[bytes]:
        started = asyncio.Barrier(11)
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            tasks = [group.create_task(idle_until_told(started)) for _ in range(10)]
            await started.wait()
            await asyncio.to_thread(server.deliver, account.user, letter("to all"))
        return [task.result() for task in tasks]

    assert asyncio.run(work()) == [b"1 EXISTS"] * 10
