"""LMTP (RFC 2033): mail that a mail transfer agent hands in for accounts of this server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep import telemetry
from mailkeep.model.envelope import Recipient
from mailkeep.model.errors import MailError
from mailkeep.model.ids import AccountId
from mailkeep.service.addresses import Addresses
from mailkeep.service.delivery import Delivery
from mailkeep.service.spool import Octets
from mailkeep.smtp import extensions
from mailkeep.smtp.errors import reply_to
from mailkeep.smtp.judging import Action, Arriving, Judged, Judges
from mailkeep.smtp.partly import Delivered, Partly, key_of
from mailkeep.smtp.session import Accepted, Session, Transaction
from mailkeep.smtp.wire.mail import Mail
from mailkeep.smtp.wire.reply import Reply

log = telemetry.logger(part="lmtp")


@dataclass(frozen=True, slots=True)
class Lmtp:
    """See `mailkeep.smtp.session.Role`.

    Who sends is not looked at: whoever does that stands in front.  `judges` are filters, where they are wanted here.
    """

    addresses: Addresses
    delivery: Delivery
    partly: Partly
    judges: Judges
    name: ClassVar[str] = "LMTP"
    one_answer: ClassVar[bool] = False
    strict: ClassVar[bool] = False

    def extensions(self, session: Session) -> tuple[str, ...]:
        """RFC 2033 §4.1."""
        return extensions.of(session, extensions.LMTP)

    async def begin(self, session: Session, mail: Mail) -> None:
        """Any sender will do."""

    async def admit(self, session: Session, recipient: Recipient) -> tuple[AccountId, ...]:  # noqa: ARG002
        """Whoever has an account.  Raises: NotFound, Unavailable."""
        return self.addresses.resolve(recipient.address)

    async def take(self, session: Session, transaction: Transaction, octets: Octets) -> None:
        """Have the message judged where that is wanted, and deliver it."""
        opinion = await self.judges.judge(_arriving(session, transaction, octets))
        message = Judged(octets, opinion.octets or octets, opinion)
        try:
            await self._carry_out(session, transaction, message)
        finally:
            if opinion.octets is not None:
                opinion.octets.discard()

    async def _carry_out(self, session: Session, transaction: Transaction, message: Judged) -> None:
        """Answer once for each recipient, in their order (RFC 2033 §4.2).

        Each answer is sent as soon as it is known, as RFC 2033 §5 asks for.  The same address twice gets one copy and
        two answers; ``user`` and ``user+detail`` are two addresses, and get one copy each (as in Dovecot and Postfix).
        """
        answers: dict[str, Reply] = {}
        for accepted in transaction.recipients:
            key = key_of(accepted.recipient.address)
            if key not in answers:
                answers[key] = await self._answer(session, transaction, accepted, message)
            session.reply(answers[key])
            await session.output.drain()

    async def _answer(self, session: Session, transaction: Transaction, accepted: Accepted, message: Judged) -> Reply:
        match message.opinion.action:
            case Action.ACCEPT | Action.JUNK:
                return await self._deliver(session, transaction, accepted, message)
            case Action.DISCARD:
                log.info("lmtp.discarded", recipient=accepted.recipient.address, size=message.octets.size)
                return Reply(250, "2.0.0", f"<{accepted.recipient.address}> Accepted")
            case Action.DEFER | Action.REJECT:
                assert message.opinion.reply is not None
                return message.opinion.reply

    async def _deliver(self, session: Session, transaction: Transaction, accepted: Accepted, message: Judged) -> Reply:
        """Deliver to all accounts to which one recipient leads."""
        to, sender = accepted.recipient.address, transaction.mail.reverse_path
        targets = [Delivered(message.came.sha256, sender, to, account) for account in accepted.accounts]
        refusal = None
        done: list[Delivered] = []
        for target in targets:
            reply = None if self.partly.has(target) else await self._put(session, transaction, target, message)
            if reply is None:
                done.append(target)
            refusal = reply or refusal
        if refusal is None:
            self.partly.forget(targets)
            return Reply(250, "2.0.0", f"<{to}> Delivered")
        self.partly.keep(done)
        return refusal

    async def _put(
        self, session: Session, transaction: Transaction, target: Delivered, message: Judged
    ) -> Reply | None:
        """Put the message into one account; the reply that says why not, if not."""
        to, account, octets, opinion = target.recipient, target.account, message.octets, message.opinion
        try:
            done = await self.delivery.deliver(
                account,
                to,
                target.reverse_path,
                octets,
                session.origin(transaction),
                fields=opinion.fields,
                junk=opinion.action is Action.JUNK,
            )
        except MailError as error:
            log.warning("lmtp.refused", recipient=to, size=octets.size, reason=type(error).__name__)
            return reply_to(error, to)
        log.info("lmtp.delivered", recipient=to, size=octets.size, account=account, uid=done.uids[0])
        return None


def _arriving(session: Session, transaction: Transaction, octets: Octets) -> Arriving:
    """What is known here: not who the client was, as only the mail transfer agent in front has seen him."""
    return Arriving(
        peer="",
        peer_name="",
        helo=session.helo or "",
        tls=False,
        user="",
        reverse_path=transaction.mail.reverse_path,
        recipients=tuple(accepted.recipient.address for accepted in transaction.recipients),
        octets=octets,
    )
