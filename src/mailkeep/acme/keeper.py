"""Sees to it that there are certificates: asks for them, and for the next ones in time."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.x509 import ExtensionNotFound

from mailkeep import telemetry
from mailkeep.acme.addresses import find_addresses
from mailkeep.acme.challenges import Challenges
from mailkeep.acme.fault import AcmeFault, NamesRefused
from mailkeep.acme.folder import HOST, Folder, Held, Notes, request_for
from mailkeep.acme.plan import (
    MAX_NAMES,
    MAX_PAUSE_S,
    Wanted,
    failed,
    find_reason,
    gains,
    is_worth_it,
    succeeded,
    unchanged,
)
from mailkeep.acme.settings import Settings
from mailkeep.certificates import CertificateError
from mailkeep.net.resolver import Resolver

if TYPE_CHECKING:
    from mailkeep.acme.client import Order
    from mailkeep.acme.session import Session

LOOK_S: Final = 3600.0  # between two looks whether something is due
ADVICE_S: Final = 6 * 3600.0  # between two questions for advice (RFC 9773 §4.3.3)
ATTEMPT_S: Final = 900.0  # for everything about one certificate

# A host name of DNS in lower case, and no address.
_SIGNED: Final = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9-]{1,63}\.)+(?![0-9]+\Z)[a-z0-9-]{1,63}\Z")

log = telemetry.logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of looking after one certificate: its names now, and the fault, "" for none.

    `refused`: names that the authority does not believe in, with the reason.
    """

    group: str
    names: tuple[str, ...]
    fault: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)


class Keeper:
    """Keeps the certificates of a data directory, in one process.

    `candidates`: names by group, of which those that lead here are wanted; `install` is called when there is a new
    certificate.  Before `configure` nothing is asked of anybody.
    """

    def __init__(
        self,
        data_dir: Path,
        resolver: Resolver,
        *,
        candidates: Callable[[], Mapping[str, Sequence[str]]],
        install: Callable[[], None],
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.settings: Settings | None = None
        self._folder: Final = Folder(data_dir)
        self._challenges: Final = Challenges(data_dir)
        self._resolver = resolver
        self._candidates = candidates
        self._install = install
        self._clock = clock
        self._pause = pause
        self._woken = asyncio.Event()
        self._busy = asyncio.Lock()
        self._unwritten: dict[str, float] = {}  # by group: no attempt before

    def configure(self, settings: Settings | None) -> None:
        """Go on with these; None: ask nobody."""
        if settings != self.settings:
            self.settings = settings
            self._unwritten.clear()
            self.wake()

    def wake(self) -> None:
        """Look now: the names may be others."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        self._challenges.clear()  # those of a process that died
        while True:
            self._woken.clear()
            if self.settings is not None:
                await self.look(self.settings)
            try:
                async with asyncio.timeout(self._pause_s()):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _pause_s(self) -> float:
        """Until the next look: an hour, or less where an attempt is due before."""
        if self.settings is None:
            return LOOK_S
        now = self._clock()
        waits = [self._next_at(self.settings, group) - now for group in self._candidates()]
        return min([LOOK_S, *(max(wait, 1.0) for wait in waits if wait > 0)])

    async def look(self, settings: Settings, *, anyway: bool = False) -> tuple[Outcome, ...]:
        """Ask for what is due; with `anyway` for all, whatever there is and was.  Tells of what was asked for."""
        async with self._busy:
            candidates = self._candidates()
            outcomes = [
                await self._attend(settings, group, names, anyway=anyway) for group, names in candidates.items()
            ]
            for group in set(self._folder.groups()) - set(candidates):
                self._folder.remove(group)
        return tuple(outcome for outcome in outcomes if outcome is not None)

    async def _attend(self, settings: Settings, group: str, names: Sequence[str], *, anyway: bool) -> Outcome | None:
        """See to one certificate; a fault of it is the fault of no other."""
        try:
            if not anyway and self._clock() < self._next_at(settings, group):
                return None
            async with asyncio.timeout(ATTEMPT_S):
                return await self._see_to(settings, group, names, anyway=anyway)
        except TimeoutError:
            return self._failed(settings, group, f"it was not done within {ATTEMPT_S:g} s")
        except NamesRefused as refusal:
            known = {name: reason for name, reason in refusal.names.items() if name in names}
            return self._failed(settings, group, str(refusal), refused=known)
        except AcmeFault as fault:
            return self._failed(settings, group, str(fault), retry_after_s=fault.retry_after_s)
        except (OSError, ValueError, CertificateError, ExtensionNotFound) as error:
            return self._failed(settings, group, str(error))
        except Exception as error:  # of a library, over what the authority has sent: that counts as an attempt, too
            log.exception("acme.bug", domain=group)
            return self._failed(settings, group, f"{type(error).__name__}: {error}")

    def _next_at(self, settings: Settings, group: str) -> float:
        """Before when no attempt is to be made (UTC seconds)."""
        next_at = max(self._notes(settings, group).next_at, self._unwritten.get(group, 0.0))
        return next_at if next_at <= self._clock() + MAX_PAUSE_S else 0.0  # written down while the clock was wrong

    def _notes(self, settings: Settings, group: str) -> Notes:
        """Of what was tried at the authority that is asked now."""
        notes = self._folder.notes(group)
        if notes.directory not in ("", settings.directory):
            return Notes(directory=settings.directory, made_by=notes.made_by)
        return msgspec.structs.replace(notes, directory=settings.directory)

    def _failed(
        self,
        settings: Settings,
        group: str,
        text: str,
        *,
        refused: Mapping[str, str] | None = None,
        retry_after_s: float = 0.0,
    ) -> Outcome:
        notes = failed(self._notes(settings, group), text, refused or {}, self._clock(), retry_after_s)
        try:
            self._folder.write_notes(group, notes)
        except OSError:  # a full disk, say: the authority counts all the same
            self._unwritten[group] = notes.next_at
        again = dt.datetime.fromtimestamp(notes.next_at, dt.UTC).isoformat(timespec="seconds")
        log.error("acme.failed", domain=group, reason=text, attempts=notes.failures, again_at=again)
        held = self._folder.find(group)
        return Outcome(group, held.names if held is not None else (), text, refused or {})

    async def _see_to(self, settings: Settings, group: str, names: Sequence[str], *, anyway: bool) -> Outcome | None:
        # Its libraries take an eighth of a second to load: servers without an authority do without.
        from mailkeep.acme.session import open_session

        if not settings.kinds:
            raise AcmeFault("no challenge can be answered: listen.http serves http-01, listen.https tls-alpn-01")
        wanted = await self._want(settings, group, names)
        held = await asyncio.to_thread(self._folder.find, group)
        notes = self._note_elsewhere(settings, wanted)
        reason = find_reason(wanted, held, notes, self._clock())
        is_advice_due = held is not None and not 0 <= notes.advice_at - self._clock() <= ADVICE_S
        if not wanted.names or not (anyway or reason or is_advice_due):
            return None
        async with open_session(settings, self._folder, self._challenges, self._resolver, self._pause) as session:
            if held is not None and is_advice_due:
                notes = await self._note_advice(session, group, held, notes)
                reason = find_reason(wanted, held, notes, self._clock())
            if not (anyway or reason):
                return None
            log.info("acme.ordering", domain=group, names=wanted.names, reason=reason or "it was asked for")
            return await self._obtain(session, wanted, held, notes, anyway=anyway)

    async def _obtain(
        self, session: Session, wanted: Wanted, held: Held | None, notes: Notes, *, anyway: bool
    ) -> Outcome:
        """Have a certificate made, unless it turns out that `held` is as good."""
        group, now = wanted.group, self._clock()
        order, proven, refused = await self._prove(session, wanted, held)
        for name, why in refused.items():
            log.warning("acme.name_refused", name=name, reason=why)
        if held is not None and not anyway and not gains(proven, held, notes, now):
            self._folder.write_notes(group, unchanged(notes, refused, now))
            return Outcome(group, held.names, refused=refused)
        key, request = request_for(proven)
        chain = await session.finalize(order, request)
        at = dt.datetime.fromtimestamp(now, dt.UTC)
        made = await asyncio.to_thread(self._folder.keep, group, chain=chain, key=key, names=proven, now=at)
        self._unwritten.pop(group, None)
        self._folder.write_notes(group, succeeded(notes, proven, refused, now))
        log.info("acme.issued", domain=group, names=made.names, until=made.until.isoformat())
        self._install()
        return Outcome(group, made.names, refused=refused)

    # --- names

    async def _want(self, settings: Settings, group: str, names: Sequence[str]) -> Wanted:
        """Sort out the names that lead elsewhere.  The host's own stays: DNS may look different from here."""
        good = [settings.hostname] if group == HOST else []
        elsewhere: dict[str, str] = {}
        unknown: dict[str, str] = {}
        for name in dict.fromkeys(name for name in names if name not in good):
            try:
                reason = await self._why_elsewhere(name, settings.hostname)
            except AcmeFault as fault:
                unknown[name] = str(fault)
                continue
            if reason:
                elsewhere[name] = reason
            elif len(good) == MAX_NAMES:
                elsewhere[name] = f"a certificate has {MAX_NAMES} names at most"
            else:
                good.append(name)
        return Wanted(group, tuple(good), elsewhere, unknown)

    async def _why_elsewhere(self, name: str, hostname: str) -> str:
        """How `name` leads to another host; "" if it does not.  Raises: AcmeFault (DNS does not answer)."""
        if not _SIGNED.match(name):
            return "is no name that authorities sign for"
        there = set(await find_addresses(self._resolver, name))
        if not there:
            return "has no address"
        away = there - set(await find_addresses(self._resolver, hostname))
        return f"leads to {', '.join(sorted(away))}, and {hostname} does not" if away else ""

    def _note_elsewhere(self, settings: Settings, wanted: Wanted) -> Notes:
        """Write down which names lead elsewhere, and tell of new ones."""
        notes = self._notes(settings, wanted.group)
        left_out = {**wanted.elsewhere, **wanted.unknown}
        for name in left_out.keys() - notes.elsewhere.keys():
            log.info("acme.name_left_out", name=name, reason=left_out[name])
        changed = msgspec.structs.replace(notes, elsewhere=left_out)
        if changed != self._folder.notes(wanted.group):
            self._folder.write_notes(wanted.group, changed)
        return changed

    async def _note_advice(self, session: Session, group: str, held: Held, notes: Notes) -> Notes:
        """Write down what the authority advises about renewal."""
        renew_at = await self._advised(session, held, notes.renew_at)
        changed = msgspec.structs.replace(notes, renew_at=renew_at, advice_at=self._clock() + ADVICE_S)
        self._folder.write_notes(group, changed)
        return changed

    async def _advised(self, session: Session, held: Held, chosen: float) -> float:
        """A time within the span that the authority advises (RFC 9773 §4.2); 0 where it does not."""
        try:
            window = await session.renewal_window(held)
        except AcmeFault as fault:
            log.info("acme.no_advice", reason=str(fault))
            return chosen
        if window is None:
            return 0.0
        start, end = window
        return chosen if start <= chosen <= end else random.uniform(start, end)  # noqa: S311  to spread the load

    async def _prove(
        self, session: Session, wanted: Wanted, held: Held | None
    ) -> tuple[Order, tuple[str, ...], dict[str, str]]:
        """An order for as many names as can be proven, these names, and the others with what was said of them.

        A name whose proof was not seen is tried by the next kind of challenge.
        Raises: NamesRefused (too few are left), AcmeFault (too few can be looked up).
        """
        if not is_worth_it(wanted, wanted.names, held, self._clock()):
            raise AcmeFault("; ".join(wanted.unknown.values()))
        ways = dict.fromkeys(wanted.names, session.kinds)  # that are left
        refused: dict[str, str] = {}
        while True:
            try:
                return await session.prove({name: kinds[0] for name, kinds in ways.items()}, held), tuple(ways), refused
            except NamesRefused as refusal:
                if not ways.keys() & refusal.names.keys():
                    raise
                for name in ways.keys() & refusal.names.keys():
                    ways[name] = () if refusal.final else ways[name][1:]
                    if not ways[name]:
                        refused[name] = refusal.names[name]
                        del ways[name]
            if not is_worth_it(wanted, ways, held, self._clock()):
                raise NamesRefused(refused, final=True)
