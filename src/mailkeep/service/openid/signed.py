"""Tokens that the provider has signed: JWT (RFC 7519), and its keys (RFC 7517)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry
from joserfc.jwk import Key as JoseKey

from mailkeep.service.openid.claims import Claims, TokenRefused

# Of those with a public key alone: nobody can pass off a published key as the secret of an HMAC (RFC 8725 §2.1).
ALGORITHMS: Final = {
    "RS256": "RSA",
    "RS384": "RSA",
    "RS512": "RSA",
    "PS256": "RSA",
    "PS384": "RSA",
    "PS512": "RSA",
    "ES256": "EC",
    "ES384": "EC",
    "ES512": "EC",
    "EdDSA": "OKP",
    "Ed25519": "OKP",
}
"""Algorithm → kind of key."""

TYPES: Final = ("", "jwt", "at+jwt", "application/at+jwt")
"""What a token may call itself: not a logout token, nor anything else that the same keys sign (RFC 8725 §3.11)."""

MAX_KEYS: Final = 64
# What broken input makes the library raise.
_FAULTS: Final = (JoseError, ValueError, TypeError, KeyError, ArithmeticError, RecursionError)


class NoSuchKey(Exception):
    """The token names a key that is not among those known: the provider may have a new one."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the provider: its name, "" for none, and the algorithm it is for, "" for any."""

    name: str
    algorithm: str
    key: JoseKey


def read_keys(document: bytes) -> tuple[Key, ...]:
    """The keys of a JWK Set that can check signatures; unknown kinds are left out (RFC 7517 §5).

    Raises: ValueError (it is no set, or has no such key).
    """
    found = json.loads(document)
    described = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(described, list):
        raise ValueError("it is no set of keys")
    keys = tuple(key for each in described[:MAX_KEYS] if (key := _read_key(each)) is not None)
    if not keys:
        raise ValueError("it has no key for signatures")
    return keys


def _read_key(described: object) -> Key | None:
    if not isinstance(described, dict) or described.get("use", "sig") != "sig":
        return None
    if described.get("kty") not in ALGORITHMS.values():
        return None
    try:
        key = JWKRegistry.import_key(described)
    except _FAULTS:
        return None
    return Key(_text(described, "kid"), _text(described, "alg"), key)


def verify(token: str, keys: tuple[Key, ...]) -> Claims:
    """What a token says that one of `keys` has signed.  Raises: TokenRefused, NoSuchKey."""
    header = _header(token)
    algorithm = _text(header, "alg")
    if algorithm not in ALGORITHMS:
        raise TokenRefused("its algorithm is not allowed")
    if _text(header, "typ").lower() not in TYPES:
        raise TokenRefused("it is another kind of token")
    name = _text(header, "kid")
    candidates = [key for key in keys if _suits(key, name, algorithm)]
    if not candidates:
        raise NoSuchKey
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    for key in candidates:
        try:
            payload = json.loads(jws.deserialize_compact(token, key.key, registry=registry).payload)
        except _FAULTS:
            continue
        if isinstance(payload, dict):
            return payload
    raise TokenRefused("its signature is wrong")


def _header(token: str) -> Mapping[str, Any]:
    try:
        header = jws.extract_compact(token.encode()).protected
    except _FAULTS as error:
        raise TokenRefused("it is no signed JWT") from error
    if not isinstance(header, dict):
        raise TokenRefused("it is no signed JWT")
    return header


def _suits(key: Key, name: str, algorithm: str) -> bool:
    return (
        (not name or key.name in (name, ""))
        and key.algorithm in (algorithm, "")
        and key.key.key_type == ALGORITHMS[algorithm]
    )


def _text(described: Mapping[str, Any], member: str) -> str:
    value = described.get(member, "")
    return value if isinstance(value, str) else ""
