"""A directory that is slow, broken or hostile: nobody is let in by it, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.authority import Authority

from mailkeep.formats.ldap import MAX_MESSAGE, Scope, parse_filter
from mailkeep.model.errors import Unavailable
from mailkeep.service.ldap import WORDS, LdapDirectory, Lookup, Terms

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = bytes.fromhex("0a 01 00 04 00 04 00")


def answer(number: int, tag: int, content: bytes) -> bytes:
    body = b"\x02\x01" + bytes([number, tag, len(content)]) + content
    return b"\x30" + bytes([len(body)]) + body


async def check(serve: Serve, *, within_s: float = 5.0, starttls: bool = False, tls: Any = None) -> str | None:
    """What comes of ann's password at a server that behaves so."""

    async def run(work: Coroutine[Any, Any, None]) -> None:
        await work

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    lookup = Lookup(
        base="dc=x", scope=Scope.SUBTREE, condition=parse_filter("(uid={user})", WORDS), reader="", password=""
    )
    terms = Terms(
        urls=(f"ldap://localhost:{port}",),
        tls=tls or ssl.create_default_context(),
        starttls=starttls,
        lookup=lookup,
        name="",
        address="",
        within_s=within_s,
    )
    try:
        async with server:
            return await LdapDirectory(terms, run).check("ann@example.org", "secret")
    finally:
        await asyncio.sleep(0)


SAYS = {
    "nonsense": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "too large a message": b"\x30\x84" + (MAX_MESSAGE + 1).to_bytes(4, "big") + b"x" * 100,
    "an answer to another request": answer(9, 0x65, OK),
    "goodbye": answer(0, 0x78, bytes.fromhex("0a 01 34 04 00 04 03") + b"bye"),
    "half an answer": answer(1, 0x65, OK)[:-2],
    "endless references": answer(1, 0x73, b"") * 200,
    "busy": answer(1, 0x65, bytes.fromhex("0a 01 33 04 00 04 00")),
    "a request": answer(1, 0x63, b""),
    "nothing": b"",
}


@pytest.mark.parametrize("what", SAYS)
def test_a_server_that_says_something_else_is_a_passing_fault(what: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(SAYS[what])
        await writer.drain()

    with pytest.raises(Unavailable):
        asyncio.run(check(serve))


def test_a_server_that_is_silent_is_given_up() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    with pytest.raises(Unavailable):
        asyncio.run(check(serve, within_s=0.1))


@pytest.mark.parametrize(("code", "found"), [(0, "ann@example.org"), (49, None), (19, None)])
def test_yes_and_no_are_believed(code: int, found: str | None) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer(1, 0x64, b"\x04\x04cn=a\x30\x00") + answer(1, 0x65, OK))
        await reader.read(1000)
        writer.write(answer(2, 0x61, bytes([0x0A, 1, code, 4, 0, 4, 0])))
        await writer.drain()
        await reader.read(1000)

    assert asyncio.run(check(serve)) == found


def test_an_entry_without_a_name_lets_nobody_in() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer(1, 0x64, b"\x04\x00\x30\x00") + answer(1, 0x65, OK) + answer(2, 0x61, OK))
        await reader.read(1000)

    assert asyncio.run(check(serve)) is None


@pytest.mark.parametrize("start", [1, 2, 3])
def test_what_was_said_in_the_clear_before_tls_lets_nobody_in(tmp_path: Path, start: int) -> None:
    """Somebody in between writes answers behind that to STARTTLS, to be read once there is TLS."""
    authority = Authority(tmp_path)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        forged = answer(start, 0x64, b"\x04\x04cn=a\x30\x00") + answer(start, 0x65, OK) + answer(start + 1, 0x61, OK)
        writer.write(answer(1, 0x78, OK) + forged)
        await writer.start_tls(authority.context("localhost"))
        await reader.read()

    tls = ssl.create_default_context(cafile=authority.file)
    with pytest.raises(Unavailable):
        asyncio.run(check(serve, starttls=True, tls=tls))
