"""Submission: what a user sends becomes fit to travel, is signed, and goes into the queue (RFC 6409)."""

from __future__ import annotations

import asyncio
import dataclasses
import mmap
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from mailkeep.formats.mime.scan import Part, scan
from mailkeep.formats.submitted import (
    MAX_HEADER,
    Head,
    Malformed,
    Missing,
    authors,
    complete,
    kept_header,
    read_head,
    sent_header,
    without_results,
)
from mailkeep.model.envelope import Body, Envelope, Recipient
from mailkeep.model.errors import Forbidden, Invalid, storage_fault
from mailkeep.model.ids import AccountId
from mailkeep.service.accounts import Accounts
from mailkeep.service.addresses import Addresses
from mailkeep.service.allowance import Allowance
from mailkeep.service.queue import domain_of
from mailkeep.service.sent import SentCopies
from mailkeep.service.spool import Octets, behind
from mailkeep.service.trace import Origin, date, received

QUICK: Final = 64 * 1024  # octets of a message that is looked through on the spot; a larger one in a thread
MAX_HOPS: Final = 100  # Received lines of a message that goes round in circles (RFC 5321 §6.3)


class Outgoing(Protocol):
    """Takes what is to be sent: the queue."""

    async def add(self, account: AccountId, envelope: Envelope, octets: Octets) -> str:
        """Take a message over; it is on disk when this returns.  Returns: its id.  Raises: MailError."""
        ...


class Signs(Protocol):
    """Makes signatures."""

    async def sign(self, domain: str, octets: Octets, fields: bytes = b"", skip: int = 0) -> bytes:
        """Header lines to put before the message `fields` + `octets`, of which the first `skip` do not count.

        None for a domain that has no keys.  Raises: MailError.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Author:
    """As whom a message is sent.  `sender`: what the field Sender is to say, see `formats.submitted.complete`."""

    address: str
    sender: str | None = None

    @property
    def domain(self) -> str:
        """In A-labels, where it has them."""
        return domain_of(self.address)


class Submission:
    """Takes messages from users.

    `foreign_authors`: whether From may name others, with the user's own address as Sender (RFC 5322 §3.6.2).
    """

    def __init__(
        self,
        accounts: Accounts,
        addresses: Addresses,
        queue: Outgoing,
        signing: Signs,
        sent: SentCopies,
        allowance: Allowance,
        *,
        hostname: str,
        foreign_authors: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.foreign_authors = foreign_authors  # may be changed at any time
        self.allowance = allowance
        self._accounts = accounts
        self._addresses = addresses
        self._queue = queue
        self._signing = signing
        self._sent = sent
        self._hostname = hostname
        self._clock = clock

    def require_sender(self, account: AccountId, reverse_path: str) -> None:
        """Whether the account may name this sender: an address of its own, or none, as notices do (RFC 8098 §3).

        RFC 6409 §6.1.  Raises: Forbidden, Unavailable.
        """
        if reverse_path and not self._addresses.may_send(account, reverse_path):
            raise Forbidden("This sender address does not belong to your account")

    async def submit(self, account: AccountId, envelope: Envelope, octets: Octets, origin: Origin | None = None) -> str:
        """Take a message over from its author: it is in the queue, on disk, when this returns.

        What is missing in its header is added, Bcc goes, it is signed for the author's domain; the body stays as it
        is.  Where the account has asked for it a copy goes into its mailbox for sent mail.  `octets` stay the
        caller's.  Without `origin` the message comes from a program on this machine.
        Returns: the id in the queue.  Raises: Forbidden (the sender, or the author in From), Invalid (a header that
        cannot be sent, a loop), LimitReached (sent too much), Unavailable.
        """
        self.require_sender(account, envelope.reverse_path)
        head = _read_head(octets)
        if head.count(b"received") > MAX_HOPS:
            raise Invalid("The message goes round in circles: it has too many Received lines")
        author = self._author(account, envelope, head)
        envelope = await _fitted(_distinct(envelope), head, octets)
        self.allowance.take(account, len(envelope.recipients))
        now = self._clock()
        missing = Missing(
            date=date(now).encode(),
            message_id=f"<{secrets.token_hex(16)}@{author.domain}>".encode(),
            author=author.address.encode(),
        )
        fields = complete(head, missing, sender=None if author.sender is None else author.sender.encode())
        header = sent_header(without_results(fields, self._hostname.encode()))
        signatures = await self._signing.sign(author.domain, octets, header, head.body_at)
        only = envelope.recipients[0].address if len(envelope.recipients) == 1 else None
        above = signatures + received(self._hostname, origin, only, now)
        ready = await behind(above + header, octets, head.body_at)
        try:
            number = await self._queue.add(account, envelope, ready)
        finally:
            ready.discard()
        if envelope.reverse_path:  # a notice without a sender is no letter of the user
            to = [recipient.address for recipient in envelope.recipients]
            await self._sent.keep(account, partial(kept_header, fields, to), octets, head.body_at)
        return number

    def _author(self, account: AccountId, envelope: Envelope, head: Head) -> _Author:
        """As whom the message is sent.

        From says it, in addresses of the account alone.  A message sent on (Resent-From) is another's, but none of
        this server's users: as they only they can write.  Raises: Forbidden, Invalid, Unavailable.
        """
        own = envelope.reverse_path or self._accounts.address_of(account)
        try:
            named, resent, sender = authors(head), authors(head, b"resent-from"), authors(head, b"sender")
        except Malformed as error:
            raise Invalid(str(error)) from error
        foreign = [address for address in named if not self._addresses.may_send(account, address)]
        is_own_sender = head.count(b"sender") <= 1 and all(
            self._addresses.may_send(account, address) for address in sender
        )
        if not foreign:
            return _Author(named[0] if named else own, None if is_own_sender else "")
        if resent and all(self._addresses.may_send(account, address) for address in resent):
            if not any(self._addresses.is_local(address.rpartition("@")[2]) for address in foreign):
                return _Author(resent[0])
        elif self.foreign_authors:
            return _Author(own, None if sender and is_own_sender else own)
        raise Forbidden(f"The author in From, {foreign[0]}, is not an address of your account")


def _read_head(octets: Octets) -> Head:
    """The header of a message.  Raises: Invalid, Unavailable."""
    whole = octets.size <= MAX_HEADER
    try:
        return read_head(_start(octets), whole=whole)
    except Malformed as error:
        raise Invalid(str(error)) from error


def _start(octets: Octets) -> bytes:
    """The octets in which the header must end."""
    if octets.data is not None:
        return octets.data[: MAX_HEADER + 2]
    assert octets.path is not None
    try:
        with octets.path.open("rb") as file:
            return file.read(MAX_HEADER + 2)
    except OSError as error:
        raise storage_fault(error, "Cannot read the message now") from error


def _distinct(envelope: Envelope) -> Envelope:
    """Without recipients that were named before: clients do that with who is in To and in Cc."""
    first: dict[str, Recipient] = {}
    for recipient in envelope.recipients:
        local, _, domain = recipient.address.rpartition("@")
        first.setdefault(f"{local}@{domain.lower()}", recipient)
    return dataclasses.replace(envelope, recipients=tuple(first.values()))


async def _fitted(envelope: Envelope, head: Head, octets: Octets) -> Envelope:
    """The envelope, with what is so of the message where clients say something else.

    8-bit octets come without a word about them; and iOS (2023) asks for SMTPUTF8 always, also where nothing needs it,
    with which many servers would not take the message (RFC 6531 §3.4).
    """
    if envelope.body is not Body.SEVEN_BIT and not envelope.smtputf8:
        return envelope
    is_ascii, plain_headers = (
        _look(octets, head.body_at) if octets.size <= QUICK else await asyncio.to_thread(_look, octets, head.body_at)
    )
    addresses = (envelope.reverse_path, *(recipient.address for recipient in envelope.recipients))
    return dataclasses.replace(
        envelope,
        body=Body.EIGHT_BIT if envelope.body is Body.SEVEN_BIT and not is_ascii else envelope.body,
        smtputf8=envelope.smtputf8 and not (plain_headers and all(map(str.isascii, addresses))),
    )


def _look(octets: Octets, body_at: int) -> tuple[bool, bool]:
    """Whether all octets are ASCII; whether those of all headers are, inside the message too."""
    if all(piece.isascii() for piece in octets.pieces()):
        return True, True
    if octets.data is not None:
        return False, _has_plain_headers(scan(octets.data), octets.data[:body_at])
    assert octets.path is not None
    try:
        with octets.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return False, _has_plain_headers(scan(mapped), mapped[:body_at])
    except OSError as error:
        raise storage_fault(error, "Cannot read the message now") from error


def _has_plain_headers(message: Part, header: bytes) -> bool:
    """A part may hold a header of a message that travels inside (RFC 6532 §3.7)."""
    waiting = list(message.children)
    while waiting:
        part = waiting.pop()
        if not all(whole.isascii() for _, whole in part.fields):
            return False
        waiting += part.children
    return header.isascii()
