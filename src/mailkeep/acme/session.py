"""One visit to an authority: from names to a certificate."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from mailkeep.acme.challenges import Challenges
from mailkeep.acme.client import Authorization, Client, Order
from mailkeep.acme.fault import AcmeFault, NamesRefused
from mailkeep.acme.folder import Folder, Held
from mailkeep.acme.jose import AccountKey
from mailkeep.acme.settings import Settings
from mailkeep.acme.web import open_web
from mailkeep.net.resolver import Resolver


class Session:
    """Every method raises AcmeFault, OSError or ValueError (files in the data directory cannot be used).

    `kinds`: of challenges that can be answered, the best first.
    """

    def __init__(self, settings: Settings, folder: Folder, challenges: Challenges, client: Client) -> None:
        """See `open_session`."""
        self.kinds = settings.kinds
        self._settings = settings
        self._folder = folder
        self._challenges = challenges
        self._client = client

    async def prove(self, names: Mapping[str, str], held: Held | None) -> Order:
        """Order a certificate, and prove each name by the kind of challenge that is given for it.

        Raises: NamesRefused.
        """
        order = await self._order(tuple(names), held)
        try:
            begun = [await self._begin(url, names) for url in order.authorizations]
            await self._end([authorization for authorization in begun if authorization is not None])
        finally:
            self._challenges.clear()
        return order

    async def finalize(self, order: Order, request: str) -> bytes:
        """The certificate of an order whose names are proven.  See `Client.finalize`."""
        return await self._client.finalize(order, request)

    async def renewal_window(self, held: Held) -> tuple[float, float] | None:
        """When the authority advises to renew, in UTC seconds; None where it does not.  RFC 9773 §4.2."""
        advice = await self._client.renewal(held.id) if held.id else None
        if advice is None:
            return None
        try:
            window = advice["suggestedWindow"]
            start, end = (dt.datetime.fromisoformat(window[key]).timestamp() for key in ("start", "end"))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise AcmeFault("the advice of the authority is no span of time") from error
        return (start, end) if start < end else None

    async def _order(self, names: tuple[str, ...], held: Held | None) -> Order:
        """With an account, made if need be."""
        replaces = held.id if held is not None and await self._client.advises() else ""
        if self._client.account is None:
            await self._register()
        try:
            return await self._client.order(names, replaces)
        except NamesRefused:
            raise
        except AcmeFault as fault:
            if fault.kind == "accountDoesNotExist":  # the authority has begun anew
                await self._register()
            elif not replaces or fault.kind not in ("alreadyReplaced", "malformed", "unauthorized"):
                raise
        return await self._client.order(names)

    async def _register(self) -> None:
        account = await self._client.register(self._settings.contact, self._settings.binding)
        self._folder.keep_account(self._settings.directory, account)

    async def _begin(self, url: str, kinds: Mapping[str, str]) -> Authorization | None:
        """Invite the authority to see the proof for a name; None if it has seen one lately."""
        authorization = await self._client.authorization(url)
        if authorization.state == "valid":
            return None
        kind = kinds.get(authorization.name, "")
        challenge = next((each for each in authorization.challenges if each.kind == kind), None)
        if challenge is None:
            reason = f"the authority does not offer the challenge {kind}"
            raise NamesRefused({authorization.name: reason}, final=False)
        answer = self._client.key.authorize(challenge.token)
        self._challenges.present(kind, name=authorization.name, token=challenge.token, authorization=answer)
        await self._client.answer(challenge)
        return authorization

    async def _end(self, begun: list[Authorization]) -> None:
        """Wait until the authority has seen all of them."""
        decided = [await self._client.decided(authorization.url) for authorization in begun]
        bad = {each.name: each.reason or each.state for each in decided if each.state != "valid"}
        if bad:
            raise NamesRefused(bad, final=False)


@asynccontextmanager
async def open_session(
    settings: Settings,
    folder: Folder,
    challenges: Challenges,
    resolver: Resolver,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Session]:
    """With the account that there is.  Raises: OSError, ValueError."""
    context = await asyncio.to_thread(_trusting, settings.authorities)  # the system's authorities are many
    key, account = _account_key(folder), folder.account(settings.directory)
    async with open_web(resolver, context) as web:
        client = Client(web, settings.directory, key, account=account, pause=pause)
        yield Session(settings, folder, challenges, client)


def _account_key(folder: Folder) -> AccountKey:
    """The one there is, or a new one."""
    pem = folder.account_key()
    if pem is not None:
        try:
            return AccountKey.load(pem)
        except ValueError as error:
            raise ValueError(
                f"acme/account.pem is no key of an account; without it another one is made: {error}"
            ) from error
    key = AccountKey.make()
    folder.keep_account_key(key.pem())
    return key


def _trusting(authorities: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authorities)
    except ssl.SSLError as error:
        raise ValueError(f"{authorities} holds no certificates: {error.reason}") from error
    except OSError as error:
        raise OSError(f"{authorities}: cannot be read: {error.strerror}") from error
