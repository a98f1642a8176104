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

    @property
    def is_over(self) -> bool:
        """Whether it is more than a limit allows, which was lowered since."""
        used = (self.octets, self.messages, self.mailboxes)
        limits = (self.quota.octets, self.quota.messages, self.quota.mailboxes)
        return any(limit is not None and held > limit for held, limit in zip(used, limits, strict=True))
