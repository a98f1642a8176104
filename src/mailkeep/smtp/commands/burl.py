"""BURL: a part of the message is what a URL of this server's own mail names."""

from __future__ import annotations

from typing import Final

from mailkeep.model.errors import NotFound
from mailkeep.service.pace import Pace
from mailkeep.service.urls import Reader, Stretch, Submits
from mailkeep.smtp.commands.table import Answer
from mailkeep.smtp.session import Session, Transaction
from mailkeep.smtp.wire.burl import Burl
from mailkeep.smtp.wire.reply import Reply

_NOTHING: Final = Reply(554, "5.6.6", "The URL leads to nothing that you may send")
_TOO_BIG: Final = Reply(554, "5.3.4", "Message too big for system")


async def burl(session: Session, command: Burl) -> Answer:
    """Put what the URL names behind what has come so far.  RFC 4468 §3.2; a failure ends the transaction.

    Returns: its reply, or None when that for the whole message has been given.  Raises: Unavailable.
    """
    transaction, user, users = session.transaction, session.user, session.users
    assert transaction is not None
    assert user is not None
    assert users is not None
    if not transaction.recipients:
        return Reply(554, "5.5.0", "No recipients have been specified")
    try:
        opened = await users.urls.open_authorized(command.url, Reader(user.account, Submits.FOR_ITSELF))
        if transaction.failed is None:
            await _append(session, transaction, opened.stretch)
    except NotFound:
        session.reset()
        return _NOTHING
    except BaseException:
        session.reset()
        raise
    if transaction.failed is not None:
        session.reset()
        return transaction.failed
    if command.last:
        await session.finish()
        return None
    return Reply(250, "2.0.0", f"{opened.stretch.size} octets added")


async def _append(session: Session, transaction: Transaction, stretch: Stretch) -> None:
    """Raises: Unavailable."""
    spool = transaction.spool or session.open_spool()
    transaction.spool = spool
    if spool.size + stretch.size > session.options.max_message:
        transaction.failed = _TOO_BIG
        return
    pace = Pace()
    for piece in stretch.pieces():
        session.take(piece)
        if pace.is_over:
            await pace.give_way()
