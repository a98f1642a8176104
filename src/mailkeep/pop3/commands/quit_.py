"""QUIT: the end, and the UPDATE state."""

from __future__ import annotations

from mailkeep import telemetry
from mailkeep.model.errors import MailError
from mailkeep.pop3.session import Session
from mailkeep.pop3.wire.reply import Code, Reply, error, ok

log = telemetry.logger()


async def quit_(session: Session, _: None) -> Reply:
    """Remove what is marked as deleted, all or nothing, and close.  RFC 1939 §4, §6."""
    transaction = session.transaction
    session.closing = True
    if transaction is None:
        return ok("Goodbye")
    try:
        left = await transaction.maildrops.update(transaction.maildrop)
    except MailError as fault:
        log.warning("pop3.nothing_removed", reason=fault.text)
        return error(f"Nothing was removed: {fault.text}", Code.SYS_TEMP)
    return ok(f"Goodbye, {left} {'message' if left == 1 else 'messages'} left")
