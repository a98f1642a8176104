"""Domains whose mail this server takes, the aliases in them, and the keys that sign for them."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailkeep.model.ids import AccountId


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain that has been added; `name` in lower-case A-labels, `created_at` in UTC seconds."""

    name: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Alias:
    """An address that leads to an account besides the account's own; ``@domain``: all that nobody else has there."""

    address: str
    account: AccountId


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of DKIM, published at ``selector._domainkey.domain``.

    `algorithm`: ``rsa-sha256`` (RFC 6376 §3.3.1), `private` is then PKCS #8 in PEM; or ``ed25519-sha256``
    (RFC 8463 §3), `private` is then the seed of 32 octets.  One that is `waiting` does not sign yet.
    """

    domain: str
    selector: str
    algorithm: str
    private: bytes = field(repr=False)  # a secret: never in a log
    waiting: bool = False
