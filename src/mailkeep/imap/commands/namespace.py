"""NAMESPACE."""

from __future__ import annotations

from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response


async def namespace(s: Authenticated, _: None) -> None:
    """One personal namespace without prefix; K-9 hides folders where there is one.  RFC 9051 §6.3.10."""
    s.session.write(response.namespace())
