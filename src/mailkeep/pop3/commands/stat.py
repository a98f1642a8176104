"""STAT."""

from __future__ import annotations

from mailkeep.pop3.session import Transaction
from mailkeep.pop3.wire.reply import Reply, ok


def stat(transaction: Transaction, _: None) -> Reply:
    """The drop listing: messages and octets, without what is marked as deleted.  RFC 1939 §5."""
    return ok(f"{len(transaction.maildrop)} {transaction.maildrop.octets}")
