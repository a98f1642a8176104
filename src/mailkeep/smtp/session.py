"""The state of one dialogue: who the client says it is, and the transaction it is in (RFC 5321 §4.1.4)."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from mailkeep.model import envelope
from mailkeep.model.envelope import Envelope, Notify, Recipient, Return
from mailkeep.model.errors import MailError
from mailkeep.model.ids import AccountId
from mailkeep.service.authentication import CLEAR, Authentication, Secured
from mailkeep.service.delivery import Origin
from mailkeep.service.spool import Octets, Spool
from mailkeep.service.urls import Urls
from mailkeep.smtp.errors import Refused, reply_to
from mailkeep.smtp.wire import auth
from mailkeep.smtp.wire.bdat import Bdat
from mailkeep.smtp.wire.command import WireError
from mailkeep.smtp.wire.lines import LineCheck
from mailkeep.smtp.wire.mail import Body, Mail
from mailkeep.smtp.wire.rcpt import Rcpt
from mailkeep.smtp.wire.reader import MAX_LINE, Event, Line, Reader
from mailkeep.smtp.wire.reply import Reply

_CANCELLED: Final = Reply(501, "5.7.0", "Authentication is cancelled")
_NO_RESPONSE: Final = Reply(500, "5.5.6", "The line is too long, or does not end with CRLF")
_BARE: Final = Reply(550, "5.6.0", "Lines of a message end with CRLF; there is a CR or an LF alone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the configuration says.  Sizes in octets, times in seconds."""

    hostname: str
    max_message: int
    max_recipients: int = 1000  # RFC 5321 §4.5.3.1.8 asks for at least 100
    max_line: int = MAX_LINE
    max_hold_s: int = 0  # how long a message may be held back (RFC 4865)
    idle_s: float = 300.0  # RFC 5321 §4.5.3.2.7: at least 5 minutes


class Output(Protocol):
    """Where replies go."""

    def write(self, data: bytes) -> None:
        """Queue octets for the client."""

    async def drain(self) -> None:
        """Send what is queued, and wait while the client does not read.  Raises: ConnectionError."""


class Role(Protocol):
    """What a kind of service makes of a transaction: taking mail for its users, or sending it for them."""

    @property
    def name(self) -> str:
        """The protocol's, as the greeting tells it."""
        ...

    @property
    def one_answer(self) -> bool:
        """Whether there is one reply after the message, and not one for each recipient (RFC 2033 §4.2)."""
        ...

    @property
    def strict(self) -> bool:
        """Whether messages must keep to CRLF."""
        ...

    def extensions(self, session: Session) -> tuple[str, ...]:
        """What EHLO or LHLO tells now."""
        ...

    async def begin(self, session: Session, mail: Mail) -> None:
        """A sender is named.  Raises: Refused, MailError."""
        ...

    async def admit(self, session: Session, recipient: Recipient) -> tuple[AccountId, ...]:
        """A recipient is named.  Returns: the accounts here to which it leads.  Raises: Refused, MailError."""
        ...

    async def take(self, session: Session, transaction: Transaction, octets: Octets) -> None:
        """The message is whole: see to it that it is on disk, and reply.  Raises: Refused, MailError."""
        ...


@dataclass(frozen=True, slots=True)
class Users:
    """Who may log in, and what URLs mean to them (RFC 4468)."""

    authentication: Authentication
    urls: Urls


@dataclass(frozen=True, slots=True)
class User:
    """Who has authenticated."""

    account: AccountId
    address: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A recipient that was accepted, and the accounts here to which it leads, none for one elsewhere."""

    recipient: Recipient
    accounts: tuple[AccountId, ...]


@dataclass(slots=True)
class Transaction:
    """From MAIL to the answers after the data.

    `spool` takes the message, from DATA or the first BDAT on.  `failed`: what every recipient will be told, once a
    chunk was refused.  `hold_until` in UTC seconds.
    """

    mail: Mail
    hold_until: int | None = None
    recipients: list[Accepted] = field(default_factory=list)
    spool: Spool | None = None
    lines: LineCheck = field(default_factory=LineCheck)
    failed: Reply | None = None

    def discard(self) -> None:
        """Forget what came of the message."""
        if self.spool is not None:
            self.spool.discard()

    def envelope(self) -> Envelope:
        """All that was said of the message."""
        mail = self.mail
        return Envelope(
            reverse_path=mail.reverse_path,
            recipients=tuple(accepted.recipient for accepted in self.recipients),
            body=envelope.Body(mail.body.value),
            smtputf8=mail.smtputf8,
            require_tls=mail.require_tls,
            returns=None if mail.ret is None else Return(mail.ret.value),
            envelope_id=mail.envid,
            hold_until=self.hold_until,
        )


def _nothing() -> None:
    pass


class Session:
    """What the commands see and change."""

    def __init__(
        self,
        output: Output,
        role: Role,
        open_spool: Callable[[], Spool],
        options: Options,
        *,
        peer: str,
        tls: bool,
        can_start_tls: bool = False,
        users: Users | None = None,
        secured: Callable[[], Secured] = lambda: CLEAR,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.output = output
        self.role = role
        self.open_spool = open_spool
        self.options = options
        self.peer = peer
        self.tls = tls
        self.can_start_tls = can_start_tls
        self.secured = secured  # what TLS proves of the client
        self.users = users  # None where nobody logs in
        self.clock = clock
        self.reader = Reader(options.max_line)
        self.peer_name: str | None = None  # what DNS calls the peer, "" for nothing; None: nobody has asked
        self.helo: str | None = None
        self.extended = False  # whether it was EHLO or LHLO, not HELO
        self.user: User | None = None
        self._unwatch: Callable[[], None] = _nothing
        self.failed_logins = 0
        self.guesses = 0  # recipients that there are not
        self.transaction: Transaction | None = None
        self.chunk: Bdat | None = None  # the one being read; None while the octets read are DATA's
        self.starting_tls = False  # hands are shaken as soon as the reply is out
        self.closing = False
        self._wanted: asyncio.Future[None] | None = None  # done when octets come that a handler waits for

    def reply(self, reply: Reply) -> None:
        """Queue a reply."""
        self.output.write(reply.encode())

    def enter(self, user: User, unwatch: Callable[[], None]) -> None:
        """The client has proved who it is; `unwatch` is called when the session has ended."""
        self.user, self._unwatch = user, unwatch

    def dismiss(self, text: str) -> None:
        """The login is no longer valid: say goodbye as soon as the command that runs is done."""
        self.closing = True
        self.reply(Reply(421, "4.7.0", text))

    def release(self) -> None:
        """The connection is gone."""
        self.closing = True
        self.reset()
        self._unwatch()

    def greet(self, name: str, *, extended: bool) -> None:
        """The client has introduced itself; a transaction that was open is dropped."""
        self.reset()
        self.helo = name
        self.extended = extended

    def reset(self) -> None:
        """End the transaction, if there is one, as if it had not been (RFC 5321 §4.1.1.5)."""
        if self.transaction is not None:
            self.transaction.discard()
            self.transaction = None

    def forget(self) -> None:
        """Forget what the client has said so far, as RFC 3207 §4.2 demands after a handshake."""
        self.reset()
        self.helo, self.extended = None, False

    # --- asking

    async def ask(self, challenge: bytes) -> bytes:
        """Send a challenge of AUTH; gives the client's response.

        RFC 4954 §4.  Raises: Refused (it gives up, or what it says is no response).
        """
        self.reply(Reply(334, "", b64encode(challenge).decode("ascii")))
        line = await self._line()
        if not isinstance(line, Line):
            raise Refused(_NO_RESPONSE)
        try:
            answer = auth.response(line.octets)
        except WireError as error:
            raise Refused(error.reply) from error
        if answer is None:
            raise Refused(_CANCELLED)
        return answer

    async def _line(self) -> Event:
        await self.output.drain()
        while (event := self.reader.next()) is None:
            self._wanted = asyncio.get_running_loop().create_future()
            await self._wanted
        return event

    @property
    def asking(self) -> bool:
        """Whether a handler waits for the client to say something."""
        return self._wanted is not None and not self._wanted.done()

    def wake(self) -> None:
        """Octets have come."""
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    # --- the message

    def origin(self, transaction: Transaction) -> Origin:
        """Where the message comes from."""
        return Origin(
            helo=self.helo or "",
            peer=self.peer,
            protocol=self._protocol(utf8=transaction.mail.smtputf8),
            peer_name=self.peer_name or "",
        )

    def _protocol(self, *, utf8: bool) -> str:
        """The word for the trace line (RFC 3848, RFC 6531 §4.3)."""
        word = "LMTP" if not self.role.one_answer else "SMTP"
        flags = ("S" if self.tls else "") + ("A" if self.user else "")
        if utf8:
            return f"UTF8{word}{flags}"
        return word + flags if word == "LMTP" or not self.extended else f"E{word}{flags}"

    def recipient(self, command: Rcpt) -> Recipient:
        """The recipient that a command names."""
        notify = None
        if command.notify is not None:
            notify = Notify.NEVER
            for event in command.notify:
                notify |= Notify[event.value]
        address = command.forward_path
        if "@" not in address and self.user is not None:  # to a user the postmaster is that of his own domain
            address += "@" + self.user.address.rpartition("@")[2]
        return Recipient(address, notify, command.original)

    def take(self, octets: bytes) -> None:
        """A piece of the message; dropped where there is no transaction to take it, or where it has failed."""
        transaction = self.transaction
        if transaction is not None and transaction.spool is not None and transaction.failed is None:
            transaction.spool.write(octets)
            if self.role.strict and transaction.mail.body is not Body.BINARY:
                transaction.lines.look(octets)

    async def finish(self) -> None:
        """The message is whole: hand it over, and answer, once or for each recipient."""
        transaction, self.transaction = self.transaction, None  # what is being handed over is not dropped any more
        assert transaction is not None
        assert transaction.spool is not None
        try:
            transaction.lines.end()
            if transaction.failed is None:
                octets = transaction.spool.finish()
                try:
                    if transaction.lines.bare:
                        raise Refused(_BARE)
                    await self.role.take(self, transaction, octets)
                finally:
                    octets.discard()
                return
        except MailError as error:
            transaction.failed = reply_to(error)
        except Refused as error:
            transaction.failed = error.reply
        transaction.discard()
        for _ in range(1 if self.role.one_answer else len(transaction.recipients)):
            self.reply(transaction.failed)
