"""Logging in: one place for all protocols, whatever carries a name and its proof.

- A protocol asks `Authentication` and nothing else, and says which `Service` it is and where the client is.
- What comes of it is a `Login`.  It may be for reading only, and it may come to its end while the session lasts:
  sessions ask to be told (`watch`), or ask themselves (`stands`) when a hint says that something has happened.
- A wrong password, an unknown user and one who may not use this service look alike; a fault of ours is Unavailable.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from mailkeep.formats.sasl import MECHANISMS, Challenge, Credentials, Exchange
from mailkeep.formats.scram import NAME as SCRAM
from mailkeep.formats.scram import Scram
from mailkeep.model.change import Hint
from mailkeep.model.errors import AuthenticationFailed, NotFound, Unavailable, Unsupported
from mailkeep.model.ids import AccountId
from mailkeep.service.accounts import Accounts
from mailkeep.service.bus import Bus

Ask = Callable[[bytes], Awaitable[bytes]]
"""Sends a challenge, and gives the client's response; raises what the protocol wants when the client gives up."""

PASSWORD: Final = tuple(MECHANISMS)


class Service(StrEnum):
    """What somebody logs in to."""

    IMAP = "imap"
    POP3 = "pop3"
    SMTP = "smtp"  # sending mail
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class Secured:
    """What the TLS connection proves: channel bindings by name (RFC 5056 §7), the client's certificate (DER)."""

    bindings: Mapping[str, bytes] = field(default_factory=dict)
    certificate: bytes | None = None


CLEAR: Final = Secured()


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody has logged in.  `user` is the account's own address, however it was spelled.

    `read_only`: nothing may be written, and nothing sent.  `app_password`: its number, where it was one.
    """

    account: AccountId
    user: str
    read_only: bool = False
    app_password: int | None = None


class Authentication:
    """Who may log in, to what, and how long that holds."""

    def __init__(self, accounts: Accounts, bus: Bus) -> None:
        self._accounts = accounts
        self._bus = bus

    def mechanisms(self, service: Service, tls: Secured = CLEAR) -> tuple[str, ...]:  # noqa: ARG002  the same for all
        """What can be offered, the better first."""
        return (SCRAM, *PASSWORD) if self._accounts.scram else PASSWORD

    async def password(self, user: str, password: str, *, service: Service, peer: str) -> Login:  # noqa: ARG002  the same
        """Log in by name and password.  `peer` is the client's IP address, "" for this machine.

        Raises: AuthenticationFailed (after a delay that grows with failures), Unavailable (try later).
        """
        return self._login(await self._accounts.authenticate(user, password, peer))

    async def log_in(
        self, mechanism: str, initial: bytes | None, *, service: Service, peer: str, ask: Ask, tls: Secured = CLEAR
    ) -> Login:
        """Carry out an exchange (RFC 4422); `initial` is the client's first response, None where it sent none.

        Raises: Unsupported (no such mechanism), SaslError (it is not followed), AuthenticationFailed, Unavailable, and
        what `ask` raises.
        """
        if mechanism not in self.mechanisms(service, tls):
            raise Unsupported("Unsupported authentication mechanism")
        if mechanism == SCRAM:
            return await self._scram(initial, peer, ask)
        said = await _credentials(MECHANISMS[mechanism](), initial, ask)
        return await self.password(said.user, said.password, service=service, peer=peer)

    async def _scram(self, first: bytes | None, peer: str, ask: Ask) -> Login:
        exchange = Scram()
        named = exchange.begin(await ask(b"") if first is None else first)
        verifier = self._accounts.verifier(named.user)
        proof = exchange.prove(await ask(exchange.challenge(verifier).octets))
        account = await self._accounts.authenticate_proven(named.user, verifier if proof.is_right else None, peer)
        if await ask(proof.signature.octets):
            raise AuthenticationFailed("The last response of SCRAM is empty")
        return self._login(account)

    def _login(self, account: AccountId) -> Login:
        try:
            return Login(account, self._accounts.address_of(account))
        except NotFound as error:
            raise AuthenticationFailed("Wrong user name or password") from error

    # --- how long it holds

    def stands(self, login: Login) -> bool:
        """Whether it still holds, as far as can be told now."""
        try:
            return self._accounts.exists(login.account)
        except Unavailable:
            return True

    def watch(self, login: Login, end: Callable[[str], None]) -> Callable[[], None]:
        """Call `end` with words for the client as soon as `login` holds no more, whichever process made that so.

        `end` must not wait and must not raise.  Returns: what stops watching.
        """

        def on_hint(hint: Hint) -> None:
            if hint.tree and not self.stands(login):
                end("The account has been removed")

        return self._bus.subscribe(login.account, on_hint)


async def _credentials(exchange: Exchange, answer: bytes | None, ask: Ask) -> Credentials:
    while True:
        match exchange.step(answer):
            case Credentials() as said:
                return said
            case Challenge(octets):
                answer = await ask(octets)
