"""The MTA-STS policies of other domains: fetched, and kept on disk for as long as they say (RFC 8461 §3.3, §5.1).

- A policy that is kept holds even if neither DNS nor its web server answers: whoever is in between could silence both.
- One file a domain, in the octets that its web server sent: a restart forgets nothing, and all processes share it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailkeep import telemetry
from mailkeep.formats.mta_sts import Policy, PolicyError, find_id, parse_policy
from mailkeep.net.resolver import DnsFault, Resolver
from mailkeep.smtp.outbound.tls import Kind, TlsResult, TlsResults

REFRESH_S: Final = 86_400  # RFC 8461 §3.3: once a day, so that nobody can wait for a policy to run out
RETRY_S: Final = 300  # §3.3: after a fetch that failed
MAX_KNOWN: Final = 10_000  # policies in memory, and files

_NAME: Final = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,126}\Z")
_FIRST: Final = re.compile(rb"id=([A-Za-z0-9]{1,32}) fetched=([0-9]{1,12})\n")

log = telemetry.logger()


class FetchFailed(Exception):
    """The web server of a policy has not given it; the text says why, `result` how it is counted."""

    def __init__(self, result: TlsResult, text: str) -> None:
        super().__init__(text)
        self.result = result


Fetch = Callable[[str], Awaitable[bytes]]  # from the policy's domain to its octets.  Raises: FetchFailed


@dataclass(frozen=True, slots=True)
class _Known:
    id: str
    fetched_at: int
    policy: Policy


class Policies:
    """Finds the policy of a domain.  `directory`: where they are kept; it is made if need be."""

    def __init__(
        self,
        resolver: Resolver,
        fetch: Fetch,
        directory: Path,
        results: TlsResults,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._resolver = resolver
        self._fetch = fetch
        self._directory = directory
        self._results = results
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._failed: OrderedDict[tuple[str, str], float] = OrderedDict()  # (domain, id): when to try again
        self._fetching: dict[str, asyncio.Lock] = {}

    async def find(self, domain: str) -> Policy | None:
        """The policy that holds for mail to `domain` (in A-labels) now."""
        if not _NAME.match(domain) or len(domain) > 240:
            return None
        known = await self._recall(domain)
        now = self._clock()
        told = await self._ask(domain)
        if told is None or (known is not None and known.id == told and now < known.fetched_at + REFRESH_S):
            return known.policy if known is not None else None
        known = await self._renew(domain, told, known)
        return known.policy if known is not None else None

    async def _ask(self, domain: str) -> str | None:
        """The id in DNS.  A fault is as good as no record: RFC 8461 §10.2 knows that it can be caused."""
        try:
            answer = await self._resolver.look_up(f"_mta-sts.{domain}", "TXT")
        except DnsFault:
            return None
        return find_id(b"".join(record.strings).decode("latin-1") for record in answer.records)

    # ---- kept ----------------------------------------------------------------------------------------------------

    async def _recall(self, domain: str) -> _Known | None:
        """What is kept and has not run out."""
        known = self._known.get(domain)
        if known is None and (self._directory / domain).exists():
            known = await asyncio.to_thread(self._read, domain)
            if known is not None:
                self._remember(domain, known)
        if known is not None and self._clock() >= known.fetched_at + known.policy.max_age_s:
            self._known.pop(domain, None)
            return None
        return known

    def _read(self, domain: str) -> _Known | None:
        try:
            octets = (self._directory / domain).read_bytes()
        except OSError:
            return None
        first = _FIRST.match(octets)
        if first is None:
            return None
        try:
            policy = parse_policy(octets[first.end() :])
        except PolicyError:
            return None
        return _Known(first[1].decode(), int(first[2]), policy)

    def _remember(self, domain: str, known: _Known) -> None:
        self._known[domain] = known
        self._known.move_to_end(domain)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    def _write(self, domain: str, known: _Known, octets: bytes) -> None:
        """Keep it: replaced whole, so that a crash leaves the old one.  A full disk must not stop mail."""
        first = f"id={known.id} fetched={known.fetched_at}\n".encode()
        temporary = self._directory / f".{domain[:200]}.{os.getpid()}"
        with contextlib.suppress(OSError):
            self._directory.mkdir(mode=0o700, exist_ok=True)
            if not (self._directory / domain).exists():
                self._make_room()
            temporary.write_bytes(first + octets)
            temporary.replace(self._directory / domain)

    def _make_room(self) -> None:
        files = [entry for entry in self._directory.iterdir() if entry.is_file()]
        if len(files) < MAX_KNOWN:
            return
        files.sort(key=lambda file: file.stat().st_mtime)
        for file in files[: MAX_KNOWN // 10]:
            file.unlink(missing_ok=True)

    # ---- fetched -------------------------------------------------------------------------------------------------

    async def _renew(self, domain: str, told: str, known: _Known | None) -> _Known | None:
        """Fetch the policy whose id DNS tells; what is known stays if that fails."""
        lock = self._fetching.setdefault(domain, asyncio.Lock())
        try:
            async with lock:
                latest = self._known.get(domain)
                if latest is not None and latest is not known and latest.id == told:
                    return latest  # somebody else has just fetched it
                if self._clock() < self._failed.get((domain, told), 0):
                    return known
                return await self._try(domain, told) or known
        finally:
            if not lock.locked():
                self._fetching.pop(domain, None)

    async def _try(self, domain: str, told: str) -> _Known | None:
        try:
            octets = await self._fetch(domain)
            policy = parse_policy(octets)
        except FetchFailed as error:
            result, why = error.result, str(error)
        except PolicyError as error:
            result, why = TlsResult.STS_INVALID, str(error)
        else:
            known = _Known(told, int(self._clock()), policy)
            self._remember(domain, known)
            await asyncio.to_thread(self._write, domain, known, octets)
            return known
        self._failed[domain, told] = self._clock() + RETRY_S
        if len(self._failed) > MAX_KNOWN:
            self._failed.popitem(last=False)
        self._results.count(Kind.STS, result)
        log.warning("mta_sts.fetch_failed", domain=domain, why=why)
        return None
