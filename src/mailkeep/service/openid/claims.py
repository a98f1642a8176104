"""What a token says, and whether that opens an account here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

LEEWAY_S: Final = 60  # clocks differ
MAX_TIME: Final = 1e12  # seconds since 1970
MAX_NAME: Final = 320  # octets of an address, and more

Claims = Mapping[str, Any]


class TokenRefused(Exception):
    """The token opens nothing.  The text says why, for the log: it has neither the token nor a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is asked of a token: who has issued it, for whom, with what scope; `claim` says whose account it opens.

    A scope of "" asks for none.
    """

    issuer: str
    audiences: frozenset[str]
    scope: str
    claim: str


@dataclass(frozen=True, slots=True)
class Bearing:
    """Whom a token stands for, as its claim says, and until when (seconds since 1970)."""

    name: str
    expires_at: float


def check(claims: Claims, terms: Terms, now: float) -> Bearing:
    """Of a token whose signature is right (RFC 7519 §4.1, RFC 9068 §4).  Raises: TokenRefused."""
    if claims.get("iss") != terms.issuer:
        raise TokenRefused("it is of another issuer")
    if terms.audiences.isdisjoint(_words(claims.get("aud"))):
        raise TokenRefused("it is for another audience")
    expires_at = _time(claims, "exp")
    if expires_at is None:
        raise TokenRefused("it never expires")
    return _bearing(claims, terms, now, expires_at)


def check_introspected(claims: Claims, terms: Terms, now: float) -> Bearing:
    """Of what an introspection said (RFC 7662 §2.2), which may leave out most.

    Where it tells no audience, the client that the token was given to has to be one of those.
    Raises: TokenRefused.
    """
    if claims.get("active") is not True:
        raise TokenRefused("the provider says that it is not active")
    if claims.get("iss", terms.issuer) != terms.issuer:
        raise TokenRefused("it is of another issuer")
    if terms.audiences.isdisjoint(_words(claims.get("aud") or claims.get("client_id"))):
        raise TokenRefused("it is for another audience")
    expires_at = _time(claims, "exp")
    return _bearing(claims, terms, now, float("inf") if expires_at is None else expires_at)


def _bearing(claims: Claims, terms: Terms, now: float, expires_at: float) -> Bearing:
    if now >= expires_at + LEEWAY_S:
        raise TokenRefused("it has expired")
    for claim in ("nbf", "iat"):
        begins_at = _time(claims, claim)
        if begins_at is not None and now < begins_at - LEEWAY_S:
            raise TokenRefused("it is not valid yet")
    # "scope" in words (RFC 8693 §4.2); Entra ID says "scp", and some servers have a list
    if terms.scope and terms.scope not in _words(claims.get("scope")) + _words(claims.get("scp")):
        raise TokenRefused("it lacks the scope")
    name = claims.get(terms.claim)
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        raise TokenRefused(f"it has no claim {terms.claim}")
    # A provider where people write down any address as theirs says that it has not been proved (OpenID Core §5.1).
    if terms.claim == "email" and claims.get("email_verified", True) not in (True, "true"):
        raise TokenRefused("its address is not verified")
    return Bearing(name, expires_at)


def _words(value: object) -> list[str]:
    """Of words with spaces between them, or of a list of them."""
    if isinstance(value, str):
        return value.split(" ")
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _time(claims: Claims, claim: str) -> float | None:
    """A NumericDate (RFC 7519 §2).  Raises: TokenRefused (it is none)."""
    value = claims.get(claim)
    if value is None:
        return None
    # a limit: JSON as Python reads it has numbers without end, Infinity, and NaN
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < MAX_TIME:
        raise TokenRefused(f"its claim {claim} is no time")
    return float(value)
