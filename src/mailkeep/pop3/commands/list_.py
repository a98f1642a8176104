"""LIST."""

from __future__ import annotations

from mailkeep.pop3.commands.listing import tell
from mailkeep.pop3.session import Transaction
from mailkeep.pop3.wire.reply import Reply, ok


async def list_(transaction: Transaction, number: int | None) -> Reply | None:
    """Scan listings: number and size of one message, or of all.  RFC 1939 §5.  Raises: NoSuchMessage."""
    maildrop = transaction.maildrop
    if number is not None:
        return ok(f"{maildrop.require(number)} {maildrop.size(number)}")
    await tell(transaction, f"{len(maildrop)} messages ({maildrop.octets} octets)", maildrop.list_sizes())
    return None
