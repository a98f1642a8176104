"""Requests to an authority, over HTTPS alone: our own resolver, bounded answers, a deadline for each."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import httpx

from mailkeep.acme.addresses import find_addresses
from mailkeep.acme.fault import AcmeFault
from mailkeep.net.resolver import Resolver

REQUEST_S: Final = 30.0
MAX_ANSWER: Final = 1 << 20
MAX_URL: Final = 4096  # octets; httpx raises at some length, and not an HTTPError
MAX_WAIT_S: Final = 86400.0  # of Retry-After


@dataclass(frozen=True, slots=True)
class Answer:
    """Names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def retry_after_s(self) -> float:
        """How long the authority wants to be left alone (RFC 9110 §10.2.3); 0 where it does not say."""
        text = self.headers.get("retry-after", "")
        if text.isdecimal():
            return min(MAX_WAIT_S, float(text[:9]))
        try:
            return min(MAX_WAIT_S, max(0.0, parsedate_to_datetime(text).timestamp() - time.time()))
        except (ValueError, TypeError, OverflowError):
            return 0.0


class Web:
    """Asks authorities."""

    def __init__(self, resolver: Resolver, client: httpx.AsyncClient) -> None:
        """See `open_web`."""
        self._resolver = resolver
        self._client = client

    async def ask(self, method: str, url: str, body: bytes | None = None, *, accept: str = "*/*") -> Answer:
        """Raises: AcmeFault (nobody answers, or nothing usable)."""
        host, port, target = _parts(url)
        headers = {"Host": host if port == 443 else f"{host}:{port}", "User-Agent": "mailkeep", "Accept": accept}
        if body is not None:
            headers["Content-Type"] = "application/jose+json"  # RFC 8555 §6.2
        refused: list[str] = []
        for address in await find_addresses(self._resolver, host):
            shown = f"[{address}]" if ":" in address else address
            request = self._client.build_request(
                method,
                f"https://{shown}:{port}{target}",
                content=body,
                headers=headers,
                extensions={"sni_hostname": host},
                timeout=REQUEST_S,
            )
            try:
                async with asyncio.timeout(REQUEST_S):
                    return await _send(self._client, request)
            except httpx.ConnectError as error:
                refused.append(f"{host} ({address}): {error}")
            except (httpx.HTTPError, OSError, TimeoutError) as error:  # what was sent may have arrived
                raise AcmeFault(f"{host} does not answer: {str(error) or type(error).__name__}") from error
        raise AcmeFault("; ".join(refused) or f"{host} has no address")


@asynccontextmanager
async def open_web(resolver: Resolver, context: ssl.SSLContext) -> AsyncIterator[Web]:
    """Keeps connections until it is left.  `context` verifies whom they lead to."""
    # trust_env: no proxy and no certificates of the environment; redirects are not for signed requests
    async with httpx.AsyncClient(verify=context, trust_env=False, follow_redirects=False) as client:
        yield Web(resolver, client)


def _parts(url: str) -> tuple[str, int, str]:
    """Host, port and the rest.  Raises: AcmeFault (no address of HTTPS)."""
    if len(url) > MAX_URL:
        raise AcmeFault(f"an address of {len(url)} characters is too long")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 443
    except ValueError as error:
        raise AcmeFault(f"{url[:200]!r} is no address") from error
    if parts.scheme != "https" or not host or not url.isascii() or not url.isprintable() or " " in url:
        raise AcmeFault(f"{url[:200]!r} is no address of HTTPS")
    return host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


async def _send(web: httpx.AsyncClient, request: httpx.Request) -> Answer:
    answer = await web.send(request, stream=True)
    try:
        body = bytearray()
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > MAX_ANSWER:
                raise AcmeFault(f"{request.headers['Host']} answers with more than {MAX_ANSWER} octets")
        return Answer(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, bytes(body))
    finally:
        await answer.aclose()
