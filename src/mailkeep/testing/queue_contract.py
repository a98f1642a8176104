"""What every store must do with queued mail: a part of its test suite, to be inherited beside `StoreContract`."""

# ruff: noqa: D102, S311, FBT003   names of tests are sentences; chance needs no secrecy; operations are positional

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from mailkeep.model.envelope import Body, Envelope, Notify, Outcome, Recipient, Return
from mailkeep.model.errors import Conflict, NotFound, OverQuota
from mailkeep.model.ids import AccountId
from mailkeep.model.queued import QueuedItem, Settlement, State
from mailkeep.store import ops
from mailkeep.store.contract import IN_ROW_LIMIT, NewMessage
from mailkeep.testing.store_contract import NOW, Boom, OpenStore, World, failing_at, scenario

FIRST = (0, 0, 0, 0)  # a place before every other
FOREVER = 1 << 40
TAKEN = Outcome(enhanced="2.0.0", text="taken", code=250, host="mx.example.com", reports=True)
LATER = Outcome(enhanced="4.2.1", text="not now", code=450)
NEVER = Outcome(enhanced="5.1.1", text="nobody", code=550)
ENVELOPE = Envelope(
    reverse_path="ann@example.org",
    recipients=(),
    body=Body.EIGHT_BIT,
    smtputf8=True,
    require_tls=True,
    returns=Return.HDRS,
    envelope_id="QQ314159",
)
THREE = (
    (0, Recipient("joe@example.com", Notify.SUCCESS | Notify.DELAY, "rfc822;joe@example.com")),
    (1, Recipient("zoé@example.net")),
    (0, Recipient("eve@example.com", Notify.NEVER)),
)


async def _queue(world: World, octets: bytes = b"one", envelope: Envelope = ENVELOPE) -> int:
    blob = await world.store.put_blob(world.account, octets)
    domains = ("example.com", "example.net")
    return await world.store.write(ops.queue_add, world.account, blob, envelope, domains, THREE, NOW)


async def _get(world: World, item: int, leg: int | None = None) -> QueuedItem:
    return await world.store.read(ops.queue_get, world.account, item, leg)


async def _due(world: World, until: int = NOW) -> list[tuple[int, int]]:
    found = await world.store.survey(ops.queue_due, world.account, FIRST, until, 100)
    return [(due.item, due.leg) for each in found for due in each if due.account == world.account]


async def _settle(world: World, item: int, leg: int, *outcomes: tuple[int, Outcome, bool]) -> bool:
    settlements = tuple(Settlement(number, outcome, owed) for number, outcome, owed in outcomes)
    return await world.store.write(ops.queue_settle, world.account, item, leg, 1, settlements, NOW + 300, NOW + 1)


def _states(item: QueuedItem) -> dict[str, tuple[State, bool]]:
    recipients = [recipient for leg in item.legs for recipient in leg.recipients] + list(item.finished)
    return {one.recipient.address: (one.state, one.owed) for one in recipients}


async def _blobs(world: World) -> Sequence[object]:
    return await world.store.read(ops.read_rows, world.account, "blob", (), 100)


class QueueContract:
    """The suite.  Each test has a store of its own in an empty directory."""

    def open_store(self, directory: Path) -> AbstractAsyncContextManager[OpenStore]:
        """See `StoreContract`."""
        raise NotImplementedError

    @scenario
    async def test_what_is_queued_is_there_with_all_of_its_envelope(self, world: World) -> None:
        item = await _get(world, await _queue(world))
        assert (item.number, item.size, item.queued_at, item.held) == (1, 3, NOW, False)
        assert item.envelope == ENVELOPE
        assert [(leg.domain, leg.attempts, leg.due_at, leg.warned) for leg in item.legs] == [
            ("example.com", 0, NOW, False),
            ("example.net", 0, NOW, False),
        ]
        assert [[one.recipient for one in leg.recipients] for leg in item.legs] == [
            [THREE[0][1], THREE[2][1]],
            [THREE[1][1]],
        ]
        assert world.store.open_blob(world.account, item.blob).read() == b"one"

    @scenario
    async def test_numbers_of_queued_messages_are_never_used_again(self, world: World) -> None:
        first = await _queue(world)
        await world.store.write(ops.queue_drop, world.account, first, NOW)
        assert await _queue(world) == first + 1

    @scenario
    async def test_a_queued_message_does_not_change_what_clients_see(self, world: World) -> None:
        before = await world.everything()
        await _queue(world)
        assert await world.everything() == before

    @scenario
    async def test_a_leg_is_due_at_once_or_when_its_sender_wants_it_to_leave(self, world: World) -> None:
        first = await _queue(world)
        second = await _queue(world, envelope=replace(ENVELOPE, hold_until=NOW + 50))
        assert await _due(world) == [(first, 0), (first, 1)]
        assert await _due(world, NOW + 50) == [(first, 0), (first, 1), (second, 0), (second, 1)]
        assert NOW + 50 in await world.store.survey(ops.queue_next, world.account, NOW)
        assert set(await world.store.survey(ops.queue_next, world.account, NOW + 50)) == {None}

    @scenario
    async def test_legs_that_are_due_are_read_page_by_page(self, world: World) -> None:
        for _ in range(3):
            await _queue(world)
        place, seen = FIRST, []
        while pages := [page for page in await world.store.survey(ops.queue_due, world.account, place, NOW, 2) if page]:
            [page] = pages
            assert len(page) <= 2
            seen += [(due.item, due.leg) for due in page]
            place = page[-1][:4]
        assert seen == [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)]

    @scenario
    async def test_legs_of_an_account_are_found_by_domain_and_by_item(self, world: World) -> None:
        first, second = await _queue(world), await _queue(world, envelope=replace(ENVELOPE, hold_until=NOW + 1))
        other = await World.make(world.store, "eve@example.org")
        await _queue(other)
        due = await world.store.read(ops.queue_due_of, world.account, "example.net", NOW + 1, 9)
        assert [(one.item, one.leg) for one in due] == [(first, 1), (second, 1)]
        assert len(await world.store.read(ops.queue_due_of, world.account, "example.net", NOW + 1, 1)) == 1
        due = await world.store.read(ops.queue_due_item, world.account, second, NOW + 1)
        assert [(one.item, one.leg) for one in due] == [(second, 0), (second, 1)]
        assert await world.store.read(ops.queue_due_item, world.account, second, NOW) == []

    @scenario
    async def test_a_recipient_that_is_taken_is_not_tried_again_and_others_are_later(self, world: World) -> None:
        item = await _queue(world)
        assert not await _settle(world, item, 0, (0, TAKEN, False), (2, LATER, False))
        after = await _get(world, item, 0)
        assert _states(after) == {
            "joe@example.com": (State.DELIVERED, False),
            "eve@example.com": (State.WAITING, False),
        }
        assert [one.outcome for one in after.legs[0].recipients] == [TAKEN, LATER]
        assert (after.legs[0].attempts, after.legs[0].due_at) == (1, NOW + 300)
        assert await _due(world) == [(item, 1)]

    @scenario
    async def test_a_report_that_is_owed_is_due_at_once_and_then_over(self, world: World) -> None:
        item = await _queue(world)
        assert not await _settle(world, item, 0, (0, NEVER, True), (2, LATER, False))
        assert (await _get(world, item, 0)).legs[0].due_at == NOW + 1
        await world.store.write(ops.queue_reported, world.account, item, 0, (0,), NOW + 300, NOW + 2)
        after = await _get(world, item, 0)
        assert _states(after)["joe@example.com"] == (State.FAILED, False)
        assert after.legs[0].due_at == NOW + 300

    @scenario
    async def test_an_item_goes_with_its_last_recipient_and_its_octets_later(self, world: World) -> None:
        item = await _queue(world)
        assert not await _settle(world, item, 0, (0, TAKEN, False), (2, TAKEN, False))
        assert [one.recipient.address for one in (await _get(world, item)).finished] == [
            "joe@example.com",
            "eve@example.com",
        ]
        assert not await _settle(world, item, 1, (1, NEVER, True))
        assert await world.store.write(ops.queue_reported, world.account, item, 1, (1,), NOW, NOW)
        with pytest.raises(NotFound):
            await _get(world, item)
        assert len(await _blobs(world)) == 1
        await world.store.write(ops.sweep, world.account, NOW + 86400, 30 * 86400)
        assert await _blobs(world) == []

    @scenario
    async def test_settling_again_changes_nothing(self, world: World) -> None:
        item = await _queue(world)
        await _settle(world, item, 0, (0, NEVER, True), (2, LATER, False))
        before = await _get(world, item)
        await _settle(world, item, 0, (0, NEVER, True), (2, LATER, False))
        assert await _get(world, item) == before
        await world.store.write(ops.queue_drop, world.account, item, NOW)
        assert await _settle(world, item, 0, (0, NEVER, True))

    @scenario
    async def test_octets_that_a_mailbox_has_too_outlive_the_queue(self, world: World) -> None:
        octets = b"x" * IN_ROW_LIMIT
        await world.append(octets)
        item = await _queue(world, octets)
        assert len(await _blobs(world)) == 1
        await world.store.write(ops.queue_drop, world.account, item, NOW)
        await world.store.write(ops.sweep, world.account, NOW + 86400, 30 * 86400)
        assert len(await _blobs(world)) == 1

    @scenario
    async def test_octets_of_a_queued_message_outlive_those_of_a_mailbox(self, world: World) -> None:
        octets = b"x" * IN_ROW_LIMIT
        item = await _queue(world, octets)
        await world.append(octets)
        await world.expunge(1)
        await world.store.write(ops.sweep, world.account, NOW + 100 * 86400, 30 * 86400)
        await world.store.write(ops.sweep, world.account, NOW + 200 * 86400, 30 * 86400)
        assert world.store.open_blob(world.account, (await _get(world, item)).blob).read() == octets

    @scenario
    async def test_what_is_held_is_not_due_until_it_is_released(self, world: World) -> None:
        item = await _queue(world)
        await world.store.write(ops.queue_hold, world.account, item)
        assert (await _get(world, item)).held
        assert await _due(world, FOREVER) == []
        with pytest.raises(Conflict):
            await world.store.write(ops.queue_retry, world.account, item, NOW)
        await _settle(world, item, 1, (1, LATER, False))
        assert await _due(world, FOREVER) == []
        await world.store.write(ops.queue_release, world.account, item, NOW + 7)
        assert not (await _get(world, item)).held
        assert await _due(world, NOW + 7) == [(item, 0), (item, 1)]

    @scenario
    async def test_a_retry_is_due_at_once(self, world: World) -> None:
        item = await _queue(world)
        await _settle(world, item, 1, (1, LATER, False))
        await world.store.write(ops.queue_retry, world.account, item, NOW)
        assert (item, 1) in await _due(world)

    @scenario
    async def test_a_warning_is_remembered(self, world: World) -> None:
        item = await _queue(world)
        await world.store.write(ops.queue_warned, world.account, item, 1)
        assert [leg.warned for leg in (await _get(world, item)).legs] == [False, True]

    @scenario
    async def test_what_is_not_in_the_queue_cannot_be_held_released_retried_or_dropped(self, world: World) -> None:
        for op, args in (
            (ops.queue_hold, ()),
            (ops.queue_release, (NOW,)),
            (ops.queue_retry, (NOW,)),
            (ops.queue_drop, (NOW,)),
        ):
            with pytest.raises(NotFound):
                await world.store.write(op, world.account, 7, *args)

    @scenario
    async def test_the_list_tells_of_each_item_in_order_and_page_by_page(self, world: World) -> None:
        first, second = await _queue(world), await _queue(world, b"second")
        await _settle(world, second, 0, (0, TAKEN, False), (2, LATER, False))
        other = await World.make(world.store, "eve@example.org")
        await _queue(other)
        lines = await world.store.read(ops.queue_list, world.account, None, (0, 0), 10)
        assert [(line.number, line.size, line.waiting, line.reason) for line in lines] == [
            (first, 3, 3, ""),
            (second, 6, 2, "not now"),
        ]
        assert lines[1].domains == ("example.net", "example.com")
        after = (world.account, first)
        assert await world.store.read(ops.queue_list, world.account, "example.com", after, 10) == lines[1:]
        everything = await world.store.survey(ops.queue_list, AccountId(0), None, (0, 0), 10)
        assert sum(map(len, everything)) == 3
        assert sum(items for items, _ in await world.store.survey(ops.queue_count, AccountId(0))) == 3

    @scenario
    async def test_an_account_that_is_removed_takes_its_queue_along(self, world: World) -> None:
        other = await World.make(world.store, "eve@example.org")
        await _queue(other)
        await world.store.remove_account(other.account)
        assert await _due(other, FOREVER) == []

    @scenario
    async def test_a_delivery_under_a_key_happens_once(self, world: World) -> None:
        inbox = (await world.box()).id

        async def deliver(octets: bytes, key: str) -> tuple[int, bool]:
            new = NewMessage(blob=await world.store.put_blob(world.account, octets), internaldate=NOW)
            appended, is_new = await world.store.write(ops.append_once, world.account, inbox, new, key, NOW)
            return appended.uids[0], is_new

        assert await deliver(b"one", "a") == (1, True)
        assert await deliver(b"another trace line", "a") == (1, False)
        assert await deliver(b"one", "b") == (2, True)
        assert (await world.box()).total == 2
        await world.store.write(ops.sweep, world.account, NOW + 70 * 86400, 30 * 86400)
        assert await deliver(b"one", "a") == (3, True)

    @scenario
    async def test_a_delivery_that_was_refused_may_be_tried_again_under_its_key(self, world: World) -> None:
        poor = await World.make(world.store, "poor@example.org", quota=4)
        inbox = (await poor.box()).id
        new = NewMessage(blob=await world.store.put_blob(poor.account, b"12345"), internaldate=NOW)
        for _ in range(2):
            with pytest.raises(OverQuota):
                await world.store.write(ops.append_once, poor.account, inbox, new, "a", NOW)
        assert (await poor.box()).total == 0

    @scenario
    async def test_a_failure_at_any_statement_leaves_the_queue_as_it_was(self, world: World) -> None:
        item = await _queue(world)
        before = await _get(world, item)
        settlements = (Settlement(0, TAKEN, False), Settlement(2, TAKEN, False))
        for n in range(100):
            try:
                op = failing_at(n, ops.queue_settle)
                await world.store.write(op, world.account, item, 0, 1, settlements, NOW, NOW)
            except Boom:
                assert await _get(world, item) == before
            else:
                break
        assert n > 4

    @scenario
    async def test_whatever_is_done_in_whatever_order_the_queue_stays_sound(self, world: World) -> None:
        choice = random.Random(5)
        items: list[int] = []
        for _ in range(150):
            if not items or choice.random() < 0.2:
                items.append(await _queue(world, b"x" * choice.choice((10, IN_ROW_LIMIT))))
            item, leg = choice.choice(items), choice.randrange(2)
            numbers = (1,) if leg else (0, 2)
            outcomes = tuple(
                Settlement(number, choice.choice((TAKEN, LATER, NEVER)), choice.random() < 0.3) for number in numbers
            )
            op, args = choice.choice(
                (
                    (ops.queue_settle, (item, leg, 1, outcomes, NOW + 9, NOW)),
                    (ops.queue_settle, (item, leg, 1, outcomes[:1], NOW + 9, NOW)),
                    (ops.queue_reported, (item, leg, numbers, NOW, NOW)),
                    (ops.queue_warned, (item, leg)),
                    (ops.queue_hold, (item,)),
                    (ops.queue_release, (item, NOW)),
                    (ops.queue_retry, (item, NOW)),
                    (ops.queue_drop, (item, NOW)),
                )
            )
            try:
                await world.store.write(op, world.account, *args)
            except (NotFound, Conflict):
                continue
            assert await world.store.check(world.account) == ()
