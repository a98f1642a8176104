"""A resolver of fixed answers, for tests that need no DNS server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dns.rdata

from mailkeep.net.resolver import Answer, DnsFault

FAULT = "FAULT"


class Zones:
    """Answers from ``{"example.org": {"MX": ["10 mx.example.org."]}}``; ``FAULT`` for a kind is a DnsFault.

    `authentic`: the names whose answers were validated; True for all.
    """

    def __init__(
        self, zones: Mapping[str, Mapping[str, Sequence[str] | str]], authentic: bool | Sequence[str] = False
    ) -> None:
        self.zones = {name: dict(kinds) for name, kinds in zones.items()}
        self.authentic = authentic
        self.asked: list[tuple[str, str]] = []

    async def look_up(self, name: str, kind: str) -> Answer:
        """See `mailkeep.net.resolver.Resolver`."""
        self.asked.append((name, kind))
        name = name.rstrip(".").lower()
        authentic = self.authentic is True or (self.authentic is not False and name in self.authentic)
        kinds = self.zones.get(name)
        if kinds is not None and "CNAME" in kinds and kind != "CNAME":
            target = kinds["CNAME"]
            assert isinstance(target, str)
            answer = await self.look_up(target, kind)
            return Answer(answer.records, answer.exists, answer.authentic and authentic, answer.name)
        texts = (kinds or {}).get(kind, ())
        if texts == FAULT:
            raise DnsFault("SERVFAIL")
        records: tuple[Any, ...] = tuple(dns.rdata.from_text("IN", kind, text) for text in texts)
        exists = kinds is not None or any(other.endswith(f".{name}") for other in self.zones)
        return Answer(records, exists, authentic, name)
