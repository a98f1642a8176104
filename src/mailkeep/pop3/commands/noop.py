"""NOOP."""

from __future__ import annotations

from mailkeep.pop3.session import Transaction
from mailkeep.pop3.wire.reply import Reply, ok


def noop(_: Transaction, __: None) -> Reply:
    """Nothing; but the client is there.  RFC 1939 §5."""
    return ok()
