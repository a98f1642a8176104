"""RSET."""

from __future__ import annotations

from mailkeep.pop3.session import Transaction
from mailkeep.pop3.wire.reply import Reply, ok


def rset(transaction: Transaction, _: None) -> Reply:
    """Nothing is marked as deleted any more.  RFC 1939 §5."""
    transaction.maildrop.reset()
    return ok(f"{len(transaction.maildrop)} messages ({transaction.maildrop.octets} octets)")
