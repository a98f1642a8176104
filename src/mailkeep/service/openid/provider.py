"""The provider: whom its tokens stand for, by their signature or by asking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote_plus, urlsplit

from mailkeep import telemetry
from mailkeep.model.errors import Unavailable
from mailkeep.service.openid.claims import Bearing, Terms, TokenRefused, check, check_introspected
from mailkeep.service.openid.signed import Key, NoSuchKey, read_keys, verify
from mailkeep.service.openid.web import Web, WebFault, read_object
from mailkeep.service.remembered import Remembered

FRESH_S: Final = 3600.0  # keys are fetched anew after so long,
STALE_S: Final = 86_400.0  # and go on being used for so long where that fails
AGAIN_S: Final = 30.0  # not sooner: a token may name any key
AFTER_FAULT_S: Final = 5.0
REMEMBERED_S: Final = 60.0  # an answer of the provider: whom it has shut out meanwhile gets in for so long

Run = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]
"""Carries out work in a task of its own: those who log in may have none."""

log = telemetry.logger(part="oauth")


class Provider(Protocol):
    """Says whom a token stands for."""

    async def identify(self, token: str) -> Bearing:
        """Raises: TokenRefused, Unavailable (the provider cannot be asked)."""
        ...


def configuration_url(issuer: str) -> str:
    """Where a provider describes itself (OpenID Connect Discovery §4)."""
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


def _oauth_configuration_url(issuer: str) -> str:
    """The same of a server that knows OAuth alone (RFC 8414 §3.1): before the path."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path.rstrip('/')}"


class Endpoints:
    """Where the provider has what; it is asked when that is needed for the first time, and again after a fault."""

    def __init__(self, issuer: str, web: Web) -> None:
        self._issuer = issuer
        self._web = web
        self._known: dict[str, Any] | None = None

    async def find(self, member: str) -> str:
        """The URL that the provider's description has as `member`.  Raises: WebFault."""
        if self._known is None:
            self._known = await self._ask()
        url = self._known.get(member)
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            self.forget()
            raise WebFault(f"its description has no {member}")
        if url.startswith("http://") and self._issuer.startswith("https://"):
            raise WebFault(f"its {member} is not https")
        return url

    def forget(self) -> None:
        """What was found leads nowhere: look again."""
        self._known = None

    async def _ask(self) -> dict[str, Any]:
        try:
            found = read_object(await self._web.get(configuration_url(self._issuer)))
        except WebFault as fault:
            try:
                found = read_object(await self._web.get(_oauth_configuration_url(self._issuer)))
            except WebFault:
                raise fault from None
        if found.get("issuer") != self._issuer:  # RFC 8414 §3.3: somebody else's would be believed
            raise WebFault("its description is that of another issuer")
        return found


class SignedTokens:
    """Tokens that are JWT: checked here, by keys that the provider publishes.

    `keys_url`: where; "" to look it up in the provider's description.
    """

    def __init__(
        self,
        terms: Terms,
        web: Web,
        run: Run,
        *,
        keys_url: str = "",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._terms = terms
        self._web = web
        self._run = run
        self._keys_url = keys_url
        self._endpoints = Endpoints(terms.issuer, web)
        self._clock = clock
        self._now = now
        self._keys: tuple[Key, ...] = ()
        self._fetched_at = -STALE_S
        self._tried_at = -STALE_S
        self._fetching = asyncio.Lock()

    async def identify(self, token: str) -> Bearing:
        """See `Provider.identify`."""
        await self._refresh(FRESH_S)
        if self._clock() - self._fetched_at >= STALE_S:
            raise Unavailable("The provider of tokens does not answer")
        try:
            claims = verify(token, self._keys)
        except NoSuchKey:
            await self._refresh(AGAIN_S)
            claims = self._verify_again(token)
        return check(claims, self._terms, self._now())

    def _verify_again(self, token: str) -> Any:
        try:
            return verify(token, self._keys)
        except NoSuchKey:
            if self._clock() - self._fetched_at >= AGAIN_S:  # the key may well be there, were the provider
                raise Unavailable("The provider of tokens does not answer") from None
            raise TokenRefused("its key is unknown") from None

    async def _refresh(self, age_s: float) -> None:
        """Have keys that are no older than that, if they can be had."""
        if self._clock() - self._fetched_at >= age_s:
            await self._run(self._fetch(age_s))

    async def _fetch(self, age_s: float) -> None:
        async with self._fetching:
            now = self._clock()
            if now - self._fetched_at < age_s or now - self._tried_at < AFTER_FAULT_S:
                return  # somebody else has just done it
            self._tried_at = now
            try:
                url = self._keys_url or await self._endpoints.find("jwks_uri")
                self._keys = read_keys(await self._web.get(url))
            except (WebFault, ValueError, RecursionError) as error:
                self._endpoints.forget()
                log.warning("oauth.no_keys", issuer=self._terms.issuer, reason=str(error))
            else:
                self._fetched_at = self._clock()
            self._tried_at = self._clock()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Client:
    """Who this server is to the provider; `url`: where it answers, "" to look it up in its description."""

    name: str
    secret: str
    url: str = ""


class AskedTokens:
    """Tokens of any form: the provider is asked about each (introspection, RFC 7662).

    An answer is remembered for a minute, so that a client which opens five connections costs one question.
    """

    def __init__(
        self,
        terms: Terms,
        web: Web,
        run: Run,
        client: Client,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._terms = terms
        self._web = web
        self._run = run
        self._client = client
        self._endpoints = Endpoints(terms.issuer, web)
        self._now = now
        self._remembered: Remembered[dict[str, Any]] = Remembered(REMEMBERED_S, clock)

    async def identify(self, token: str) -> Bearing:
        """See `Provider.identify`."""
        answer = self._remembered.find(token)
        if answer is not None:
            return check_introspected(answer, self._terms, self._now())
        found: list[dict[str, Any]] = []
        await self._run(self._ask(token, found))
        bearing = check_introspected(found[0], self._terms, self._now())
        self._remembered.add(found[0], token)
        return bearing

    async def _ask(self, token: str, found: list[dict[str, Any]]) -> None:
        """RFC 7662 §2.1; the client's name and secret are encoded as RFC 6749 §2.3.1 says.  Raises: Unavailable."""
        form = {"token": token, "token_type_hint": "access_token"}
        try:
            url = self._client.url or await self._endpoints.find("introspection_endpoint")
            said = await self._web.post(url, form, quote_plus(self._client.name), quote_plus(self._client.secret))
            answer = read_object(said)
            if not isinstance(answer.get("active"), bool):
                raise WebFault("its answer does not say whether a token is active")
        except WebFault as error:
            self._endpoints.forget()
            log.warning("oauth.no_answer", issuer=self._terms.issuer, reason=str(error))
            raise Unavailable("The provider of tokens does not answer") from error
        found.append(answer)
