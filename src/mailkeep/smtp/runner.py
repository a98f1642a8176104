"""The runner: takes what of the queue is due, delivers it here or sends it away, and writes down what came of it.

What can be relied on:

- A recipient is tried again until there is a final answer, or for as long as mail is kept (RFC 5321 §4.5.4.1).  A final
  answer is on disk before it is forgotten, and so is the report on it.
- Mail to an account of this server arrives once: a key is written with it.  Mail to other hosts arrives twice only if
  this process is killed after their answer and before it is on disk; both moments are in the log (`queue.answered`,
  `queue.settled`).
- While the disk is full or the shard is away an answer is kept, and nothing is sent again because of it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

from mailkeep import telemetry
from mailkeep.figures import Figure
from mailkeep.model.envelope import Envelope, Outcome
from mailkeep.model.errors import MailError, NotFound, Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.model.queued import (
    QueuedItem,
    QueuedLeg,
    QueuedRecipient,
    Settlement,
    State,
    owes_report,
    owes_warning,
)
from mailkeep.service.addresses import Addresses
from mailkeep.service.delivery import Delivery
from mailkeep.service.ledger import Ledger
from mailkeep.service.pace import Pace
from mailkeep.service.queue import Due, Queue, Report, Reported
from mailkeep.service.spool import Octets
from mailkeep.smtp.errors import reply_to
from mailkeep.smtp.window import LANE, WINDOW, Window

PAGE: Final = 200  # legs that are read at a time
HERE: Final = 32  # legs that are delivered here at once: as many deliveries share a commit
LOOK_S: Final = 60.0  # between looks at all that is due: hints may have been lost, an attempt may have met a bug
MANY_NEWS: Final = 1000  # beyond so many, all is looked at
PAUSE_S: Final = 5.0  # after a fault of the disk
MOMENT_S: Final = 1.0  # at first, until an answer that could not be written is tried again
DRAIN_S: Final = 4.0  # for attempts to end, before they are cut
JITTER: Final = 0.2  # of a wait: so that what failed together does not come together
FIRST: Final = (0, 0, 0, 0)
OURS: Final = "4.3."  # RFC 3463 §3.4: a fault of this server, such as a part of it that is being started again
SOON_S: Final = 5.0  # until a delivery that met one is tried again,
SOON: Final = 6  # so many times; then by the schedule
CROWDED: Final = "4.4.5"  # RFC 3463 §3.5; without a host it was we who had no connection to spare:
CROWDED_S: Final = 60.0  # then it is tried again soon, and this was no attempt
EXPIRED: Final = "5.4.7"  # RFC 3463 §3.5
FAULT: Final = Outcome(enhanced="4.3.0", text="The server could not try it")
MAX_TEXT: Final = 1000  # characters of what another host said

log = telemetry.logger()


class Courier(Protocol):
    """Takes mail to other hosts."""

    async def send(self, domain: str, envelope: Envelope, octets: Octets) -> Mapping[str, Outcome]:
        """One try, for recipients of one domain; by address what became of each.  Faults of others are outcomes."""
        ...


class Reports(Protocol):
    """Tells senders."""

    async def report(self, report: Report) -> None:
        """Into the sender's mailbox, at most once for each `report.once`.  Raises: MailError (then again later)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`retry_s`: waits between attempts, of which the last is repeated; `lifetime_s`: how long is tried.

    `warn_after_s`: when the sender is told that it takes long; 0 is never.  `concurrency`: legs that are sent elsewhere
    at once, and `per_destination`: of these, to one domain.
    """

    retry_s: tuple[int, ...]
    lifetime_s: int
    warn_after_s: int
    concurrency: int
    per_destination: int


class Runner:
    """Tries what lies in the shards of this process.  `options` may be changed at any time.

    `claims` are common to all processes: a leg of an account that has just gone to another shard may still be tried by
    the process that had it.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        addresses: Addresses,
        delivery: Delivery,
        courier: Courier,
        reports: Reports,
        claims: Ledger,
        options: Options,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = lambda: random.uniform(1 - JITTER, 1 + JITTER),  # noqa: S311  no secret
    ) -> None:
        self._queue = queue
        self._addresses = addresses
        self._delivery = delivery
        self._courier = courier
        self._reports = reports
        self._claims = claims
        self._options = options
        self._clock = clock
        self._jitter = jitter
        self._here, self._away = _windows(options)
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        self._news: set[tuple[AccountId, int]] = set()
        self._place = FIRST  # up to which all that is due has been offered
        self._looked_at = 0.0  # when that began anew
        self._next_at = 0  # when there is something beyond that place, as far as is known
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._reported: Counter[str] = Counter()
        queue.subscribe(self._on_news, self._on_doubt)

    @property
    def options(self) -> Options:
        """See above."""
        return self._options

    @options.setter
    def options(self, options: Options) -> None:
        self._options = options
        self._away.at_once, self._away.per_destination = options.concurrency, options.per_destination
        self._wake.set()

    def _on_news(self, account: AccountId, item: int) -> None:
        if len(self._news) < MANY_NEWS:
            self._news.add((account, item))
        else:
            self._on_doubt()
        self._wake.set()

    def _on_doubt(self) -> None:
        self._looked_at = 0.0
        self._wake.set()

    def figures(self) -> Iterator[Figure]:
        """What has become of recipients so far, and what is being done."""
        for labels, count in self._outcomes.items():
            yield "queue_recipients", labels, count
        for kind, count in self._reported.items():
            yield "queue_reports", (kind,), count
        yield "queue_attempts_running", (), self._here.running + self._away.running

    # --- what is next

    async def run(self) -> None:
        """Until cancelled: then what is being tried is cut."""
        self._here, self._away = _windows(self._options)
        self._on_doubt()
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                try:
                    await self._fill()
                except Unavailable as error:
                    # not out of here: that would cut what is being tried
                    log.error("queue.not_read", text=error.text)
                    await asyncio.sleep(PAUSE_S)
                self._start(group)
                await self._rest()

    async def drain(self) -> None:
        """Begin nothing more; returns when what is being tried has ended, or a few seconds have passed."""
        self._draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._idle.wait()

    def _start(self, group: asyncio.TaskGroup) -> None:
        for window in (self._here, self._away):
            while not self._draining and (due := window.take()):
                self._idle.clear()
                group.create_task(self._attempt(due, window))

    async def _rest(self) -> None:
        until = self._looked_at + LOOK_S
        if not (self._here.is_full or self._away.is_full):
            until = min(until, self._next_at)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, until - self._clock())):
                await self._wake.wait()

    async def _fill(self) -> None:
        """Offer to the window what is due.  Raises: Unavailable."""
        now = self._clock()
        if not 0 <= now - self._looked_at < LOOK_S:
            self._looked_at, self._place, self._next_at = now, FIRST, 0
        news, self._news = self._news, set()
        pace = Pace()
        for account, item in news:
            for due in await self._queue.due_item(account, item):
                window = self._window_of(due.domain)
                if window.is_full:
                    self._next_at = 0  # it is found again by its place
                else:
                    window.offer(due)
            if pace.is_over:
                await pace.give_way()
        for window in (self._here, self._away):
            for lane in window.hungry():
                page = await self._queue.due_of(*lane, 2 * LANE)
                window.feed(lane, page, more=len(page) == 2 * LANE)
                if pace.is_over:
                    await pace.give_way()
            if window.has_short():
                self._place, self._next_at = FIRST, 0
        while self._next_at <= now and not (self._here.is_full or self._away.is_full):
            page = await self._queue.due(self._place, int(now), PAGE)
            for due in page:  # to its end, even if one becomes full: what is behind the place is not seen again
                self._window_of(due.domain).offer(due)
            if page:
                self._place = page[-1][:4]
            if len(page) < PAGE:
                found = await self._queue.next_due(int(now))
                self._next_at = int(now + LOOK_S) if found is None else found
            if pace.is_over:
                await pace.give_way()

    def _window_of(self, domain: str) -> Window:
        """Mail to mailboxes here must not wait for slow hosts."""
        return self._here if self._is_local(domain) else self._away

    def _is_local(self, domain: str) -> bool:
        return not domain or self._addresses.is_local(domain)

    # --- one attempt

    async def _attempt(self, due: Due, window: Window) -> None:
        claim = f"queue:{due.account}-{due.item}-{due.leg}"
        try:
            if self._claims.enter(claim, 1):
                try:
                    await self._try(due)
                finally:
                    self._claims.leave(claim)
        except NotFound:  # it has been dropped, or its account removed
            pass
        except MailError as error:
            log.error("queue.not_tried", id=due.id, text=error.text)
        except Exception as error:  # the one catch-all of what is done about an attempt
            log.error("queue.bug", id=due.id, exc_info=error)
            # It may have been taken already: rather than send it every minute, wait for somebody to look.
            with suppress(MailError):
                await self._queue.hold(due.account, due.item)
        finally:
            window.done(due)
            if not (self._here.running or self._away.running):
                self._idle.set()
            self._wake.set()

    async def _try(self, due: Due) -> None:
        item = await self._queue.get(due.account, due.item, due.leg)
        [leg] = item.legs
        if leg.due_at is None or leg.due_at > self._clock():  # meanwhile somebody else has been at it
            return
        if _owed(leg):  # those that wait do not wait for it: the sender's mailbox may be full for days
            await self._report(item, leg, int(self._clock()))
        waiting = [one for one in leg.recipients if one.state is State.WAITING]
        if not waiting:
            return
        is_local = self._is_local(leg.domain)
        try:
            outcomes = await (self._deliver(item, waiting) if is_local else self._send(item, leg, waiting))
        except Exception as error:  # the one catch-all of an attempt: what failed is tried again, and given up in time
            log.error("queue.failed", id=item.id, leg=leg.number, exc_info=error)
            outcomes = dict.fromkeys((one.number for one in waiting), FAULT)
        settlements = self._settlements(item, waiting, outcomes)
        self._tell(item, leg, waiting, settlements, "here" if is_local else "elsewhere")
        is_crowded = all(s.outcome.enhanced == CROWDED and not s.outcome.host for s in settlements)
        attempts = leg.attempts + (not is_crowded)
        due_at = int(self._clock() + CROWDED_S * self._jitter()) if is_crowded else self._later(item, attempts)
        if is_local and attempts <= SOON and any(s.outcome.enhanced.startswith(OURS) for s in settlements):
            due_at = min(due_at, int(self._clock() + SOON_S))
        over = await self._persist(lambda: self._queue.settle(item, leg.number, attempts, settlements, due_at))
        log.info("queue.settled", id=item.id, leg=leg.number, attempts=attempts, over=over)
        self._expect(due_at)
        if any(settlement.owed for settlement in settlements) or (not over and self._is_late(item, leg)):
            await self._tell_sender(due, due_at)

    async def _send(
        self, item: QueuedItem, leg: QueuedLeg, waiting: Sequence[QueuedRecipient]
    ) -> Mapping[int, Outcome]:
        """To another host.  By the recipients' numbers what became of them."""
        log.debug("queue.attempt", id=item.id, leg=leg.number, domain=leg.domain, recipients=len(waiting))
        envelope = replace(item.envelope, recipients=tuple(one.recipient for one in waiting))
        octets = await self._queue.octets(item)
        try:
            found = await self._courier.send(leg.domain, envelope, octets)
        finally:
            octets.discard()
        silent = Outcome(enhanced="4.3.0", text="Nothing is known of this attempt")
        return {one.number: found.get(one.recipient.address, silent) for one in waiting}

    async def _deliver(self, item: QueuedItem, waiting: Sequence[QueuedRecipient]) -> Mapping[int, Outcome]:
        """Into mailboxes of this server.  By the recipients' numbers what became of them."""
        octets = await self._queue.octets(item)
        try:
            return {one.number: await self._deliver_one(item, one, octets) for one in waiting}
        finally:
            octets.discard()

    async def _deliver_one(self, item: QueuedItem, recipient: QueuedRecipient, octets: Octets) -> Outcome:
        """To all accounts that an address leads to; the worst outcome counts."""
        address = recipient.recipient.address
        # Numbers are never used twice; the time is there for a server that went back to what a backup knew.
        once = f"queue:{item.id}:{item.queued_at}:{recipient.number}"
        outcomes = []
        try:
            for account in self._addresses.resolve(address):
                try:
                    await self._delivery.deliver(account, address, item.envelope.reverse_path, octets, once=once)
                except MailError as error:
                    outcomes.append(_outcome(error))
                else:
                    outcomes.append(Outcome(enhanced="2.1.5", text="Delivered", code=250))
        except MailError as error:
            return _outcome(error)
        return min(outcomes, key=lambda outcome: (outcome.is_final, outcome.is_delivered))

    def _settlements(
        self, item: QueuedItem, waiting: Sequence[QueuedRecipient], outcomes: Mapping[int, Outcome]
    ) -> tuple[Settlement, ...]:
        """What to write down; who has been tried for too long is given up."""
        settlements = []
        for one in waiting:
            outcome = _tidy(outcomes[one.number])
            if not outcome.is_final and self._clock() >= self._give_up_at(item):
                outcome = replace(outcome, enhanced=EXPIRED)  # the text stays what was said last
            owed = outcome.is_final and owes_report(one.recipient.notify, outcome) and bool(item.envelope.reverse_path)
            settlements.append(Settlement(one.number, outcome, owed))
        return tuple(settlements)

    def _tell(
        self,
        item: QueuedItem,
        leg: QueuedLeg,
        waiting: Sequence[QueuedRecipient],
        settlements: Sequence[Settlement],
        where: str,
    ) -> None:
        """Count, and log."""
        for one, settlement in zip(waiting, settlements, strict=True):
            outcome = settlement.outcome
            word = "deferred" if not outcome.is_final else "delivered" if outcome.is_delivered else "failed"
            self._outcomes[where, word] += 1
            log.info(
                "queue.answered",
                id=item.id,
                leg=leg.number,
                recipient=one.recipient.address,
                outcome=word,
                code=outcome.code,
                enhanced=outcome.enhanced,
                host=outcome.host,
                text=outcome.text[:200],
                attempt=leg.attempts + 1,
            )

    # --- what the sender is told

    async def _tell_sender(self, due: Due, due_at: int) -> None:
        item = await self._queue.get(due.account, due.item, due.leg)
        [leg] = item.legs
        if _owed(leg):
            await self._report(item, leg, due_at)
        if self._is_late(item, leg):
            await self._warn(item, leg)

    async def _report(self, item: QueuedItem, leg: QueuedLeg, due_at: int) -> None:
        """Make the report that is owed: then the leg is due at `due_at`.  It may be put off."""
        owed = _owed(leg)
        try:
            await self._reports.report(self._report_on(item, leg, owed))
        except Exception as error:  # the one catch-all of a report
            if self._clock() < self._give_up_at(item) + self._options.lifetime_s:
                bug = None if isinstance(error, MailError) else error
                log.warning("queue.report_put_off", id=item.id, text=str(error), exc_info=bug)
                later = self._later(item, leg.attempts + 1, forever=True)
                await self._persist(lambda: self._queue.settle(item, leg.number, leg.attempts + 1, (), later))
                self._expect(later)
                return
            log.error("queue.report_given_up", id=item.id, text=str(error))
        else:
            self._reported["final"] += 1
        numbers = [one.number for one in owed]
        await self._persist(lambda: self._queue.reported(item, leg.number, numbers, due_at))
        self._expect(due_at)

    async def _warn(self, item: QueuedItem, leg: QueuedLeg) -> None:
        """Tell the sender once that it takes long."""
        waiting = [one for one in leg.recipients if one.state is State.WAITING and owes_warning(one.recipient.notify)]
        if waiting:
            try:
                await self._reports.report(self._report_on(item, leg, waiting, until=self._give_up_at(item)))
            except Exception as error:  # the one catch-all of a warning: perhaps after the next attempt
                bug = None if isinstance(error, MailError) else error
                log.warning("queue.warning_put_off", id=item.id, text=str(error), exc_info=bug)
                return
            self._reported["delayed"] += 1
            await self._persist(lambda: self._queue.warned(item, leg.number))

    def _report_on(
        self, item: QueuedItem, leg: QueuedLeg, recipients: Sequence[QueuedRecipient], until: int | None = None
    ) -> Report:
        # The same recipients make the same key: after a crash the same are owed.
        what = "delayed" if until else ",".join(str(one.number) for one in recipients)
        return Report(
            account=item.account,
            queue_id=item.id,
            envelope=item.envelope,
            arrived_at=item.queued_at,
            recipients=tuple(
                Reported(one.recipient, one.outcome, one.outcome_at or 0) for one in recipients if one.outcome
            ),
            message=self._queue.open(item),
            once=f"report:{item.id}:{item.queued_at}:{leg.number}:{what}",
            until=until,
        )

    # --- when

    def _is_late(self, item: QueuedItem, leg: QueuedLeg) -> bool:
        """Whether it takes so long that the sender should know, and does not."""
        after = self._options.warn_after_s
        return bool(after and item.envelope.reverse_path and not leg.warned) and (
            self._clock() >= _begun_at(item) + after
        )

    def _give_up_at(self, item: QueuedItem) -> int:
        return _begun_at(item) + self._options.lifetime_s

    def _later(self, item: QueuedItem, attempts: int, *, forever: bool = False) -> int:
        """When the next attempt is due; the last one when the time is up."""
        waits = self._options.retry_s
        at = int(self._clock() + waits[min(attempts, len(waits)) - 1] * self._jitter())
        return at if forever else max(int(self._clock()) + 1, min(at, self._give_up_at(item)))

    def _expect(self, due_at: int) -> None:
        self._next_at = min(self._next_at, due_at)

    async def _persist(self, write: Callable[[], Awaitable[bool | None]]) -> bool:
        """Write down what must not be lost, for as long as it takes.  Raises: NotFound (the account)."""
        pause = MOMENT_S
        while True:
            try:
                return bool(await write())
            except Unavailable as error:
                log.warning("queue.not_settled", text=error.text)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LOOK_S)


def _windows(options: Options) -> tuple[Window, Window]:
    """On what is delivered here, and on what goes elsewhere."""
    return Window(HERE, HERE, WINDOW), Window(options.concurrency, options.per_destination, WINDOW)


def _owed(leg: QueuedLeg) -> list[QueuedRecipient]:
    return [one for one in leg.recipients if one.owed]


def _outcome(error: MailError) -> Outcome:
    reply = reply_to(error)
    return Outcome(enhanced=reply.enhanced, text=reply.text, code=reply.code)


def _tidy(outcome: Outcome) -> Outcome:
    """An outcome as it can be written down, whatever the other host said."""
    text = outcome.text[:MAX_TEXT].encode(errors="replace").decode()
    return replace(outcome, text="".join(character if character.isprintable() else " " for character in text))


def _begun_at(item: QueuedItem) -> int:
    """When it could be sent first."""
    return max(item.queued_at, item.envelope.hold_until or 0)
