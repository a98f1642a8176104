"""UNAUTHENTICATE."""

from __future__ import annotations

from mailkeep.imap.done import Done
from mailkeep.imap.session import Authenticated


async def unauthenticate(s: Authenticated, _: None) -> Done:
    """Go back to before the login; of all that the connection knew, TLS alone is left.  RFC 8437 §3.

    Nothing is awaited: what the client sends behind it may be in the clear, after a compressed command (§4.1).
    """
    session = s.session
    session.log_out()

    async def stop() -> None:
        session.connection.stop_deflate()

    return Done("Log in again", then=stop if session.connection.compressed else None)
