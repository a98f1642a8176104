"""Those whom somebody else vouches for: which account is theirs, and how they get one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from mailkeep import telemetry
from mailkeep.model.address import parse_address
from mailkeep.model.errors import AlreadyExists, Invalid, MailError, Unavailable
from mailkeep.service.accounts import Accounts
from mailkeep.service.addresses import Addresses
from mailkeep.service.ways import Login

Create = Callable[[str], Awaitable[None]]
"""Makes an account without a password for an address.  Raises: MailError."""

log = telemetry.logger(part="auth")


class Arrivals:
    """Lets them in by the address of their account.

    `create` is called for one who has none, if his domain is one of ours; None: then he is not let in.
    """

    def __init__(self, accounts: Accounts, addresses: Addresses, create: Create | None = None) -> None:
        self._accounts = accounts
        self._addresses = addresses
        self._create = create
        self._creating = asyncio.Lock()  # a client opens several connections at once

    async def admit(self, address: str) -> Login | None:
        """What is opened for whose address this is: an account in use, that is somebody's.  Raises: Unavailable."""
        try:
            key = parse_address(address)
        except Invalid:
            log.warning("auth.no_address", reason="who was vouched for has something else than a mail address")
            return None
        login = self.find(str(key))
        if login is not None or self._create is None:
            return login
        async with self._creating:
            if self.find(str(key)) is None and self._addresses.is_local(key.domain):
                await self._make(str(key), self._create)
        return self.find(str(key))

    def find(self, address: str) -> Login | None:
        """The same for one who has an account.  Raises: Unavailable."""
        account = self._accounts.find(address)
        return None if account is None or account.shared else Login(account.id, account.address)

    def still(self, login: Login) -> bool:
        """Whether what was opened can still be.  Raises: Unavailable."""
        return self.find(login.user) == login

    async def _make(self, address: str, create: Create) -> None:
        try:
            await create(address)
        except AlreadyExists:
            return  # another process was faster; or it is an alias, which opens nothing
        except MailError as error:
            log.error("auth.no_account_made", address=address, reason=error.text)
            raise Unavailable("The account cannot be made now") from error
        log.info("auth.account_made", address=address)
