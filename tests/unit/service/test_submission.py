"""Submission: what is checked, added and removed before a message goes into the queue, and the copy for its sender."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path

import dkim
import pytest
from argon2 import PasswordHasher

from mailkeep.formats.dkim import public_record
from mailkeep.model.envelope import Body, Envelope, Recipient
from mailkeep.model.errors import Forbidden, Invalid, LimitReached
from mailkeep.model.flags import System
from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import Role
from mailkeep.model.quota import Quota
from mailkeep.model.uidset import UidSet
from mailkeep.service.accounts import Accounts
from mailkeep.service.addresses import Addresses
from mailkeep.service.allowance import HOUR_S, Allowance
from mailkeep.service.bus import Bus
from mailkeep.service.domains import Domains
from mailkeep.service.ledger import Ledger
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.messages import Flags, Incoming, Messages
from mailkeep.service.metadata import Metadata
from mailkeep.service.passwords import Passwords
from mailkeep.service.sent import YOUNG_S, SentCopies
from mailkeep.service.signing import Signing
from mailkeep.service.spool import IN_MEMORY, Octets, Spool
from mailkeep.service.submission import MAX_HOPS, QUICK, Submission
from mailkeep.service.trace import Origin
from mailkeep.store import ops
from mailkeep.store.contract import Store
from mailkeep.store.sqlite.store import SqliteStore

ANN, BOB, CY = "ann@example.org", "bob@example.org", "cy@example.net"
ORIGIN = Origin(helo="laptop", peer="192.0.2.7", protocol="ESMTPSA")
NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20
MESSAGE = (
    b"Date: Tue, 14 Nov 2023 22:00:00 +0000\r\nFrom: Ann <ann@example.org>\r\nTo: cy@example.net\r\n"
    b"Message-ID: <1@example.org>\r\nSubject: x\r\n\r\nbody\r\n"
)


class Office:
    """Everything that submission stands on.  What it queues and signs is written down."""

    def __init__(self, store: Store) -> None:
        self.now = NOW
        self.store = store
        bus = Bus()
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.accounts = Accounts(store.directory, store, Passwords(hasher))
        self.addresses = Addresses(store.directory)
        self.mailboxes = Mailboxes(store, bus)
        self.messages = Messages(store, bus, (), clock=self.clock)
        self.sent = SentCopies(Metadata(store, bus, {}), self.mailboxes, self.messages, clock=self.clock)
        self.allowance = Allowance(Ledger.alone(), clock=self.clock, ticks=self.clock)
        self.queued: list[tuple[Envelope, bytes]] = []
        self.signed: list[tuple[str, bytes]] = []
        self.submission = Submission(
            self.accounts, self.addresses, self, self, self.sent, self.allowance, hostname="mx.example.org",
            clock=self.clock,
        )  # fmt: skip

    def clock(self) -> float:
        return self.now

    async def add(self, account: AccountId, envelope: Envelope, octets: Octets) -> str:
        """As the queue does it."""
        self.queued.append((envelope, b"".join(octets.pieces())))
        return f"{account}-{len(self.queued)}"

    async def sign(self, domain: str, octets: Octets, fields: bytes = b"", skip: int = 0) -> bytes:
        """As the signer does it."""
        whole = fields + b"".join(octets.pieces())[skip:]
        self.signed.append((domain, whole))
        return b"DKIM-Signature: d=%b\r\n" % domain.encode()

    def octets(self, message: bytes) -> Octets:
        spool = Spool(self.store.spool_dir, 1 << 30)
        spool.write(message)
        return spool.finish()

    async def submit(
        self, message: bytes = MESSAGE, sender: str = ANN, to: tuple[str, ...] = (CY,), **more: object
    ) -> bytes:
        """Submit as Ann; returns what goes into the queue, below the lines that are put before it."""
        envelope = Envelope(reverse_path=sender, recipients=tuple(map(Recipient, to)), **more)  # type: ignore[arg-type]
        octets = self.octets(message)
        await self.submission.submit(self.accounts.get(ANN).id, envelope, octets, ORIGIN)
        octets.discard()
        _, queued = self.queued[-1]
        return queued.partition(b"2023 22:13:20 +0000\r\n")[2]

    async def kept(self) -> list[bytes]:
        """What is in Ann's mailbox for sent mail."""
        account = self.accounts.get(ANN).id
        mailbox = next(each for each in await self.mailboxes.list(account) if each.role is Role.SENT)
        rows = await self.messages.fetch(account, mailbox.id, UidSet(range(1, mailbox.uidnext)))
        assert all(row.entry.mask == System.SEEN for row in rows)
        return [self.messages.open_body(account, row).read() for row in rows]

    async def store_copy(self, message: bytes, flags: int = System.SEEN.value) -> int:
        """As a client does it that stores what it has sent; returns the UID."""
        account = self.accounts.get(ANN).id
        mailbox = next(each for each in await self.mailboxes.list(account) if each.role is Role.SENT)
        incoming = Incoming(octets=self.octets(message), flags=Flags(flags))
        return (await self.sent.store(account, mailbox, incoming)).uids[0]


def in_office(test: Callable[[Office], Awaitable[None]]) -> Callable[[Path], None]:
    """Run a test where Ann and Bob have accounts."""

    @wraps(test)
    def run(tmp_path: Path) -> None:
        async def scenario() -> None:
            async with SqliteStore(tmp_path) as store:
                office = Office(store)
                await office.accounts.create(ANN, "secret")
                await office.accounts.create(BOB, "secret")
                await test(office)
                assert not list(store.spool_dir.iterdir())

        asyncio.run(scenario())

    del run.__wrapped__  # pytest looks through it, and would ask for a fixture "office"
    return run


# --- what travels


@in_office
async def test_a_good_message_travels_as_it_came_below_signature_and_trace(office: Office) -> None:
    await office.submit()
    _, queued = office.queued[-1]
    assert re.sub(rb"id \w+", b"id 1", queued) == (
        b"DKIM-Signature: d=example.org\r\n"
        b"Received: from laptop ([192.0.2.7])\r\n\tby mx.example.org (mailkeep)\r\n\twith ESMTPSA id 1\r\n"
        b"\tfor <cy@example.net>; Tue, 14 Nov 2023 22:13:20 +0000\r\n" + MESSAGE
    )


@in_office
async def test_what_is_signed_is_what_travels(office: Office) -> None:
    travels = await office.submit(b"Bcc: zoe@example.com\r\nSubject: x\r\n\r\nbody")
    assert office.signed == [("example.org", travels)]


@pytest.mark.rfc("6409", "8.3")
@in_office
async def test_date_message_id_and_from_are_added_where_they_are_missing(office: Office) -> None:
    travels = await office.submit(b"Subject: x\r\n\r\nbody")
    assert re.fullmatch(
        rb"Subject: x\r\nMessage-ID: <\w{32}@example.org>\r\nDate: Tue, 14 Nov 2023 22:13:20 \+0000\r\n"
        rb"From: ann@example.org\r\n\r\nbody",
        travels,
    )


@in_office
async def test_the_author_of_a_notice_without_sender_is_the_account(office: Office) -> None:
    assert b"\r\nFrom: ann@example.org\r\n" in await office.submit(b"Subject: read\r\n\r\n", sender="")


@in_office
async def test_the_trace_line_of_several_recipients_names_none(office: Office) -> None:
    await office.submit(to=(CY, "dan@example.net"))
    assert b"\tfor <" not in office.queued[-1][1]


@in_office
async def test_a_large_message_goes_from_file_to_file(office: Office) -> None:
    body = b"x" * 70 + b"\r\n"
    message = MESSAGE + body * (IN_MEMORY // len(body) + 1)
    assert await office.submit(message) == message
    assert office.signed == [("example.org", message)]


@in_office
async def test_who_is_named_twice_gets_it_once(office: Office) -> None:
    await office.submit(to=(CY, "Cy@example.net", "cy@EXAMPLE.net", CY))
    assert [recipient.address for recipient in office.queued[-1][0].recipients] == [CY, "Cy@example.net"]


@in_office
async def test_a_message_id_has_the_domain_in_ascii(office: Office) -> None:
    await office.accounts.create("änne@müller.example", "secret")
    account = office.accounts.get("änne@müller.example").id
    envelope = Envelope(reverse_path="änne@müller.example", recipients=(Recipient(CY),), smtputf8=True)
    await office.submission.submit(account, envelope, office.octets("From: änne@müller.example\r\n\r\n".encode()))
    assert re.search(rb"\r\nMessage-ID: <\w+@xn--mller-kva.example>\r\n", office.queued[-1][1])
    assert office.signed[-1][0] == "xn--mller-kva.example"


# --- who may send as whom


@pytest.mark.rfc("6409", "6.1")
@pytest.mark.parametrize("sender", [BOB, "eve@example.com", "ann", "ann@example.org@example.net"])
def test_the_sender_must_belong_to_the_account(tmp_path: Path, sender: str) -> None:
    @in_office
    async def scenario(office: Office) -> None:
        with pytest.raises(Forbidden):
            await office.submit(sender=sender)
        assert office.queued == []

    scenario(tmp_path)


@in_office
async def test_subaddresses_and_aliases_belong_to_the_account(office: Office) -> None:
    office.addresses.add_alias("sales@example.org", ANN)
    await office.submit(sender="ann+lists@example.org")
    await office.submit(MESSAGE.replace(b"ann@", b"sales+x@"), sender="sales@example.org")
    assert len(office.queued) == 2


@pytest.mark.parametrize(
    "author", [b"bob@example.org", b"ann@example.org, bob@example.org", b"Ann <eve@example.com>", b"ann", b'"x"@y']
)
def test_the_author_must_belong_to_the_account(tmp_path: Path, author: bytes) -> None:
    @in_office
    async def scenario(office: Office) -> None:
        with pytest.raises(Forbidden):
            await office.submit(b"From: " + author + b"\r\n\r\n")

    scenario(tmp_path)


@in_office
async def test_two_from_fields_are_refused(office: Office) -> None:
    with pytest.raises(Invalid):
        await office.submit(b"From: ann@example.org\r\nfrom: ann@example.org\r\n\r\n")


@pytest.mark.rfc("6409", "8.1")
@in_office
async def test_where_it_is_allowed_a_foreign_author_gets_the_account_as_sender(office: Office) -> None:
    office.submission.foreign_authors = True
    travels = await office.submit(b"From: boss@example.com\r\nSender: eve@example.com\r\n\r\n")
    assert b"\r\nSender: ann@example.org\r\n" in travels
    assert b"eve" not in travels
    assert office.signed[0][0] == "example.org"


@in_office
async def test_a_sender_of_somebody_else_is_dropped(office: Office) -> None:
    assert b"Sender" not in await office.submit(b"Sender: bob@example.org\r\n" + MESSAGE)


@in_office
async def test_of_two_senders_none_stays(office: Office) -> None:
    two = b"Sender: ann@example.org\r\nSender: bob@example.org\r\n"
    assert b"Sender" not in await office.submit(two + MESSAGE)


@in_office
async def test_a_message_of_a_stranger_may_be_sent_on(office: Office) -> None:
    resent = b"Resent-From: ann@example.org\r\nFrom: eve@example.com\r\n\r\n"
    assert (await office.submit(resent)).startswith(b"Resent-From: ann@example.org\r\nFrom: eve@example.com\r\n")
    assert office.signed[0][0] == "example.org"


@in_office
async def test_nobody_writes_as_a_colleague_by_sending_on(office: Office) -> None:
    with pytest.raises(Forbidden):
        await office.submit(b"Resent-From: ann@example.org\r\nFrom: bob@example.org\r\n\r\n")


# --- limits


@pytest.mark.rfc("5321", "6.3")
@in_office
async def test_a_message_that_goes_round_in_circles_is_stopped(office: Office) -> None:
    await office.submit(b"Received: x\r\n" * MAX_HOPS + MESSAGE)
    with pytest.raises(Invalid):
        await office.submit(b"Received: x\r\n" * (MAX_HOPS + 1) + MESSAGE)


@in_office
async def test_an_account_sends_no_more_messages_in_an_hour_than_allowed(office: Office) -> None:
    office.allowance.messages = 2
    await office.submit()
    await office.submit()
    with pytest.raises(LimitReached):
        await office.submit()
    office.now += HOUR_S
    await office.submit()


@in_office
async def test_a_message_that_would_have_too_many_recipients_counts_nothing(office: Office) -> None:
    office.allowance.recipients = 3
    with pytest.raises(LimitReached):
        await office.submit(to=tuple(f"{number}@example.net" for number in range(4)))
    await office.submit(to=tuple(f"{number}@example.net" for number in range(3)))
    with pytest.raises(LimitReached):
        await office.submit()


# --- what the envelope says of the message


@pytest.mark.parametrize("size", [10, QUICK + 1, IN_MEMORY + 1])
@pytest.mark.parametrize(("octet", "body"), [(b"x", Body.SEVEN_BIT), (b"\xfc", Body.EIGHT_BIT)])
def test_octets_beyond_ascii_are_declared_for_clients_that_do_not(
    tmp_path: Path, size: int, octet: bytes, body: Body
) -> None:
    @in_office
    async def scenario(office: Office) -> None:
        await office.submit(MESSAGE + octet * size)
        assert office.queued[-1][0].body is body

    scenario(tmp_path)


@pytest.mark.rfc("6531", "3.4")
@pytest.mark.parametrize("size", [10, QUICK + 1, IN_MEMORY + 1])
@pytest.mark.parametrize(
    ("head", "to", "needed"),
    [
        (MESSAGE, CY, False),
        (MESSAGE.replace(b"Subject: x", "Subject: für".encode()), CY, True),
        (MESSAGE, "jürgen@example.net", True),
        (MESSAGE.replace(b"Subject: x", b"Content-Type: message/rfc822") + "Subject: für\r\n\r\n".encode(), CY, True),
    ],
    ids=["nothing", "header", "address", "header-inside"],
)
def test_smtputf8_stays_only_where_something_needs_it(
    tmp_path: Path, size: int, head: bytes, to: str, needed: bool
) -> None:
    @in_office
    async def scenario(office: Office) -> None:
        await office.submit(head + b"\xfc" * size, to=(to,), smtputf8=True)
        assert office.queued[-1][0].smtputf8 is needed

    scenario(tmp_path)


# --- the copy


@in_office
async def test_no_copy_is_kept_unless_the_account_asks_for_it(office: Office) -> None:
    await office.submit()
    assert await office.kept() == []


@in_office
async def test_no_copy_is_kept_of_a_notice(office: Office) -> None:
    await office.sent.switch(office.accounts.get(ANN).id, on=True)
    await office.submit(sender="")
    assert await office.kept() == []


@in_office
async def test_the_copy_has_what_was_sent_and_bcc_but_no_trace(office: Office) -> None:
    await office.sent.switch(office.accounts.get(ANN).id, on=True)
    message = b"Bcc: zoe@example.com\r\n" + MESSAGE
    assert await office.submit(message) == MESSAGE
    assert await office.kept() == [message]


@in_office
async def test_the_copy_has_the_fields_that_were_added(office: Office) -> None:
    await office.sent.switch(office.accounts.get(ANN).id, on=True)
    travels = await office.submit(b"To: cy@example.net\r\n\r\nbody")
    assert await office.kept() == [travels]


@in_office
async def test_a_client_that_stores_its_copy_too_is_told_where_it_is(office: Office) -> None:
    await office.sent.switch(office.accounts.get(ANN).id, on=True)
    await office.submit(b"Bcc: zoe@example.com\r\n" + MESSAGE)
    assert await office.store_copy(MESSAGE + b"\r\n") == 1
    assert len(await office.kept()) == 1


@in_office
async def test_flags_of_the_clients_copy_go_to_the_one_that_is_kept(office: Office) -> None:
    await office.sent.switch(office.accounts.get(ANN).id, on=True)
    await office.submit()
    assert await office.store_copy(MESSAGE, System.SEEN | System.FLAGGED) == 1
    account = office.accounts.get(ANN).id
    mailbox = next(each for each in await office.mailboxes.list(account) if each.role is Role.SENT)
    [row] = await office.messages.fetch(account, mailbox.id, UidSet([1]))
    assert row.entry.mask == System.SEEN | System.FLAGGED


@in_office
async def test_a_client_that_stores_its_copy_first_gets_no_second_one(office: Office) -> None:
    await office.sent.switch(office.accounts.get(ANN).id, on=True)
    await office.store_copy(MESSAGE)
    await office.submit()
    assert await office.kept() == [MESSAGE]


@pytest.mark.parametrize("size", [10, 20_000, IN_MEMORY + 1])
def test_copies_of_any_size_are_recognised(tmp_path: Path, size: int) -> None:
    @in_office
    async def scenario(office: Office) -> None:
        await office.sent.switch(office.accounts.get(ANN).id, on=True)
        message = MESSAGE + b"x" * size
        await office.submit(message)
        assert await office.store_copy(message) == 1
        assert await office.store_copy(message[:-1] + b"y") == 2

    scenario(tmp_path)


@pytest.mark.parametrize(
    "other",
    [
        MESSAGE.replace(b"<1@", b"<2@"),
        MESSAGE + b"more\r\n",
        MESSAGE.replace(b"body", b"b0dy"),
        MESSAGE.replace(b"Message-ID", b"X"),
    ],
    ids=["other id", "longer", "other body", "no id"],
)
def test_another_message_is_stored(tmp_path: Path, other: bytes) -> None:
    @in_office
    async def scenario(office: Office) -> None:
        await office.sent.switch(office.accounts.get(ANN).id, on=True)
        await office.submit()
        assert await office.store_copy(other) == 2

    scenario(tmp_path)


@in_office
async def test_an_old_copy_does_not_stand_for_a_new_one(office: Office) -> None:
    await office.sent.switch(office.accounts.get(ANN).id, on=True)
    await office.submit()
    office.now += YOUNG_S + 1
    assert await office.store_copy(MESSAGE) == 2


@in_office
async def test_a_copy_that_the_user_has_deleted_does_not_stand_for_a_new_one(office: Office) -> None:
    await office.sent.switch(office.accounts.get(ANN).id, on=True)
    await office.submit()
    account = office.accounts.get(ANN).id
    mailbox = next(each for each in await office.mailboxes.list(account) if each.role is Role.SENT)
    await office.messages.remove(account, mailbox.id, mailbox.uidnext)  # nothing there: nothing happens
    [row] = await office.messages.fetch(account, mailbox.id, UidSet(range(1, 100)))
    await office.messages.remove(account, mailbox.id, row.entry.uid)
    assert await office.store_copy(MESSAGE) == 2


@in_office
async def test_where_nothing_was_switched_on_clients_may_store_a_message_twice(office: Office) -> None:
    assert [await office.store_copy(MESSAGE), await office.store_copy(MESSAGE)] == [1, 2]


@in_office
async def test_the_mailbox_for_sent_mail_is_made_where_there_is_none(office: Office) -> None:
    account = office.accounts.get(ANN).id
    await office.sent.switch(account, on=True)
    await office.mailboxes.delete(account, "Sent")
    await office.submit()
    assert await office.kept() == [MESSAGE]


@in_office
async def test_a_copy_that_does_not_fit_does_not_stop_the_message(office: Office) -> None:
    account = office.accounts.get(ANN).id
    await office.sent.switch(account, on=True)
    await office.store.write(ops.set_quota, account, Quota(octets=10))
    await office.submit()
    assert await office.kept() == []
    assert len(office.queued) == 1


# --- the signature


@pytest.mark.parametrize("size", [10, 20_000, IN_MEMORY + 1])
def test_what_goes_into_the_queue_has_signatures_that_hold(tmp_path: Path, size: int) -> None:
    @in_office
    async def scenario(office: Office) -> None:
        domains = Domains(office.store.directory)
        await domains.add("example.org")
        submission = Submission(
            office.accounts, office.addresses, office, Signing(domains), office.sent, office.allowance,
            hostname="mx.example.org",
        )  # fmt: skip
        envelope = Envelope(reverse_path=ANN, recipients=(Recipient(CY),))
        octets = office.octets(b"Bcc: zoe@example.com\r\nSubject: x\r\n\r\n" + b"body \r\n" * (size // 7))
        await submission.submit(office.accounts.get(ANN).id, envelope, octets)
        octets.discard()
        [(_, queued)] = office.queued
        records = {
            f"{key.selector}._domainkey.example.org.": public_record(key.algorithm, key.private).encode()
            for key in domains.signing_keys("example.org")
        }
        assert len(records) == 2
        for number in range(2):
            verifier = dkim.DKIM(queued)
            assert await asyncio.to_thread(
                verifier.verify,
                number,
                dnsfunc=lambda name, timeout=5: records[name.decode()],
            )

    scenario(tmp_path)
