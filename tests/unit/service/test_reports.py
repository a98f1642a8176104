"""Reports: who is told what of a message, how much of it comes back, and where it goes."""

from __future__ import annotations

import asyncio
import dataclasses
import email
import email.policy
from collections.abc import Awaitable, Callable
from email.message import EmailMessage, Message
from functools import wraps
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from mailkeep.model.envelope import Envelope, Outcome, Recipient, Return
from mailkeep.model.errors import OverQuota
from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import INBOX
from mailkeep.model.quota import Quota
from mailkeep.model.uidset import UidSet
from mailkeep.service.accounts import Accounts
from mailkeep.service.bus import Bus
from mailkeep.service.delivery import Delivery
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.messages import InMemory, Messages
from mailkeep.service.passwords import Passwords
from mailkeep.service.queue import Report, Reported
from mailkeep.service.reports import MAX_RETURNED, Reports
from mailkeep.store import ops
from mailkeep.store.contract import Store
from mailkeep.store.sqlite.store import SqliteStore

ANN = "ann@example.org"
NOW = 1_700_000_000
MESSAGE = b"From: ann@example.org\r\nSubject: Lunch\r\nMessage-ID: <1@example.org>\r\n\r\nAt noon?\r\n"
REFUSED = Outcome(enhanced="5.1.1", text="5.1.1 No such user", code=550, host="mx.example.net")
SLOW = Outcome(enhanced="4.4.1", text="mx.example.net does not answer")
HERE = Outcome(enhanced="2.1.5", text="Delivered")
THERE = Outcome(enhanced="2.0.0", text="Ok: queued as 12", code=250, host="mx.example.net")


def told(outcome: Outcome, address: str = "bob@example.net") -> Reported:
    return Reported(Recipient(address, original="rfc822;Bob@example.net"), outcome, NOW + 60)


class Office:
    def __init__(self, store: Store) -> None:
        self.store = store
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.accounts = Accounts(store.directory, store, Passwords(hasher))
        self.mailboxes = Mailboxes(store, Bus())
        self.messages = Messages(store, Bus(), ())
        delivery = Delivery(self.accounts, self.mailboxes, self.messages, hostname="mx.example.org")
        self.reports = Reports(delivery, hostname="mx.example.org", clock=lambda: NOW + 90.0)

    @property
    def account(self) -> AccountId:
        return self.accounts.get(ANN).id

    def report(self, *reported: Reported, message: bytes = MESSAGE, until: int | None = None, **more: object) -> Report:
        envelope = Envelope(reverse_path=ANN, recipients=(), **more)  # type: ignore[arg-type]
        return Report(
            account=self.account,
            queue_id="1-1",
            envelope=envelope,
            arrived_at=NOW,
            recipients=reported,
            message=InMemory(message),
            once="1-1/0",
            until=until,
        )

    async def inbox(self) -> list[bytes]:
        inbox = await self.mailboxes.get(self.account, INBOX)
        rows = await self.messages.fetch(self.account, inbox.id, UidSet(range(1, inbox.uidnext)))
        return [self.messages.open_body(self.account, row).read() for row in rows]

    async def tell(self, report: Report) -> EmailMessage:
        """Make the report, and read it in INBOX."""
        await self.reports.report(report)
        [message] = await self.inbox()
        read = email.message_from_bytes(message, policy=email.policy.default)
        assert isinstance(read, EmailMessage)
        return read


def in_office(test: Callable[[Office], Awaitable[None]]) -> Callable[[Path], None]:
    """Run a test where Ann has an account."""

    @wraps(test)
    def run(tmp_path: Path) -> None:
        async def scenario() -> None:
            async with SqliteStore(tmp_path) as store:
                office = Office(store)
                await office.accounts.create(ANN, "secret")
                await test(office)

        asyncio.run(scenario())

    del run.__wrapped__  # pytest looks through it, and would ask for a fixture "office"
    return run


def groups(message: EmailMessage) -> list[Message]:
    """The fields about each recipient."""
    _, status, _ = message.iter_parts()
    payload = status.get_payload()
    assert isinstance(payload, list)
    return payload[1:]


def returned(message: EmailMessage) -> str:
    return list(message.iter_parts())[2].get_content_type()


@in_office
async def test_a_failure_is_told_in_the_senders_inbox_with_the_message(office: Office) -> None:
    message = await office.tell(office.report(told(REFUSED), envelope_id="e1"))
    assert message["Return-Path"] == "<>"
    assert message["To"] == ANN
    assert message["Subject"] == "Not delivered: Lunch"
    assert "At noon?" in message.as_string()
    [group] = groups(message)
    assert group["Action"] == "failed"
    assert group["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user"
    assert group["Original-Recipient"] == "rfc822; Bob@example.net"


@in_office
async def test_a_delay_is_told_with_the_header_and_until_when_it_is_tried(office: Office) -> None:
    message = await office.tell(office.report(told(SLOW), until=NOW + 86400))
    [group] = groups(message)
    assert (group["Action"], group["Will-Retry-Until"]) == ("delayed", "Wed, 15 Nov 2023 22:13:20 +0000")
    assert returned(message) == "text/rfc822-headers"


@in_office
async def test_what_was_tried_for_too_long_has_failed(office: Office) -> None:
    message = await office.tell(office.report(told(SLOW)))
    assert groups(message)[0]["Action"] == "failed"
    assert groups(message)[0]["Status"] == "4.4.1"


@pytest.mark.rfc("3464", "2.3.3")
@in_office
async def test_a_success_here_is_a_delivery_and_elsewhere_passing_on(office: Office) -> None:
    message = await office.tell(office.report(told(HERE, ANN), told(THERE)))
    assert [group["Action"] for group in groups(message)] == ["delivered", "relayed"]
    assert returned(message) == "text/rfc822-headers"


@pytest.mark.parametrize(
    ("size", "more", "kind"),
    [
        (MAX_RETURNED, {}, "message/rfc822"),
        (MAX_RETURNED, {"returns": Return.FULL}, "message/rfc822"),
        (MAX_RETURNED + 1, {"returns": Return.FULL}, "text/rfc822-headers"),
        (100, {"returns": Return.HDRS}, "text/rfc822-headers"),
        (100, {"returns": Return.FULL, "require_tls": True}, "text/rfc822-headers"),
    ],
)
def test_how_much_of_a_message_comes_back(tmp_path: Path, size: int, more: dict[str, object], kind: str) -> None:
    @in_office
    async def scenario(office: Office) -> None:
        body = b"x" * 70 + b"\r\n"
        message = (MESSAGE + body * (size // len(body) + 1))[: size - 2] + b"\r\n"
        assert returned(await office.tell(office.report(told(REFUSED), message=message, **more))) == kind

    scenario(tmp_path)


@in_office
async def test_a_report_that_is_asked_for_again_comes_once(office: Office) -> None:
    await office.reports.report(office.report(told(REFUSED)))
    await office.reports.report(office.report(told(REFUSED)))
    assert len(await office.inbox()) == 1


@in_office
async def test_nobody_is_told_where_there_is_no_sender(office: Office) -> None:
    report = office.report(told(REFUSED))
    await office.reports.report(dataclasses.replace(report, envelope=Envelope(reverse_path="", recipients=())))
    assert await office.inbox() == []


@in_office
async def test_a_report_that_does_not_fit_is_still_owed(office: Office) -> None:
    await office.store.write(ops.set_quota, office.account, Quota(octets=10))
    with pytest.raises(OverQuota):
        await office.reports.report(office.report(told(REFUSED)))


@in_office
async def test_a_message_without_a_body_comes_back_as_it_is(office: Office) -> None:
    message = await office.tell(office.report(told(SLOW), message=b"Subject: x", until=NOW))
    assert message["Subject"] == "Delayed: x"
