"""UIDL."""

from __future__ import annotations

from mailkeep.pop3.commands.listing import tell
from mailkeep.pop3.session import Transaction
from mailkeep.pop3.wire.reply import Reply, ok


async def uidl(transaction: Transaction, number: int | None) -> Reply | None:
    """Unique-id listings of one message, or of all.  RFC 1939 §7.  Raises: NoSuchMessage."""
    maildrop = transaction.maildrop
    if number is not None:
        return ok(f"{maildrop.require(number)} {maildrop.unique_id(number)}")
    await tell(transaction, "Unique-ids follow", maildrop.list_unique_ids())
    return None
