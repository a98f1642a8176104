"""MAIL: a transaction begins."""

from __future__ import annotations

from mailkeep.smtp.errors import Refused
from mailkeep.smtp.session import Session, Transaction
from mailkeep.smtp.wire.mail import Mail
from mailkeep.smtp.wire.reply import Reply


async def mail(session: Session, command: Mail) -> Reply:
    """Note the reverse path.  RFC 5321 §4.1.1.2; a size known to be too large is refused at once: RFC 1870 §6.1."""
    if session.transaction is not None:
        return Reply(503, "5.5.1", "There is a transaction already")
    limit = session.options.max_message
    if command.size > limit:
        return Reply(552, "5.3.4", f"Message is larger than {limit} octets")
    if command.require_tls and not session.tls:
        return Reply(530, "5.7.0", "REQUIRETLS is for sessions under TLS")  # RFC 8689 §2
    hold_until = _hold_until(session, command)
    await session.role.begin(session, command)
    session.transaction = Transaction(command, hold_until)
    return Reply(250, "2.1.0", "Sender accepted")


def _hold_until(session: Session, command: Mail) -> int | None:
    """When the message may leave; None: at once, also where the moment has passed.

    RFC 4865 §4.2.  Raises: Refused (later than is allowed).
    """
    now = int(session.clock())
    until = command.hold_until if command.hold_for is None else now + command.hold_for
    if until is None or until <= now:
        return None
    if until - now > session.options.max_hold_s:
        raise Refused(Reply(501, "5.5.4", f"Messages are held for {session.options.max_hold_s} seconds at most"))
    return until
