"""Asking a provider by HTTPS: it must prove its name, answer soon, and not say too much."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from tests.authority import Authority

from mailkeep.service.openid.web import MAX_ANSWER, HttpsWeb, WebFault

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"


async def asked(
    directory: Path, said: bytes, *, authority: Authority | None = None, within_s: float = 5.0, hangs: bool = False
) -> tuple[bytes, bytes]:
    """What a server that says so is asked, and what is made of its answer."""
    own = Authority(directory)
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read(10_000))
        try:
            writer.write(said)
            await writer.drain()
            if hangs:
                await reader.read()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=own.context("localhost"))
    port = server.sockets[0].getsockname()[1]
    web = HttpsWeb(ssl.create_default_context(cafile=(authority or own).file), within_s)
    async with server:
        answer = await web.post(f"https://localhost:{port}/introspect", {"token": "a b"}, "name", "secret")
    return bytes(heard), answer


def test_a_form_is_sent_and_the_answer_is_given(tmp_path: Path) -> None:
    heard, answer = asyncio.run(asked(tmp_path, HEAD + b"Content-Length: 2\r\n\r\n{}"))
    assert answer == b"{}"
    assert heard.startswith(b"POST /introspect HTTP/1.1\r\n")
    assert b"Authorization: Basic bmFtZTpzZWNyZXQ=" in heard
    assert heard.endswith(b"\r\n\r\ntoken=a+b")


FAULTS: dict[str, tuple[bytes, str]] = {
    "another status": (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "503"),
    "a redirect": (b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n", "302"),
    "too much": (HEAD + b"\r\n" + b"x" * (MAX_ANSWER + 1), "too long"),
    "too many header lines": (HEAD + b"X: y\r\n" * 100_000 + b"\r\n", "."),
    "no HTTP": (b"* OK IMAP4rev1\r\n", "."),
    "nothing": (b"", "."),
}


@pytest.mark.parametrize("what", FAULTS)
def test_anything_else_is_a_fault(tmp_path: Path, what: str) -> None:
    said, why = FAULTS[what]
    with pytest.raises(WebFault, match=why):
        asyncio.run(asked(tmp_path, said))


def test_one_that_hangs_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(WebFault, match="no answer within"):
        asyncio.run(asked(tmp_path, HEAD, within_s=0.2, hangs=True))


def test_one_that_cannot_prove_its_name_is_told_nothing(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(WebFault, match=r"(?i)certificate"):
        asyncio.run(asked(tmp_path, HEAD, authority=Authority(tmp_path / "other")))
