"""Reception (port 25): mail that strangers bring for accounts of this server, and for nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from mailkeep import telemetry
from mailkeep.model.envelope import Recipient
from mailkeep.model.errors import MailError, NotFound, OverQuota
from mailkeep.model.ids import AccountId
from mailkeep.net.lane import Lane
from mailkeep.net.resolver import Resolver
from mailkeep.service.addresses import Addresses
from mailkeep.service.delivery import Delivery
from mailkeep.service.spool import Octets
from mailkeep.smtp import extensions
from mailkeep.smtp.errors import Refused, reply_to
from mailkeep.smtp.gate import Gate
from mailkeep.smtp.guessing import Guessing
from mailkeep.smtp.judging import Action, Arriving, Judged, Judges
from mailkeep.smtp.partly import Delivered, Partly, key_of
from mailkeep.smtp.peer_name import find_peer_name
from mailkeep.smtp.session import Session, Transaction
from mailkeep.smtp.wire.mail import Mail
from mailkeep.smtp.wire.reply import Reply

_NO_RELAY: Final = Reply(550, "5.7.1", "Relaying is not allowed")
_GUESSING: Final = Reply(421, "4.7.1", "Too many unknown recipients, closing connection")
_ACCEPTED: Final = Reply(250, "2.0.0", "Message accepted")
# Some have it, some do not: whoever comes again is told at RCPT what is the matter.
_AGAIN: Final = Reply(451, "4.3.0", "Not all recipients could take the message, try again")

log = telemetry.logger(part="mx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mx:
    """See `mailkeep.smtp.session.Role`.

    Judges run in `lane`.
    """

    addresses: Addresses
    delivery: Delivery
    gate: Gate
    judges: Judges
    guessing: Guessing
    partly: Partly
    resolver: Resolver
    lane: Lane
    name: ClassVar[str] = "ESMTP"
    one_answer: ClassVar[bool] = True
    strict: ClassVar[bool] = True

    def extensions(self, session: Session) -> tuple[str, ...]:
        """RFC 5321 §4.1.1.1."""
        return extensions.of(session, extensions.RECEPTION)

    async def begin(self, session: Session, mail: Mail) -> None:  # noqa: ARG002
        """Anybody may send; the message will be looked at, and who brings it."""
        if session.peer_name is None:
            session.peer_name = await find_peer_name(self.resolver, session.peer)

    async def admit(self, session: Session, recipient: Recipient) -> tuple[AccountId, ...]:
        """Whoever has mail here, and room for more.

        RFC 5321 §3.3, §7.9.  Raises: Refused, NotFound, OverQuota, NeverFits, Unavailable.
        """
        transaction = session.transaction
        assert transaction is not None
        _, at, domain = recipient.address.rpartition("@")
        if at and not self.addresses.is_local(domain):
            await self._guess(session)
            raise Refused(_NO_RELAY)
        try:
            accounts = self.addresses.resolve(recipient.address)
        except NotFound:
            await self._guess(session)
            raise
        await self._require_room(accounts, transaction.mail.size)
        reply = await self.gate.admit(
            session.peer, session.helo or "", transaction.mail.reverse_path, recipient.address
        )
        if reply is not None:
            raise Refused(reply)
        return accounts

    async def _guess(self, session: Session) -> None:
        """There is no such recipient.  Raises: Refused (there have been too many)."""
        session.guesses += 1
        if not await self.guessing.hold_back(session.peer, session.guesses):
            session.closing = True
            log.warning("mx.guessing", peer=session.peer)
            raise Refused(_GUESSING)

    async def _require_room(self, accounts: tuple[AccountId, ...], size: int) -> None:
        """Somebody has room; who has none gets the message when he has.

        Raises: OverQuota, NeverFits, NotFound, Unavailable (of the last account, where nobody has).
        """
        for last, account in enumerate(accounts, 1):
            try:
                await self.delivery.require_room(account, size)
            except OverQuota:
                if last == len(accounts):
                    raise
            else:
                return

    async def take(self, session: Session, transaction: Transaction, octets: Octets) -> None:
        """Have the message judged, and deliver it to each recipient."""
        opinion = await self.lane.run(self.judges.judge(self._arriving(session, transaction, octets)))
        judged = opinion.octets or octets
        try:
            session.reply(await self._carry_out(session, transaction, Judged(octets, judged, opinion)))
        finally:
            if judged is not octets:
                judged.discard()

    def _arriving(self, session: Session, transaction: Transaction, octets: Octets) -> Arriving:
        return Arriving(
            peer=session.peer,
            peer_name=session.peer_name or "",
            helo=session.helo or "",
            tls=session.tls,
            user="",
            reverse_path=transaction.mail.reverse_path,
            recipients=tuple(accepted.recipient.address for accepted in transaction.recipients),
            octets=octets,
        )

    async def _carry_out(self, session: Session, transaction: Transaction, message: Judged) -> Reply:
        opinion, sender = message.opinion, transaction.mail.reverse_path
        match opinion.action:
            case Action.ACCEPT | Action.JUNK:
                return await self._deliver_all(session, transaction, message)
            case Action.DISCARD:
                log.info("mx.discarded", peer=session.peer, sender=sender, size=message.octets.size)
                return _ACCEPTED
            case Action.DEFER | Action.REJECT:
                assert opinion.reply is not None
                log.info("mx.turned_away", peer=session.peer, sender=sender, code=opinion.reply.code)
                return opinion.reply

    async def _deliver_all(self, session: Session, transaction: Transaction, message: Judged) -> Reply:
        """Deliver to each account, once for each address.  One answer stands for all."""
        targets = dict.fromkeys(
            Delivered(message.came.sha256, transaction.mail.reverse_path, key_of(accepted.recipient.address), account)
            for accepted in transaction.recipients
            for account in accepted.accounts
        )
        refused: dict[Delivered, Reply] = {}
        done: list[Delivered] = []
        try:
            for target in targets:
                if not self.partly.has(target):
                    reply = await self._deliver(session, transaction, message, target)
                    if reply is not None:
                        refused[target] = reply
                        continue
                done.append(target)
        except BaseException:  # the client has gone, or we are at fault: it will come again
            self.partly.keep(done)
            raise
        if not refused:
            self.partly.forget(targets)
            return _ACCEPTED
        replies = list(refused.values())
        if len(refused) == len(targets):
            return next((reply for reply in replies if reply.code < 500), replies[0])
        self.partly.keep(done)
        return _AGAIN

    async def _deliver(
        self, session: Session, transaction: Transaction, message: Judged, target: Delivered
    ) -> Reply | None:
        """Put the message into one account; the reply that says why not, if not."""
        recipient, octets, opinion = target.recipient, message.octets, message.opinion
        try:
            done = await self.delivery.deliver(
                target.account,
                recipient,
                target.reverse_path,
                octets,
                session.origin(transaction),
                fields=opinion.fields,
                junk=opinion.action is Action.JUNK,
            )
        except MailError as error:
            log.warning(
                "mx.refused",
                peer=session.peer,
                sender=target.reverse_path,
                recipient=recipient,
                size=octets.size,
                reason=type(error).__name__,
            )
            return reply_to(error, recipient)
        log.info(
            "mx.delivered",
            peer=session.peer,
            sender=target.reverse_path,
            recipient=recipient,
            size=octets.size,
            account=target.account,
            uid=done.uids[0],
        )
        return None
