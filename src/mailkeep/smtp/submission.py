"""Submission (ports 587 and 465, RFC 6409): mail that users of this server send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from mailkeep import telemetry
from mailkeep.model.envelope import Envelope, Recipient
from mailkeep.model.errors import Invalid, LimitReached
from mailkeep.model.ids import AccountId
from mailkeep.service.addresses import Addresses
from mailkeep.service.delivery import Origin
from mailkeep.service.spool import Octets
from mailkeep.smtp import extensions
from mailkeep.smtp.errors import Refused
from mailkeep.smtp.session import Session, Transaction, User
from mailkeep.smtp.wire.mail import Mail
from mailkeep.smtp.wire.reply import Reply

_NOT_YOURS: Final = Reply(550, "5.7.1", "This sender address does not belong to your account")

# Of a whole message, where these do not speak of a command or of its recipients (RFC 6409 §6.3).
_NOT_TAKEN: Final = {Invalid: (554, "5.6.0"), LimitReached: (450, "4.7.1")}

log = telemetry.logger(part="submission")


class Submitter(Protocol):
    """Takes messages that users send."""

    async def submit(self, account: AccountId, envelope: Envelope, octets: Octets, origin: Origin) -> str:
        """Take a message over; it is on disk when this returns.  Returns: its id.  Raises: MailError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """See `mailkeep.smtp.session.Role`."""

    addresses: Addresses
    submitter: Submitter
    name: ClassVar[str] = "ESMTP"
    one_answer: ClassVar[bool] = True
    strict: ClassVar[bool] = True

    def extensions(self, session: Session) -> tuple[str, ...]:
        """RFC 6409 §7."""
        return extensions.of(session, extensions.SUBMISSION)

    async def begin(self, session: Session, mail: Mail) -> None:
        """The sender is the user's own address, or none: notices have none (RFC 8098 §3).

        RFC 6409 §6.1.  Raises: Refused, Unavailable.
        """
        user = _user(session)
        if mail.reverse_path and not self.addresses.may_send(user.account, mail.reverse_path):
            raise Refused(_NOT_YOURS)

    async def admit(self, session: Session, recipient: Recipient) -> tuple[AccountId, ...]:  # noqa: ARG002
        """Anybody anywhere; of this server's own domains, who is there.  Raises: NotFound, Unavailable."""
        _, at, domain = recipient.address.rpartition("@")
        if at and not self.addresses.is_local(domain):
            return ()
        return self.addresses.resolve(recipient.address)

    async def take(self, session: Session, transaction: Transaction, octets: Octets) -> None:
        """Hand the message over to be sent.  Raises: Refused, MailError."""
        user = _user(session)
        envelope = transaction.envelope()
        try:
            number = await self.submitter.submit(user.account, envelope, octets, session.origin(transaction))
        except (Invalid, LimitReached) as error:
            raise Refused(Reply(*_NOT_TAKEN[type(error)], error.text)) from error
        log.info(
            "submission.taken",
            id=number,
            user=user.address,
            peer=session.peer,
            sender=envelope.reverse_path,
            recipients=len(envelope.recipients),
            size=octets.size,
        )
        session.reply(Reply(250, "2.0.0", f"Queued as {number}"))


def _user(session: Session) -> User:
    assert session.user is not None
    return session.user
