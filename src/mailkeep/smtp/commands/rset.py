"""RSET: forget the transaction."""

from __future__ import annotations

from mailkeep.smtp.session import Session
from mailkeep.smtp.wire.reply import Reply


def rset(session: Session, _: None) -> Reply:
    """Drop the transaction, with what came of its message.  RFC 5321 §4.1.1.5."""
    session.reset()
    return Reply(250, "2.0.0", "Forgotten")
