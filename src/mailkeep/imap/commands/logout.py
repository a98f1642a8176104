"""LOGOUT."""

from __future__ import annotations

from mailkeep.imap.session import Session
from mailkeep.imap.wire import response


async def logout(session: Session, _: None) -> None:
    """Say BYE, then close.  RFC 9051 §6.1.3."""
    session.close_mailbox()
    session.write(response.status_line(response.UNTAGGED, response.BYE, "Logging out"))
    session.closing = True
