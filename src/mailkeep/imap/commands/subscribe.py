"""SUBSCRIBE and UNSUBSCRIBE."""

from __future__ import annotations

from mailkeep.imap.session import Authenticated


async def subscribe(s: Authenticated, name: str) -> None:
    """Remember a name, whether or not there is such a mailbox.  RFC 9051 §6.3.7.  Raises: Invalid."""
    await s.places.subscribe(s.account, name)


async def unsubscribe(s: Authenticated, name: str) -> None:
    """Forget a name.  RFC 9051 §6.3.8."""
    await s.places.unsubscribe(s.account, name)
