"""Passwords for one program or device, made by the server, beside the one that the person knows."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.model.ids import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPassword:
    """One of them.  `number` is its own in the whole directory, and never used again; times are UTC seconds.

    `digest` finds it, `scram` is a verifier (RFC 5803); from neither can anybody log in.  `services`: names of what it
    opens.  `expires_at`: from then on it opens nothing; None: it stays.  `used_at`: about; None: never yet.
    """

    account: AccountId
    number: int
    label: str
    digest: bytes
    scram: str
    services: frozenset[str]
    read_only: bool
    created_at: int
    expires_at: int | None = None
    used_at: int | None = None

    def expired(self, now: float) -> bool:
        """Whether it opens nothing any more."""
        return self.expires_at is not None and self.expires_at <= now
