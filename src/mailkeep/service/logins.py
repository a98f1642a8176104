"""Logging in by a SASL mechanism (RFC 4422), whatever protocol carries the exchange."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from mailkeep.formats.sasl import MECHANISMS, Challenge, Credentials, Exchange
from mailkeep.formats.scram import NAME as SCRAM
from mailkeep.formats.scram import Scram
from mailkeep.model.errors import AuthenticationFailed, Unsupported
from mailkeep.model.ids import AccountId
from mailkeep.service.accounts import Accounts

Ask = Callable[[bytes], Awaitable[bytes]]
"""Sends a challenge, and gives the client's response; raises what the protocol wants when the client gives up."""

PASSWORD: Final = tuple(MECHANISMS)


def mechanisms(accounts: Accounts) -> tuple[str, ...]:
    """What can be offered, the better first."""
    return (SCRAM, *PASSWORD) if accounts.scram else PASSWORD


async def log_in(
    accounts: Accounts, mechanism: str, initial: bytes | None, peer: str, ask: Ask
) -> tuple[AccountId, str]:
    """Carry out an exchange; `initial` is the client's first response, None where it did not send one.

    Returns: the account, and the name that the client gave.
    Raises: Unsupported (no such mechanism), SaslError (it is not followed), AuthenticationFailed, Unavailable, and what
    `ask` raises.
    """
    if mechanism not in mechanisms(accounts):
        raise Unsupported("Unsupported authentication mechanism")
    if mechanism == SCRAM:
        return await _scram(accounts, initial, peer, ask)
    return await _password(accounts, MECHANISMS[mechanism](), initial, peer, ask)


async def _password(
    accounts: Accounts, exchange: Exchange, answer: bytes | None, peer: str, ask: Ask
) -> tuple[AccountId, str]:
    while True:
        match exchange.step(answer):
            case Credentials(user, password):
                return await accounts.authenticate(user, password, peer), user
            case Challenge(octets):
                answer = await ask(octets)


async def _scram(accounts: Accounts, first: bytes | None, peer: str, ask: Ask) -> tuple[AccountId, str]:
    exchange = Scram()
    named = exchange.begin(await ask(b"") if first is None else first)
    verifier = accounts.verifier(named.user)
    proof = exchange.prove(await ask(exchange.challenge(verifier).octets))
    account = await accounts.authenticate_proven(named.user, verifier if proof.is_right else None, peer)
    if await ask(proof.signature.octets):
        raise AuthenticationFailed("The last response of SCRAM is empty")
    return account, named.user
