"""Asking the provider by HTTPS, within limits."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Any, Final, Protocol

import httpx

MAX_ANSWER: Final = 512 * 1024  # octets; the keys of large providers have some 20 kB
WITHIN_S: Final = 10.0
AT_ONCE: Final = 16


class WebFault(Exception):
    """The provider does not answer, or not as it should; the text says why, and has no secret."""


class Web(Protocol):
    """What a provider is asked by.  Its methods run in a task."""

    async def get(self, url: str) -> bytes:
        """The document at `url`.  Raises: WebFault."""
        ...

    async def post(self, url: str, form: Mapping[str, str], user: str, password: str) -> bytes:
        """The answer to a form, with HTTP Basic authentication.  Raises: WebFault."""
        ...


class HttpsWeb:
    """Asks by httpx.  `context` verifies the provider's certificate; redirects are not followed, no proxy is used."""

    def __init__(self, context: ssl.SSLContext, within_s: float = WITHIN_S) -> None:
        self._context = context
        self._within_s = within_s
        self._room = asyncio.Semaphore(AT_ONCE)

    async def get(self, url: str) -> bytes:
        """See `Web.get`."""
        return await self._ask("GET", url)

    async def post(self, url: str, form: Mapping[str, str], user: str, password: str) -> bytes:
        """See `Web.post`."""
        return await self._ask("POST", url, data=dict(form), auth=httpx.BasicAuth(user, password))

    async def _ask(self, method: str, url: str, **more: Any) -> bytes:  # Any: what httpx takes
        try:
            async with (
                asyncio.timeout(self._within_s),
                self._room,
                self._client() as client,
                client.stream(method, url, **more) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise WebFault(f"HTTP status {answer.status_code}")
                return await _body(answer)
        except TimeoutError as error:
            raise WebFault(f"no answer within {self._within_s:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise WebFault(str(error) or type(error).__name__) from error

    def _client(self) -> httpx.AsyncClient:
        # identity: a small answer that is compressed could be a thousand times as large
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "mailkeep"}
        return httpx.AsyncClient(verify=self._context, trust_env=False, timeout=self._within_s, headers=headers)


async def _body(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > MAX_ANSWER:
            raise WebFault("the answer is too long")
    return bytes(body)


def read_object(document: bytes) -> dict[str, Any]:
    """A JSON object.  Raises: WebFault."""
    try:
        found = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise WebFault("the answer is no JSON") from error
    if not isinstance(found, dict):
        raise WebFault("the answer is no JSON object")
    return found
