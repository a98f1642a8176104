"""QUIT: the end."""

from __future__ import annotations

from mailkeep.smtp.session import Session
from mailkeep.smtp.wire.reply import Reply


def quit_(session: Session, _: None) -> Reply:
    """Drop an open transaction and close.  RFC 5321 §4.1.1.10."""
    session.reset()
    session.closing = True
    return Reply(221, "2.0.0", f"{session.options.hostname} closing connection")
