"""One MAIL with some recipients, and the message (RFC 5321 §3.3, client side)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from mailkeep.model.envelope import Outcome, Recipient
from mailkeep.service.spool import Octets
from mailkeep.smtp.outbound.fault import Fault, Lost, Patience
from mailkeep.smtp.outbound.link import Link
from mailkeep.smtp.outbound.message import Form
from mailkeep.smtp.wire.answer import Answer, Offers
from mailkeep.smtp.wire.stuffing import Stuffing

Line = tuple[Recipient, bytes]  # a recipient and its RCPT


def outcome_of(answer: Answer, host: str, enhanced: str = "") -> Outcome:
    """What an answer means for those whom it concerns; without a code of its own, what its first digit says.

    Anything but yes, later and no is a fault of the host, and may pass.
    """
    if not enhanced:
        enhanced = answer.enhanced or (f"{answer.code // 100}.0.0" if answer.code // 100 in (2, 4, 5) else "4.5.0")
    return Outcome(enhanced=enhanced, text=answer.text, code=answer.code, host=host)


class Transaction:
    """Runs once.  `outcomes` and `surplus` are true at every moment, also when `run` has raised."""

    def __init__(
        self, link: Link, offers: Offers, patience: Patience, *, host: str, begin: bytes, batch: Sequence[Line]
    ) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.surplus: list[Line] = []  # recipients whom the host did not want in this transaction
        self.too_many = Outcome(enhanced="4.5.3", text="")  # what it said of them
        self.is_sent = False  # all of the message, and nothing is answered
        self._link = link
        self._offers = offers
        self._patience = patience
        self._host = host
        self._begin = begin
        self._batch = batch
        self._taken: list[Recipient] = []

    async def run(self, form: Form, octets: Octets) -> None:
        """Raises: Fault, Lost, Unavailable (the octets cannot be read)."""
        go_on = await (self._at_once(form) if "PIPELINING" in self._offers else self._in_turn(form))
        if go_on:
            await (self._chunk(octets) if form.chunked else self._data(octets))

    # ---- the envelope: whether the message may follow ------------------------------------------------------------

    async def _at_once(self, form: Form) -> bool:
        """All commands in one go (RFC 2920 §3.1)."""
        lines = [self._begin, *(line for _, line in self._batch)]
        if not form.chunked:
            lines.append(b"DATA\r\n")
        self._link.write(b"".join(lines), answers=len(lines))
        mail = await self._answer()
        if not mail.ok:
            self._refuse(mail)
        for line in self._batch:
            answer = await self._answer()
            if mail.ok:
                self._answered(line, answer)
        if form.chunked:
            return await self._or_reset()
        data = await self._link.answer(self._patience.data_s)
        if data.code != 354:
            self._refused(data)
            if mail.ok:
                await self._command(b"RSET\r\n")  # the transaction has begun, and is not over
            return False
        if not mail.ok:
            self._link.abort()  # it waits for a message that nobody sends
            return False
        if not self._taken:
            self._link.write(b".\r\n")  # RFC 2920 §3.1: it waits for a message to nobody
            await self._link.answer(self._patience.end_s)
            return False
        return True

    async def _in_turn(self, form: Form) -> bool:
        mail = await self._command(self._begin)
        if not mail.ok:
            self._refuse(mail)
            return False
        for line in self._batch:
            self._answered(line, await self._command(line[1]))
        if form.chunked or not self._taken:
            return await self._or_reset()
        self._link.write(b"DATA\r\n")
        data = await self._link.answer(self._patience.data_s)
        if data.code != 354:
            self._refused(data)
            await self._command(b"RSET\r\n")
            return False
        return True

    async def _or_reset(self) -> bool:
        if not self._taken:
            await self._command(b"RSET\r\n")
        return bool(self._taken)

    def _refuse(self, mail: Answer) -> None:
        if mail.code == 503:  # we disagree on where we are, which says nothing of the message
            raise Fault(outcome_of(mail, self._host, "4.5.1"))
        outcome = outcome_of(mail, self._host)
        self.outcomes.update({recipient.address: outcome for recipient, _ in self._batch})

    def _answered(self, line: Line, answer: Answer) -> None:
        recipient, _ = line
        if answer.ok:
            self._taken.append(recipient)
        elif answer.code == 452 or (answer.code == 552 and answer.enhanced in ("", "5.5.3")):
            # RFC 5321 §4.5.3.1.10: too many recipients; 552 is how older servers say it.
            self.surplus.append(line)
            own = f"4{answer.enhanced[1:]}" if answer.enhanced else "4.5.3"
            self.too_many = outcome_of(answer, self._host, own)
        else:
            self.outcomes[recipient.address] = outcome_of(answer, self._host)

    def _refused(self, data: Answer) -> None:
        if data.code < 400:  # a yes to nothing: the host does not know where it is
            raise Lost(f"answers DATA with {data.code}")
        self._settle(data)

    # ---- the message ---------------------------------------------------------------------------------------------

    async def _data(self, octets: Octets) -> None:
        """After DATA (RFC 5321 §4.1.1.4)."""
        stuffing = Stuffing()
        for piece in octets.pieces():
            self._link.write(stuffing.add(piece), answers=0)
            if await self._is_answered_early():
                return
        self._link.write(stuffing.end())
        self.is_sent = True
        self._settle(await self._link.answer(self._patience.end_s))

    async def _chunk(self, octets: Octets) -> None:
        """As one chunk (RFC 3030 §2)."""
        self._link.write(f"BDAT {octets.size} LAST\r\n".encode())
        for piece in octets.pieces():
            if await self._is_answered_early():
                return
            self.is_sent = True  # this piece may be the last
            self._link.write(piece, answers=0)
        self._settle(await self._link.answer(self._patience.end_s))

    async def _is_answered_early(self) -> bool:
        """Let the host take what was written; whether it has refused the message and gone."""
        try:
            await self._link.drain(self._patience.block_s)
        except Lost:
            if not self._link.has_answer:
                raise
            answer = await self._answer()
            self._settle(answer if not answer.ok else replace(answer, code=451, enhanced="4.5.0"))
            return True
        return False

    def _settle(self, answer: Answer) -> None:
        """What is answered to the message holds for everybody whom RCPT took."""
        self.is_sent = False
        if answer.code == 421:
            self._leaving(answer)
        outcome = outcome_of(answer, self._host)
        for recipient in self._taken:
            # RFC 3461 §5.2.1, §5.2.2: whoever takes the parameters answers for what they ask.
            reports = outcome.is_delivered and "DSN" in self._offers and recipient.notify is not None
            self.outcomes[recipient.address] = replace(outcome, reports=reports)

    # ---- answers -------------------------------------------------------------------------------------------------

    async def _command(self, line: bytes) -> Answer:
        self._link.write(line)
        return await self._answer()

    async def _answer(self) -> Answer:
        answer = await self._link.answer(self._patience.command_s)
        if answer.code == 421:
            self._leaving(answer)
        return answer

    def _leaving(self, answer: Answer) -> NoReturn:
        """RFC 5321 §3.8: the host closes the connection."""
        raise Fault(outcome_of(answer, self._host))
