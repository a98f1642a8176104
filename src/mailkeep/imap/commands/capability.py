"""CAPABILITY."""

from __future__ import annotations

from mailkeep.imap.capabilities import capability_code
from mailkeep.imap.session import Session


async def capability(session: Session, _: None) -> None:
    """What the server can do at this moment.  RFC 9051 §6.1.1."""
    session.untagged(capability_code(session))
