"""Questions to DNS, as values: what is there, what is not, and whether the answer was validated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class DnsFault(Exception):
    """No usable answer (time-out, SERVFAIL, refused): a passing fault, never a "no"."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`records` are dnspython's rdata objects of the kind asked for, aliases followed; none = NXDOMAIN or NODATA.

    `exists`: the name has records of some kind.  `authentic`: validated by DNSSEC, as told by a resolver that we
    trust (the AD bit, from loopback only).  `name`: the canonical name, after aliases.
    """

    records: tuple[Any, ...]
    exists: bool
    authentic: bool
    name: str


class Resolver(Protocol):
    """Asks DNS, and remembers answers for as long as they say."""

    async def look_up(self, name: str, kind: str) -> Answer:
        """Records of one kind (``MX``, ``TXT``, ``A``, …).  Raises: DnsFault."""
        ...
