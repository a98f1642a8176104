"""How much an account may hold, and how much it does (RFC 9208)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Limits; None is no limit.  `octets` sums live entries, copies too; `mailboxes` counts all names."""

    octets: int | None = None
    messages: int | None = None
    mailboxes: int | None = None


UNLIMITED: Final = Quota()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an account holds, counted as its `quota` counts."""

    octets: int
    messages: int
    mailboxes: int
    quota: Quota
