"""The runner of the queue: what is tried when, what is written down, and what the sender is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from mailkeep.model.envelope import Envelope, Notify, Outcome, Recipient
from mailkeep.model.errors import NotFound, OverQuota, Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import INBOX
from mailkeep.model.queued import QueuedItem, State
from mailkeep.model.quota import Quota
from mailkeep.model.uidset import UidSet
from mailkeep.service.accounts import Accounts
from mailkeep.service.addresses import Addresses
from mailkeep.service.bus import Bus
from mailkeep.service.delivery import Delivery
from mailkeep.service.ledger import Ledger
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.messages import Messages
from mailkeep.service.passwords import Passwords
from mailkeep.service.queue import Queue, Report, parse_queue_id
from mailkeep.service.spool import IN_MEMORY, Octets, Spool
from mailkeep.smtp.runner import Options, Runner
from mailkeep.store import ops
from mailkeep.store.contract import AccountState
from mailkeep.store.sqlite.store import SqliteStore

ANN = "ann@example.org"
START = 1_700_000_000
MESSAGE = b"Subject: x\r\n\r\nhello\r\n"
TAKEN = Outcome(enhanced="2.0.0", text="taken", code=250, host="mx.example.com")
LATER = Outcome(enhanced="4.2.1", text="not now", code=450, host="mx.example.com")
NEVER = Outcome(enhanced="5.1.1", text="nobody", code=550, host="mx.example.com")
OPTIONS = Options(retry_s=(100, 1000), lifetime_s=5000, warn_after_s=600, concurrency=4, per_destination=2)


@dataclass
class Host:
    """Takes what the runner sends elsewhere.  `answers` are by address, the next first; the last is repeated."""

    answers: dict[str, list[Outcome]] = field(default_factory=dict)
    got: list[tuple[str, tuple[str, ...], bytes]] = field(default_factory=list)
    gate: asyncio.Event | None = None  # until it is set, nothing is answered
    at_once: int = 0
    most: int = 0

    async def send(self, domain: str, envelope: Envelope, octets: Octets) -> Mapping[str, Outcome]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        addresses = tuple(recipient.address for recipient in envelope.recipients)
        self.got.append((domain, addresses, b"".join(octets.pieces())))
        try:
            if self.gate is not None:
                await self.gate.wait()
            return {address: self._answer(address) for address in addresses}
        finally:
            self.at_once -= 1

    def _answer(self, address: str) -> Outcome:
        answers = self.answers.get(address, [TAKEN])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@dataclass
class Told:
    """What senders were told; `refuse` is raised instead as long as it is there."""

    reports: list[Report] = field(default_factory=list)
    refuse: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # for what, by key

    async def report(self, report: Report) -> None:
        self.asked.append(report.once)
        if self.refuse:
            raise self.refuse.pop(0)
        self.reports.append(report)


class Bench:
    """A store with Ann's account, a queue, and a runner whose clock is turned by hand."""

    def __init__(self, store: SqliteStore) -> None:
        self.store, self.bus = store, Bus()
        self.now = float(START)
        self.accounts = Accounts(
            store.directory, store, Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        )
        self.messages = Messages(store, self.bus, ())
        self.mailboxes = Mailboxes(store, self.bus)
        self.queue = Queue(store, self.bus, clock=lambda: self.now)
        self.host, self.told = Host(), Told()
        self.ledger = Ledger.alone()
        self.runner = self.make_runner()

    def make_runner(self, options: Options = OPTIONS) -> Runner:
        return Runner(
            self.queue,
            addresses=Addresses(self.store.directory),
            delivery=Delivery(self.accounts, self.mailboxes, self.messages, hostname="mail.example.org"),
            courier=self.host,
            reports=self.told,
            claims=self.ledger,
            options=options,
            clock=lambda: self.now,
            jitter=lambda: 1.0,
        )

    @property
    def running_now(self) -> int:
        return self.runner._here.running + self.runner._away.running

    @property
    def ann(self) -> AccountId:
        return self.accounts.get(ANN).id

    def octets(self, message: bytes = MESSAGE) -> Octets:
        spool = Spool(self.store.spool_dir, 1 << 30)
        spool.write(message)
        return spool.finish()

    async def add(self, *recipients: str | Recipient, message: bytes = MESSAGE, **more: Any) -> str:
        whom = tuple(Recipient(one) if isinstance(one, str) else one for one in recipients)
        envelope = Envelope(reverse_path=more.pop("reverse_path", ANN), recipients=whom, **more)
        return await self.queue.add(self.ann, envelope, self.octets(message))

    async def item(self, name: str) -> QueuedItem:
        return await self.queue.get(*parse_queue_id(name))

    async def states(self, name: str) -> dict[str, State]:
        item = await self.item(name)
        recipients = [one for leg in item.legs for one in leg.recipients] + list(item.finished)
        return {one.recipient.address: one.state for one in recipients}

    async def inbox(self, account: AccountId) -> list[bytes]:
        inbox = await self.mailboxes.get(account, INBOX)
        rows = await self.messages.fetch(account, inbox.id, UidSet(range(1, inbox.uidnext)))
        return [self.messages.open_body(account, row).read() for row in rows]

    async def is_empty(self) -> bool:
        return await self.queue.count() == 0

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Let others work until it is true."""
        async with asyncio.timeout(10):
            while not await condition():
                await asyncio.sleep(0.001)

    @asynccontextmanager
    async def running(self, runner: Runner | None = None) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task((runner or self.runner).run())
            yield
            task.cancel()

    async def run_dry(self, *, until: int | None = None) -> None:
        """Run until all that is due has been tried, at this time or another."""
        self.now = until or self.now

        async def nothing_is_due() -> bool:
            return not await self.queue.due((0, 0, 0, 0), int(self.now), 1) and not self.running_now

        async with self.running():
            await self.until(nothing_is_due)


def on_bench(test: Callable[[Bench], Awaitable[None]]) -> Callable[[Path], None]:
    """Run a test where Ann has an account; afterwards the store must be sound."""

    @wraps(test)
    def run(tmp_path: Path) -> None:
        async def scenario() -> None:
            async with SqliteStore(tmp_path) as store:
                bench = Bench(store)
                await bench.accounts.create(ANN, "secret")
                await test(bench)
                for account in bench.accounts.list():
                    assert await store.check(account.id) == ()
                assert list(store.spool_dir.iterdir()) == []

        asyncio.run(scenario())

    del run.__wrapped__  # pytest would look for the arguments of the test itself
    return run


@on_bench
async def test_what_is_taken_leaves_the_queue_with_its_octets(bench: Bench) -> None:
    await bench.add("joe@example.com", "eve@Example.COM", "zoe@example.net")
    await bench.run_dry()
    assert sorted(bench.host.got) == [
        ("example.com", ("joe@example.com", "eve@Example.COM"), MESSAGE),
        ("example.net", ("zoe@example.net",), MESSAGE),
    ]
    assert await bench.is_empty()
    assert bench.told.reports == []


@on_bench
async def test_a_recipient_that_is_named_twice_gets_one_message(bench: Bench) -> None:
    await bench.add(ANN, "ann@Example.ORG", "joe@example.com", "joe@example.com", "Joe@example.com")
    await bench.run_dry()
    assert bench.host.got == [("example.com", ("joe@example.com", "Joe@example.com"), MESSAGE)]
    assert len(await bench.inbox(bench.ann)) == 1


@on_bench
async def test_more_recipients_than_a_host_takes_at_once_go_in_pieces(bench: Bench) -> None:
    addresses = [f"joe{number}@example.com" for number in range(250)]
    await bench.add(*addresses)
    await bench.run_dry()
    assert sorted(len(to) for _, to, _ in bench.host.got) == [50, 100, 100]
    assert sorted(address for _, to, _ in bench.host.got for address in to) == sorted(addresses)


@on_bench
async def test_a_running_runner_sends_what_is_added_at_once(bench: Bench) -> None:
    async with bench.running():
        await bench.until(lambda: _true(bench.runner._next_at > 0))
        await bench.add("joe@example.com")
        await bench.until(bench.is_empty)
    assert len(bench.host.got) == 1


async def _count_is(bench: Bench, count: int) -> bool:
    return await bench.queue.count() == count


async def _true(value: object) -> bool:
    return bool(value)


@on_bench
async def test_mail_to_an_account_here_never_leaves(bench: Bench) -> None:
    await bench.accounts.create("bob@example.org", "secret")
    await bench.add("bob@example.org", "nobody@example.org")
    await bench.run_dry()
    assert bench.host.got == []
    [received] = await bench.inbox(bench.accounts.get("bob@example.org").id)
    assert received.startswith(b"Return-Path: <ann@example.org>\r\nDelivered-To: bob@example.org\r\n")
    assert received.endswith(MESSAGE)
    [report] = bench.told.reports
    assert [(one.recipient.address, one.outcome.enhanced) for one in report.recipients] == [
        ("nobody@example.org", "5.1.1")
    ]
    assert await bench.is_empty()


@on_bench
async def test_a_delivery_here_that_was_not_written_down_happens_once_all_the_same(bench: Bench) -> None:
    name = await bench.add(ANN)
    item = await bench.item(name)
    await bench.runner._deliver(item, item.legs[0].recipients)  # and then the process was killed
    await bench.run_dry()
    assert len(await bench.inbox(bench.ann)) == 1
    assert await bench.is_empty()


@on_bench
async def test_a_large_message_is_sent_from_a_file(bench: Bench) -> None:
    message = b"Subject: x\r\n\r\n" + b"x" * IN_MEMORY
    await bench.add("joe@example.com", ANN, message=message)
    await bench.run_dry()
    assert [octets for _, _, octets in bench.host.got] == [message]
    assert (await bench.inbox(bench.ann))[0].endswith(message)


@on_bench
async def test_who_was_deferred_is_tried_again_by_the_schedule_and_others_are_not(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [LATER, LATER, TAKEN]}
    name = await bench.add("joe@example.com", "eve@example.com")
    await bench.run_dry()
    assert await bench.states(name) == {"joe@example.com": State.WAITING, "eve@example.com": State.DELIVERED}
    assert (await bench.item(name)).legs[0].due_at == START + 100
    await bench.run_dry(until=START + 99)
    assert len(bench.host.got) == 1
    await bench.run_dry(until=START + 100)
    assert bench.host.got[1][1] == ("joe@example.com",)
    assert (await bench.item(name)).legs[0].due_at == START + 1100
    await bench.run_dry(until=START + 1100)
    assert await bench.is_empty()


@on_bench
async def test_who_found_no_connection_to_spare_is_tried_soon_and_that_was_no_attempt(bench: Bench) -> None:
    crowded = Outcome(enhanced="4.4.5", text="Other messages take up all connections")
    bench.host.answers = {"joe@example.com": [crowded, crowded, LATER]}
    name = await bench.add("joe@example.com")
    seen = []
    for seconds in (0, 60, 120):
        await bench.run_dry(until=START + seconds)
        [leg] = (await bench.item(name)).legs
        seen.append((leg.attempts, (leg.due_at or 0) - START))
    assert seen == [(0, 60), (0, 120), (1, 220)]


@on_bench
async def test_the_sender_is_told_of_a_failure_and_then_all_is_over(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [NEVER]}
    name = await bench.add("joe@example.com", "eve@example.com", envelope_id="QQ")
    await bench.run_dry()
    [report] = bench.told.reports
    assert (report.account, report.queue_id, report.arrived_at, report.until) == (bench.ann, name, START, None)
    assert report.envelope.envelope_id == "QQ"
    assert [(one.recipient, one.outcome) for one in report.recipients] == [(Recipient("joe@example.com"), NEVER)]
    assert report.message.size == len(MESSAGE)
    assert await bench.is_empty()


@pytest.mark.parametrize(
    ("notify", "outcome", "told"),
    [
        (None, TAKEN, False),
        (None, NEVER, True),
        (Notify.NEVER, NEVER, False),
        (Notify.SUCCESS, TAKEN, True),
        (Notify.SUCCESS, replace(TAKEN, reports=True), False),
        (Notify.SUCCESS, NEVER, False),
        (Notify.FAILURE | Notify.SUCCESS, NEVER, True),
        (Notify.DELAY, NEVER, False),
    ],
)
def test_the_sender_is_told_what_he_wants_to_know(
    tmp_path: Path, notify: Notify | None, outcome: Outcome, told: bool
) -> None:
    @on_bench
    async def scenario(bench: Bench) -> None:
        bench.host.answers = {"joe@example.com": [outcome]}
        await bench.add(Recipient("joe@example.com", notify))
        await bench.run_dry()
        assert len(bench.told.reports) == told
        assert await bench.is_empty()

    scenario(tmp_path)


@on_bench
async def test_nobody_is_told_of_mail_that_nobody_sent(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [NEVER]}
    await bench.add("joe@example.com", reverse_path="")
    await bench.run_dry()
    assert bench.told.reports == []
    assert await bench.is_empty()


@on_bench
async def test_a_report_that_cannot_be_made_is_owed_until_it_can_and_is_the_same(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [NEVER], "eve@example.com": [LATER, NEVER]}
    bench.told.refuse = [OverQuota("full"), OverQuota("full")]
    name = await bench.add("joe@example.com", "eve@example.com")
    await bench.run_dry()
    assert await bench.states(name) == {"joe@example.com": State.FAILED, "eve@example.com": State.WAITING}
    await bench.run_dry(until=START + 1000)
    assert len(bench.host.got) == 2  # the other recipient does not wait for the report
    assert len(set(bench.told.asked[:2])) == 1
    [report] = bench.told.reports
    assert [one.recipient.address for one in report.recipients] == ["joe@example.com", "eve@example.com"]
    assert await bench.is_empty()


@on_bench
async def test_those_who_wait_are_tried_by_the_schedule_while_a_report_is_owed(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [NEVER], "eve@example.com": [LATER, LATER, TAKEN]}
    bench.told.refuse = [OverQuota("full")] * 100
    name = await bench.add("joe@example.com", "eve@example.com")
    for wait in (0, 1000, 1000, 1000):
        await bench.run_dry(until=int(bench.now) + wait)
    assert len(bench.host.got) == 3
    assert await bench.states(name) == {"joe@example.com": State.FAILED, "eve@example.com": State.DELIVERED}
    bench.told.refuse.clear()
    await bench.run_dry(until=int(bench.now) + 1000)
    assert len(bench.told.reports) == 1
    assert await bench.is_empty()


@on_bench
async def test_a_report_of_which_nobody_knows_is_asked_for_again_under_the_same_key(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [NEVER]}
    bench.told.refuse = [Unavailable("The outcome is unknown")]
    await bench.add("joe@example.com")
    await bench.run_dry()
    await bench.run_dry(until=START + 1000)
    first, second = bench.told.asked
    assert first == second
    assert await bench.is_empty()


@on_bench
async def test_who_cannot_be_reached_for_too_long_is_given_up(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [LATER]}
    await bench.add("joe@example.com")
    tries = []
    while not await bench.is_empty():
        await bench.run_dry()
        tries.append(int(bench.now) - START)
        bench.now = float(await bench.queue.next_due(int(bench.now)) or bench.now)
    assert tries == [0, 100, 1100, 2100, 3100, 4100, 5000]
    reports = [report for report in bench.told.reports if report.until is None]
    assert [one.outcome.enhanced for report in reports for one in report.recipients] == ["5.4.7"]
    assert reports[0].recipients[0].outcome.text == "not now"


@on_bench
async def test_the_sender_is_told_once_that_it_takes_long(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [LATER], "eve@example.com": [LATER]}
    await bench.add("joe@example.com", Recipient("eve@example.com", Notify.FAILURE))
    for seconds in (0, 100, 1100, 2100):
        await bench.run_dry(until=START + seconds)
    [warning] = bench.told.reports
    assert warning.until == START + 5000
    assert [(one.recipient.address, one.outcome, one.at) for one in warning.recipients] == [
        ("joe@example.com", LATER, START + 1100)
    ]


@on_bench
async def test_mail_for_later_leaves_when_its_time_has_come_and_is_tried_as_long(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [LATER, TAKEN]}
    await bench.add("joe@example.com", hold_until=START + 86400)
    await bench.run_dry(until=START + 86399)
    assert bench.host.got == []
    await bench.run_dry(until=START + 86400)
    await bench.run_dry(until=START + 86500)
    assert len(bench.host.got) == 2
    assert await bench.is_empty()
    assert bench.told.reports == []


@on_bench
async def test_a_mailbox_here_without_room_is_tried_again(bench: Bench) -> None:
    poor = await bench.accounts.create("poor@example.org", "secret")
    await bench.store.write(ops.set_quota, poor.id, Quota(octets=300))
    await bench.add("poor@example.org", message=MESSAGE + b"x" * 10_000)
    await bench.add("poor@example.org")
    await bench.run_dry()
    assert await bench.inbox(poor.id)
    [report] = bench.told.reports
    assert report.recipients[0].outcome.enhanced == "5.2.2"  # it would never fit
    name = await bench.add("poor@example.org")
    await bench.run_dry()
    assert (await bench.item(name)).legs[0].recipients[0].outcome == Outcome(
        enhanced="4.2.2", text="The account's quota would be exceeded", code=452
    )


@on_bench
async def test_a_part_of_the_server_that_is_away_is_waited_for_and_not_by_the_schedule(bench: Bench) -> None:
    write, faults = bench.store.write, [Unavailable("Part of the server is away")] * 8

    async def faulty(op: Any, *args: Any) -> Any:
        if op is ops.append_once and faults:
            raise faults.pop()
        return await write(op, *args)

    bench.store.write = faulty  # type: ignore[method-assign]
    await bench.add(ANN)
    tries = []
    while not await bench.is_empty():
        await bench.run_dry()
        tries.append(int(bench.now) - START)
        bench.now = float(await bench.queue.next_due(int(bench.now)) or bench.now)
    assert tries == [0, 5, 10, 15, 20, 25, 30, 1030, 2030]


@on_bench
async def test_an_answer_that_cannot_be_written_down_is_kept_and_nothing_is_sent_again(bench: Bench) -> None:
    write, faults = bench.store.write, [Unavailable("full"), Unavailable("full")]

    async def faulty(op: Any, *args: Any) -> Any:
        if op is ops.queue_settle and faults:
            raise faults.pop()
        return await write(op, *args)

    await bench.add("joe@example.com")
    bench.store.write = faulty  # type: ignore[method-assign]  # a disk that is full for a while
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mailkeep.smtp.runner.MOMENT_S", 0.001)
        await bench.run_dry()
    assert not faults
    assert len(bench.host.got) == 1
    assert await bench.is_empty()


@on_bench
async def test_a_bug_in_an_attempt_harms_no_other_and_it_is_tried_again(bench: Bench) -> None:
    send = bench.host.send

    async def broken(domain: str, envelope: Envelope, octets: Octets) -> Mapping[str, Outcome]:
        if domain == "example.com":
            raise ZeroDivisionError
        return await send(domain, envelope, octets)

    bench.host.send = broken  # type: ignore[method-assign]
    name = await bench.add("joe@example.com", "zoe@example.net")
    await bench.run_dry()
    [leg] = (await bench.item(name)).legs
    assert (leg.domain, leg.attempts, leg.due_at) == ("example.com", 1, START + 100)
    bench.host.send = send  # type: ignore[method-assign]
    await bench.run_dry(until=START + 100)
    assert await bench.is_empty()


@on_bench
async def test_a_bug_after_an_answer_holds_the_message_rather_than_send_it_for_ever(bench: Bench) -> None:
    write = bench.store.write

    async def broken(op: Any, *args: Any) -> Any:
        if op is ops.queue_settle:
            raise ZeroDivisionError
        return await write(op, *args)

    bench.store.write = broken  # type: ignore[method-assign]
    name = await bench.add("joe@example.com")
    await bench.run_dry()
    assert (await bench.item(name)).held
    assert len(bench.host.got) == 1
    bench.store.write = write  # type: ignore[method-assign]


@on_bench
async def test_whatever_a_host_says_is_written_down_as_text(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [replace(LATER, text="\ud800\0\x1b[31m\r\n" + "x" * 5000)]}
    name = await bench.add("joe@example.com")
    await bench.run_dry()
    outcome = (await bench.item(name)).legs[0].recipients[0].outcome
    assert outcome is not None
    assert outcome.text.startswith("?  [31m  xxx")
    assert len(outcome.text) == 1000


@on_bench
async def test_a_bug_in_a_report_keeps_it_owed(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [NEVER]}
    bench.told.refuse = [ZeroDivisionError()]
    await bench.add("joe@example.com")
    await bench.run_dry()
    assert not await bench.is_empty()
    await bench.run_dry(until=START + 1000)
    assert len(bench.told.reports) == 1
    assert await bench.is_empty()


@on_bench
async def test_a_warning_that_cannot_be_made_comes_with_the_next_attempt(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [LATER]}
    bench.told.refuse = [OverQuota("full"), ZeroDivisionError()]
    await bench.add("joe@example.com")
    for seconds in (0, 100, 1100, 2100):
        await bench.run_dry(until=START + seconds)
    assert bench.told.reports == []
    await bench.run_dry(until=START + 3100)
    assert len(bench.told.reports) == 1


@on_bench
async def test_what_another_process_is_trying_is_left_to_it(bench: Bench) -> None:
    name = await bench.add("joe@example.com")
    bench.ledger.enter(f"queue:{name}-0", 1)
    async with bench.running():
        await bench.until(lambda: _true(bench.runner._next_at > 0 and not bench.running_now))
        assert bench.host.got == []
        bench.ledger.leave(f"queue:{name}-0")
        bench.now += 60
        bench.runner._wake.set()
        await bench.until(bench.is_empty)


@on_bench
async def test_what_is_dropped_while_it_is_tried_is_gone(bench: Bench) -> None:
    bench.host.gate = asyncio.Event()
    name = await bench.add("joe@example.com")
    async with bench.running():
        await bench.until(lambda: _true(bench.host.got))
        await bench.queue.drop(*parse_queue_id(name))
        bench.host.gate.set()
        await bench.until(lambda: _true(not bench.running_now))
    assert await bench.is_empty()
    assert bench.told.reports == []


@on_bench
async def test_what_is_held_is_sent_when_it_is_released(bench: Bench) -> None:
    name = await bench.add("joe@example.com")
    await bench.queue.hold(*parse_queue_id(name))
    await bench.run_dry()
    assert bench.host.got == []
    async with bench.running():
        await bench.queue.release(*parse_queue_id(name))
        await bench.until(bench.is_empty)


@on_bench
async def test_a_retry_is_tried_at_once(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [LATER, TAKEN]}
    name = await bench.add("joe@example.com")
    await bench.run_dry()
    async with bench.running():
        await bench.queue.retry(*parse_queue_id(name))
        await bench.until(bench.is_empty)


@on_bench
async def test_the_queue_of_an_account_that_goes_is_tried_no_more(bench: Bench) -> None:
    bench.host.gate = asyncio.Event()
    bob = await bench.accounts.create("bob@example.org", "secret")
    envelope = Envelope(reverse_path="bob@example.org", recipients=(Recipient("joe@example.com"),))
    await bench.queue.add(bob.id, envelope, bench.octets())
    async with bench.running():
        await bench.until(lambda: _true(bench.host.got))
        await bench.accounts.remove("bob@example.org")
        bench.host.gate.set()
        await bench.until(lambda: _true(not bench.running_now))
    assert await bench.is_empty()


@on_bench
async def test_no_more_is_tried_at_once_than_may_be(bench: Bench) -> None:
    bench.host.gate = asyncio.Event()
    for number in range(10):
        await bench.add(f"joe@{number % 2}.example")
    async with bench.running():
        await bench.until(lambda: _true(len(bench.host.got) == 4))
        assert sorted(domain for domain, _, _ in bench.host.got) == ["0.example"] * 2 + ["1.example"] * 2
        bench.host.gate.set()
        await bench.until(bench.is_empty)
    assert bench.host.most == 4


@on_bench
async def test_a_destination_that_hangs_keeps_nobody_else_waiting(bench: Bench) -> None:
    bench.host.gate = asyncio.Event()
    for _ in range(250):
        await bench.add("joe@slow.example")
    gate, bench.host.gate = bench.host.gate, None
    send = bench.host.send

    async def slowly(domain: str, envelope: Envelope, octets: Octets) -> Mapping[str, Outcome]:
        if domain == "slow.example":
            await gate.wait()
        return await send(domain, envelope, octets)

    bench.host.send = slowly  # type: ignore[method-assign]
    for number in range(50):
        await bench.add(f"joe@{number}.example")
    async with bench.running():
        await bench.until(lambda: _count_is(bench, 250))
        assert len(bench.host.got) == 50
        assert len(bench.runner._away) <= 110
        gate.set()
        await bench.until(bench.is_empty)
    assert len(bench.host.got) == 300


@on_bench
async def test_mail_to_mailboxes_here_does_not_wait_for_hosts_that_hang(bench: Bench) -> None:
    bench.host.gate = asyncio.Event()
    for number in range(10):
        await bench.add(f"joe@{number}.example")
    async with bench.running():
        await bench.until(lambda: _true(bench.host.at_once == OPTIONS.concurrency))
        await bench.add(ANN)
        await bench.until(lambda: _count_is(bench, 10))
        bench.host.gate.set()
        await bench.until(bench.is_empty)
    assert len(await bench.inbox(bench.ann)) == 1


@on_bench
async def test_more_than_a_window_holds_is_sent_in_the_end(bench: Bench) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mailkeep.smtp.runner.WINDOW", 20)
        patch.setattr("mailkeep.smtp.runner.PAGE", 10)
        for number in range(100):
            await bench.add(f"joe@{number}.example", ANN)
        async with bench.running():
            await bench.until(bench.is_empty)
    assert len(bench.host.got) == len(await bench.inbox(bench.ann)) == 100


@on_bench
async def test_hosts_that_hang_for_one_account_keep_no_other_waiting(bench: Bench) -> None:
    bench.runner = bench.make_runner(replace(OPTIONS, concurrency=10))
    hang, send = asyncio.Event(), bench.host.send

    async def slowly(domain: str, envelope: Envelope, octets: Octets) -> Mapping[str, Outcome]:
        if envelope.reverse_path == ANN:
            await hang.wait()
        return await send(domain, envelope, octets)

    bench.host.send = slowly  # type: ignore[method-assign]
    bob = await bench.accounts.create("bob@example.org", "secret")
    await bench.add(*(f"joe@{number}.example" for number in range(1100)))
    async with bench.running():
        await bench.until(lambda: _true(bench.runner._away.running == 9))
        envelope = Envelope(reverse_path="bob@example.org", recipients=(Recipient("joe@example.com"),))
        await bench.queue.add(bob.id, envelope, bench.octets())
        await bench.until(lambda: _true(bench.host.got))
        assert len(bench.runner._away) <= 1001  # one may be that of Bob, whose answer is there and not yet noted
        hang.set()
        await bench.until(bench.is_empty)
    assert len(bench.host.got) == 1101


@on_bench
async def test_draining_lets_attempts_end_and_begins_none(bench: Bench) -> None:
    bench.host.gate = asyncio.Event()
    for _ in range(3):
        await bench.add("joe@example.com")
    async with bench.running():
        await bench.until(lambda: _true(len(bench.host.got) == 2))
        async with asyncio.TaskGroup() as group:
            group.create_task(bench.runner.drain())
            bench.host.gate.set()
    assert len(bench.host.got) == 2
    assert await bench.queue.count() == 1


@on_bench
async def test_a_runner_begins_with_what_another_has_left(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [LATER, TAKEN]}
    await bench.add("joe@example.com")
    await bench.run_dry()
    bench.now += 100
    later = bench.make_runner()
    async with bench.running(later):
        await bench.until(bench.is_empty)


@on_bench
async def test_a_moved_account_is_tried_by_whoever_has_it_now(bench: Bench) -> None:
    assert bench.store.directory.get(bench.ann).state is AccountState.ACTIVE
    await bench.add("joe@example.com")
    await bench.store.write(ops.hold_account, bench.ann)
    assert await bench.queue.due((0, 0, 0, 0), START, 10) == []
    await bench.store.write(ops.release_account, bench.ann)
    assert len(await bench.queue.due((0, 0, 0, 0), START, 10)) == 1


@on_bench
async def test_figures_tell_what_has_become_of_recipients(bench: Bench) -> None:
    bench.host.answers = {"joe@example.com": [NEVER], "eve@example.com": [LATER]}
    await bench.add("joe@example.com", "eve@example.com", ANN)
    await bench.run_dry()
    figures = {(name, labels): value for name, labels, value in bench.runner.figures()}
    assert figures == {
        ("queue_recipients", ("elsewhere", "failed")): 1,
        ("queue_recipients", ("elsewhere", "deferred")): 1,
        ("queue_recipients", ("here", "delivered")): 1,
        ("queue_reports", ("final",)): 1,
        ("queue_attempts_running", ()): 0,
    }
    assert {name: value for name, _, value in await bench.queue.figures()}["queue_messages"] == 1


@pytest.mark.parametrize("text", ["", "12", "-3", "a-b", "1-2-3", "1-2\0", "9" * 50 + "-1", "٣-١x"])
def test_what_is_no_name_of_a_message_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        parse_queue_id(text)


@on_bench
async def test_sessions_of_the_sender_are_not_woken_by_what_is_queued(bench: Bench) -> None:
    heard: list[object] = []
    bench.bus.subscribe(bench.ann, heard.append)
    await bench.add("joe@example.com")
    assert heard == []
