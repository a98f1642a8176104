"""Fetching an MTA-STS policy by HTTPS (RFC 8461 §3.3)."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

import httpx

from mailkeep.formats.mta_sts import MAX_POLICY
from mailkeep.smtp.outbound.fault import Fault
from mailkeep.smtp.outbound.policies import FetchFailed
from mailkeep.smtp.outbound.routes import Routes
from mailkeep.smtp.outbound.tls import TlsResult

FETCH_S: Final = 60.0  # RFC 8461 §3.3


class PolicyWeb:
    """Asks policy hosts.  `context` verifies their certificates; `port` is 443 but for tests."""

    def __init__(self, routes: Routes, context: ssl.SSLContext, port: int = 443, within_s: float = FETCH_S) -> None:
        self._routes = routes
        self._context = context
        self._port = port
        self._within_s = within_s

    async def fetch(self, domain: str) -> bytes:
        """The policy of `domain`, as its host has it.  Raises: FetchFailed."""
        try:
            async with asyncio.timeout(self._within_s):
                return await self._fetch(f"mta-sts.{domain}")
        except TimeoutError as error:
            raise FetchFailed(TlsResult.STS_FETCH, f"no answer within {self._within_s:g} s") from error
        except Fault as error:
            raise FetchFailed(TlsResult.STS_FETCH, error.outcome.text) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            result = TlsResult.STS_WEBPKI if "CERTIFICATE" in str(error).upper() else TlsResult.STS_FETCH
            raise FetchFailed(result, str(error) or type(error).__name__) from error

    async def _fetch(self, host: str) -> bytes:
        place = await self._routes.locate(host)
        refused: httpx.ConnectError | None = None
        # trust_env: no proxy and no certificates of the environment; redirects are not followed (§3.3)
        async with httpx.AsyncClient(verify=self._context, trust_env=False, follow_redirects=False) as web:
            for address in place.addresses:
                try:
                    return await self._get(web, host, address)
                except httpx.ConnectError as error:
                    refused = error
        assert refused is not None
        raise refused

    async def _get(self, web: httpx.AsyncClient, host: str, address: str) -> bytes:
        """Ask one address; our resolver has looked it up, so the name goes into SNI and Host."""
        shown = f"[{address}]" if ":" in address else address
        request = web.build_request(
            "GET",
            f"https://{shown}:{self._port}/.well-known/mta-sts.txt",
            headers={"Host": host, "Accept": "text/plain", "Accept-Encoding": "identity", "User-Agent": "mailkeep"},
            extensions={"sni_hostname": host},
            timeout=self._within_s,
        )
        answer = await web.send(request, stream=True)
        try:
            if answer.status_code != 200:
                raise FetchFailed(TlsResult.STS_FETCH, f"answered with {answer.status_code}")
            kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "text/plain":
                raise FetchFailed(TlsResult.STS_FETCH, "is not text/plain")
            body = bytearray()
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > MAX_POLICY:
                    raise FetchFailed(TlsResult.STS_INVALID, "the policy is too long")
            return bytes(body)
        finally:
            await answer.aclose()
