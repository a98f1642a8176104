"""The state of one dialogue: who the client says it is, and the transaction it is in (RFC 5321 §4.1.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mailkeep import telemetry
from mailkeep.model.address import parse_address
from mailkeep.model.errors import MailError
from mailkeep.model.ids import AccountId
from mailkeep.service.delivery import Delivery, Origin
from mailkeep.service.spool import Octets, Spool
from mailkeep.smtp.errors import reply_to
from mailkeep.smtp.wire.bdat import Bdat
from mailkeep.smtp.wire.mail import Mail
from mailkeep.smtp.wire.reader import Reader
from mailkeep.smtp.wire.reply import Reply

log = telemetry.logger(part="lmtp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the configuration says.  Sizes in octets, times in seconds."""

    hostname: str
    max_message: int
    max_recipients: int = 1000  # RFC 5321 §4.5.3.1.8 asks for at least 100
    idle_s: float = 300.0  # RFC 5321 §4.5.3.2.7: at least 5 minutes


class Output(Protocol):
    """Where replies go."""

    def write(self, data: bytes) -> None:
        """Queue octets for the client."""

    async def drain(self) -> None:
        """Send what is queued, and wait while the client does not read.  Raises: ConnectionError."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient that was accepted: the account, and the address as given."""

    account: AccountId
    address: str


@dataclass(slots=True)
class Transaction:
    """From MAIL to the answers after the data.

    `spool` takes the message, from DATA or the first BDAT on.  `failed`: what every recipient will be told, once a
    chunk was refused.
    """

    mail: Mail
    recipients: list[Recipient] = field(default_factory=list)
    spool: Spool | None = None
    failed: Reply | None = None

    def discard(self) -> None:
        """Forget what came of the message."""
        if self.spool is not None:
            self.spool.discard()


class Session:
    """What the commands see and change."""

    def __init__(
        self, output: Output, delivery: Delivery, open_spool: Callable[[], Spool], options: Options, peer: str
    ) -> None:
        self.output = output
        self.delivery = delivery
        self.open_spool = open_spool
        self.options = options
        self.peer = peer
        self.reader = Reader()
        self.helo: str | None = None
        self.transaction: Transaction | None = None
        self.chunk: Bdat | None = None  # the one being read; None while the octets read are DATA's
        self.closing = False

    def reply(self, reply: Reply) -> None:
        """Queue a reply."""
        self.output.write(reply.encode())

    def reset(self) -> None:
        """End the transaction, if there is one, as if it had not been (RFC 5321 §4.1.1.5)."""
        if self.transaction is not None:
            self.transaction.discard()
            self.transaction = None

    # --- the message

    def take(self, octets: bytes) -> None:
        """A piece of the message; dropped where there is no transaction to take it, or where it has failed."""
        transaction = self.transaction
        if transaction is not None and transaction.spool is not None and transaction.failed is None:
            transaction.spool.write(octets)

    async def finish(self) -> None:
        """The message is whole: deliver it, and answer once for each recipient, in their order (RFC 2033 §4.2).

        Each answer is sent as soon as it is known, as RFC 2033 §5 asks for.  The same address twice gets one copy and
        two answers; ``user`` and ``user+detail`` are two addresses, and get one copy each (as in Dovecot and Postfix).
        """
        transaction, self.transaction = self.transaction, None
        assert transaction is not None
        assert transaction.spool is not None
        try:
            if transaction.failed is None:
                await self._deliver_all(transaction, transaction.spool.finish())
                return
        except MailError as error:
            transaction.failed = reply_to(error)
        transaction.discard()
        for _ in transaction.recipients:
            self.reply(transaction.failed)

    async def _deliver_all(self, transaction: Transaction, octets: Octets) -> None:
        answers: dict[str, Reply] = {}
        try:
            for recipient in transaction.recipients:
                key = str(parse_address(recipient.address))
                if key not in answers:
                    answers[key] = await self._deliver(transaction.mail, recipient, octets)
                self.reply(answers[key])
                await self.output.drain()
        finally:
            octets.discard()

    async def _deliver(self, mail: Mail, recipient: Recipient, octets: Octets) -> Reply:
        protocol = "UTF8LMTP" if mail.smtputf8 else "LMTP"  # RFC 6531 §4.3
        origin = Origin(helo=self.helo or "", peer=self.peer, protocol=protocol)
        to = recipient.address
        try:
            done = await self.delivery.deliver(recipient.account, to, mail.reverse_path, octets, origin)
        except MailError as error:
            log.warning("lmtp.refused", recipient=to, size=octets.size, reason=type(error).__name__)
            return reply_to(error, to)
        log.info("lmtp.delivered", recipient=to, size=octets.size, account=recipient.account, uid=done.uids[0])
        return Reply(250, "2.0.0", f"<{to}> Delivered")
