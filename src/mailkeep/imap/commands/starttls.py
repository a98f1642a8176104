"""STARTTLS."""

from __future__ import annotations

from mailkeep.imap.done import Bad, Done
from mailkeep.imap.session import Session


async def starttls(session: Session, _: None) -> Done:
    """Go on under TLS.  RFC 9051 §6.2.1.

    Nothing that was sent before the handshake survives it: a man in the middle may have put it there.
    """
    context = session.tls_context
    if context is None or session.connection.tls:
        raise Bad("TLS is not available" if context is None else "TLS is already active")

    async def upgrade() -> None:
        session.framer.reset()
        await session.connection.start_tls(context())

    return Done("Begin TLS negotiation now", then=upgrade)
