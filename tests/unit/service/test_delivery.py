"""Delivery: which lines stand before the octets, and what happens when there is no room."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from mailkeep.model.address import parse_address
from mailkeep.model.errors import Invalid, NeverFits, NotFound, OverQuota
from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import INBOX, Role
from mailkeep.model.quota import Quota
from mailkeep.model.uidset import UidSet
from mailkeep.service.accounts import Accounts
from mailkeep.service.addresses import Addresses
from mailkeep.service.bus import Bus
from mailkeep.service.delivery import Delivery, Origin
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.messages import Messages
from mailkeep.service.passwords import Passwords
from mailkeep.service.spool import IN_MEMORY, Octets, Spool
from mailkeep.store import ops
from mailkeep.store.contract import Store
from mailkeep.store.sqlite.store import SqliteStore

ANN = "ann@example.org"
ORIGIN = Origin(helo="mx.example.com", peer="192.0.2.7", protocol="LMTP")
MESSAGE = b"Return-Path: <old@example.com>\r\nSubject: x\r\n\r\nbare\nlf\0\r\n"
NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20


class PostOffice:
    """Everything that delivery stands on, with a clock that stands still."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self.store, self.accounts = store, accounts
        self.addresses = Addresses(store.directory)
        self.mailboxes = Mailboxes(store, Bus())
        self.messages = Messages(store, Bus(), ())
        self.delivery = Delivery(
            accounts, self.mailboxes, self.messages, hostname="mail.example.org", clock=lambda: NOW
        )

    def resolve(self, address: str) -> AccountId:
        """The one account to which an address leads."""
        [account] = self.addresses.resolve(address)
        return account

    def octets(self, message: bytes) -> Octets:
        spool = Spool(self.store.spool_dir, 1 << 30)
        spool.write(message)
        return spool.finish()

    async def inbox(self, account: AccountId) -> list[bytes]:
        """All messages of INBOX."""
        inbox = await self.mailboxes.get(account, INBOX)
        rows = await self.messages.fetch(account, inbox.id, UidSet(range(1, inbox.uidnext)))
        return [self.messages.open_body(account, row).read() for row in rows]

    async def deliver(
        self, message: bytes = MESSAGE, to: str = ANN, sender: str = "joe@example.com", origin: Origin | None = ORIGIN
    ) -> bytes:
        """Deliver one message, and read it back."""
        account = self.resolve(to)
        await self.delivery.deliver(account, to, sender, self.octets(message), origin)
        return (await self.inbox(account))[-1]


def in_post_office(test: Callable[[PostOffice], Awaitable[None]]) -> Callable[[Path], None]:
    """Run a test where Ann has an account."""

    @wraps(test)
    def run(tmp_path: Path) -> None:
        async def scenario() -> None:
            async with SqliteStore(tmp_path) as store:
                hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
                office = PostOffice(store, Accounts(store.directory, store, Passwords(hasher)))
                await office.accounts.create(ANN, "secret")
                await test(office)

        asyncio.run(scenario())

    del run.__wrapped__  # pytest looks through it, and would ask for a fixture "office"
    return run


@pytest.mark.rfc("5321", "4.4")
@in_post_office
async def test_trace_lines_stand_before_the_octets_which_are_untouched(office: PostOffice) -> None:
    stored = await office.deliver()
    assert (
        re.sub(rb"id \w+", b"id 1", stored)
        == (
            b"Return-Path: <joe@example.com>\r\n"
            b"Delivered-To: ann@example.org\r\n"
            b"Received: from mx.example.com ([192.0.2.7])\r\n"
            b"\tby mail.example.org (mailkeep)\r\n"
            b"\twith LMTP id 1\r\n"
            b"\tfor <ann@example.org>; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
        )
        + MESSAGE
    )


@in_post_office
async def test_a_sender_of_ipv6_is_written_as_the_rfc_wants_it(office: PostOffice) -> None:
    stored = await office.deliver(origin=Origin(helo="x", peer="2001:db8::1", protocol="LMTP"))
    assert b"Received: from x ([IPv6:2001:db8::1])\r\n" in stored


@in_post_office
async def test_a_message_from_a_program_on_this_machine_came_from_nowhere(office: PostOffice) -> None:
    stored = await office.deliver(origin=None)
    assert b"\r\nReceived: by mail.example.org (mailkeep)\r\n\twith local id " in stored


@pytest.mark.rfc("5321", "4.4")
@in_post_office
async def test_the_name_that_dns_gives_a_client_stands_before_its_address(office: PostOffice) -> None:
    origin = Origin(helo="x", peer="192.0.2.7", protocol="ESMTP", peer_name="mx.example.com")
    assert b"Received: from x (mx.example.com [192.0.2.7])\r\n" in await office.deliver(origin=origin)


@in_post_office
async def test_results_of_checks_stand_above_the_received_line_of_who_checked(office: PostOffice) -> None:
    account = office.resolve(ANN)
    octets = office.octets(MESSAGE)
    await office.delivery.deliver(account, ANN, "", octets, ORIGIN, fields=b"Received-SPF: pass\r\nX-One: 1\r\n")
    [stored] = await office.inbox(account)
    assert stored.startswith(
        b"Return-Path: <>\r\nDelivered-To: ann@example.org\r\nReceived-SPF: pass\r\nX-One: 1\r\nReceived: from "
    )


@in_post_office
async def test_junk_goes_into_the_mailbox_of_that_role_whatever_its_name(office: PostOffice) -> None:
    account = office.resolve(ANN)
    await office.mailboxes.rename(account, "Junk", "Müll")
    await office.delivery.deliver(account, ANN, "", office.octets(MESSAGE), ORIGIN, junk=True)
    assert await office.inbox(account) == []
    assert (await office.mailboxes.get(account, "Müll")).total == 1


@in_post_office
async def test_junk_finds_its_mailbox_made_anew_where_there_is_none(office: PostOffice) -> None:
    account = office.resolve(ANN)
    await office.mailboxes.delete(account, "Junk")
    for _ in range(2):
        await office.delivery.deliver(account, ANN, "", office.octets(MESSAGE), ORIGIN, junk=True)
    made = await office.mailboxes.get(account, "Junk")
    assert (made.total, made.role) == (2, Role.JUNK)


@in_post_office
async def test_junk_goes_into_a_mailbox_of_that_name_where_none_has_the_role(office: PostOffice) -> None:
    account = office.resolve(ANN)
    await office.mailboxes.delete(account, "Junk")
    await office.mailboxes.create(account, "Junk")
    await office.delivery.deliver(account, ANN, "", office.octets(MESSAGE), ORIGIN, junk=True)
    assert (await office.mailboxes.get(account, "Junk")).total == 1


@in_post_office
async def test_whether_there_is_room_is_known_before_the_message_comes(office: PostOffice) -> None:
    account = office.resolve(ANN)
    await office.delivery.require_room(account, 10**12)
    await office.store.write(ops.set_quota, account, Quota(octets=10_000, messages=2))
    await office.delivery.require_room(account, 10_000)
    with pytest.raises(NeverFits):
        await office.delivery.require_room(account, 10_001)
    await office.deliver(b"x" * 9_000)
    await office.delivery.require_room(account, 100)
    with pytest.raises(OverQuota):
        await office.delivery.require_room(account, 1_000)
    await office.deliver()
    with pytest.raises(OverQuota):
        await office.delivery.require_room(account, 0)


@pytest.mark.rfc("5321", "4.5.5")
@in_post_office
async def test_the_null_reverse_path_is_written(office: PostOffice) -> None:
    assert (await office.deliver(sender="")).startswith(b"Return-Path: <>\r\nDelivered-To: ")


@in_post_office
async def test_the_recipient_is_written_as_given(office: PostOffice) -> None:
    for recipient in ("Ann+Lists@Example.ORG", '"ann"@example.org', "ann+grün@example.org"):
        stored = await office.deliver(to=recipient)
        assert f"\r\nDelivered-To: {recipient}\r\n".encode() in stored


@in_post_office
async def test_addresses_cannot_bring_header_lines_of_their_own(office: PostOffice) -> None:
    account = office.resolve(ANN)
    for recipient, sender in ((f"{ANN}\r\nX: y", ""), (ANN, "a@b\r\nX: y"), (ANN, "a@b\0")):
        with pytest.raises(Invalid):
            await office.delivery.deliver(account, recipient, sender, office.octets(MESSAGE))
    assert await office.inbox(account) == []


@pytest.mark.parametrize("size", [IN_MEMORY, IN_MEMORY + 1, 3_000_000])
def test_a_large_message_is_delivered_to_many_from_one_spool_file(size: int, tmp_path: Path) -> None:
    @in_post_office
    async def scenario(office: PostOffice) -> None:
        await office.accounts.create("bob@example.org", "secret")
        octets = office.octets(b"x" * size)
        for to in (ANN, "bob@example.org"):
            account = office.resolve(to)
            await office.delivery.deliver(account, to, "", octets, ORIGIN)
            [stored] = await office.inbox(account)
            assert stored.endswith(b" +0000\r\n" + b"x" * size)
        octets.discard()
        assert list(office.store.spool_dir.iterdir()) == []

    scenario(tmp_path)


@in_post_office
async def test_beyond_the_quota_nothing_is_stored_and_no_file_is_left(office: PostOffice) -> None:
    account = office.resolve(ANN)
    await office.store.write(ops.set_quota, account, Quota(octets=10_000))
    for size in (20_000, 2_000_000):
        octets = office.octets(b"x" * size)
        with pytest.raises(OverQuota):
            await office.delivery.deliver(account, ANN, "", octets, ORIGIN)
        octets.discard()
    assert await office.inbox(account) == []
    assert list(office.store.spool_dir.iterdir()) == []


@in_post_office
async def test_an_account_that_goes_between_recipient_and_data_is_not_found(office: PostOffice) -> None:
    account = office.resolve(ANN)
    await office.accounts.remove(str(parse_address(ANN)))
    with pytest.raises(NotFound):
        await office.delivery.deliver(account, ANN, "", office.octets(MESSAGE), ORIGIN)


@in_post_office
async def test_giving_up_a_large_delivery_leaves_no_file(office: PostOffice) -> None:
    octets = office.octets(b"x" * 5_000_000)
    async with asyncio.TaskGroup() as group:
        delivery = group.create_task(office.delivery.deliver(office.resolve(ANN), ANN, "", octets, ORIGIN))
        for _ in range(5):
            await asyncio.sleep(0)
        delivery.cancel()
    octets.discard()
    assert list(office.store.spool_dir.iterdir()) == []
