"""DELE."""

from __future__ import annotations

from mailkeep.pop3.session import Transaction
from mailkeep.pop3.wire.reply import Reply, error, ok


def dele(transaction: Transaction, number: int) -> Reply:
    """Mark a message as deleted; QUIT removes it.  RFC 1939 §5.  Raises: NoSuchMessage."""
    transaction.maildrop.require(number)
    if transaction.login.read_only:
        return error("This login may only read")
    transaction.maildrop.delete(number)
    return ok(f"Message {number} deleted")
