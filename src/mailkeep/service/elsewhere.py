"""Logging in by what others check: passwords, tokens and certificates."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailkeep import telemetry
from mailkeep.formats import bearer
from mailkeep.formats.bearer import Bearer
from mailkeep.formats.sasl import SaslError
from mailkeep.formats.scram import Verifier
from mailkeep.model.address import parse_address
from mailkeep.model.errors import Invalid
from mailkeep.service.arrivals import Arrivals
from mailkeep.service.client_certificates import addresses_of
from mailkeep.service.openid.claims import TokenRefused
from mailkeep.service.remembered import Remembered
from mailkeep.service.ways import Attempt, Login, Service, Way

if TYPE_CHECKING:
    from mailkeep.service.openid.provider import Provider  # loads much that most servers do without

EXTERNAL: Final = "EXTERNAL"  # RFC 4422 appendix A
REMEMBERED_S: Final = 60.0  # a yes: so that a client which opens five connections asks once
MAX_NAME: Final = 320  # octets of an authorization identity

Check = Callable[[Attempt], Awaitable[str | None]]
"""The address of the account that name and password open, None for none.  Raises: Unavailable."""

log = telemetry.logger(part="auth")


class PasswordsElsewhere:
    """See `mailkeep.service.ways.Way`: somebody else checks passwords, and says whose account each opens."""

    def __init__(self, check: Check, arrivals: Arrivals, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._check = check
        self._arrivals = arrivals
        self._right: Remembered[Login] = Remembered(REMEMBERED_S, clock)

    def recall(self, attempt: Attempt) -> Login | None:
        """See `Way.recall`: it was right a short while ago, from there: a hook may ask where the client is."""
        login = self._right.find(attempt.key, attempt.typed, attempt.service, attempt.peer)
        return login if login is not None and self._arrivals.still(login) else None

    async def check(self, attempt: Attempt) -> Login | None:
        """See `Way.check`."""
        if not attempt.typed:  # in some directories an empty password is always right
            return None
        address = await self._check(attempt)
        login = None if address is None else await self._arrivals.admit(address)
        if login is not None:
            self._right.add(login, attempt.key, attempt.typed, attempt.service, attempt.peer)
        return login

    def verifiers(self, key: str, service: Service) -> Iterable[tuple[Verifier, Login]]:  # noqa: ARG002  it has none
        """See `Way.verifiers`: nothing is known of the passwords."""
        return ()


class TokenLogins:
    """Tokens of a provider.  `scope` and `configuration` are told to clients: see `formats.bearer.refusal`."""

    def __init__(self, provider: Provider, arrivals: Arrivals, *, scope: str, configuration: str) -> None:
        self._provider = provider
        self._arrivals = arrivals
        self._scope = scope
        self._configuration = configuration

    async def check(self, said: Bearer) -> Login | None:
        """What a token opens; the account that the client names must be that one.  Raises: Unavailable."""
        if not said.token:
            return None
        try:
            bearing = await self._provider.identify(said.token)
        except TokenRefused as error:
            log.info("auth.token_refused", reason=str(error))
            return None
        login = await self._arrivals.admit(bearing.name)
        if login is None:
            log.info("auth.token_refused", reason="it is of somebody without an account")
            return None
        if said.user and not _is_same(said.user, login.user):
            log.info("auth.token_refused", reason="the client names another account", account=login.user)
            return None
        return login

    def refusal(self, mechanism: str) -> bytes:
        """What a client is told whose token opens nothing."""
        return bearer.refusal(mechanism, scope=self._scope, configuration=self._configuration)


class CertificateLogins:
    """Certificates of clients, for which TLS has found an authority that vouches."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    async def check(self, certificate: bytes, wanted: str) -> Login | None:
        """The account of the first address that has one; `wanted` is the one that the client names, or "".

        Raises: Unavailable.
        """
        for address in addresses_of(certificate):
            if not wanted or _is_same(address, wanted):
                login = await self._arrivals.admit(address)
                if login is not None:
                    return login
        return None


def read_identity(response: bytes) -> str:
    """What a client says by EXTERNAL: the account it wants, or "" (RFC 4422 appendix A.1).  Raises: SaslError."""
    if len(response) > MAX_NAME or b"\0" in response:
        raise SaslError("The identity is not well-formed")
    try:
        return response.decode()
    except UnicodeDecodeError as error:
        raise SaslError("The identity is not UTF-8") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """All that others check, as the configuration says; `close` ends what runs for it."""

    ways: tuple[Way, ...] = ()
    tokens: TokenLogins | None = None
    certificates: CertificateLogins | None = None
    close: Callable[[], None] = lambda: None


NOBODY: Final = Elsewhere()


def _is_same(one: str, other: str) -> bool:
    try:
        return parse_address(one) == parse_address(other)
    except Invalid:
        return False
