"""DELETE."""

from __future__ import annotations

from mailkeep.imap.done import Done, Refused
from mailkeep.imap.session import Authenticated


async def delete(s: Authenticated, name: str) -> Done:
    """Delete a mailbox; with children it stays as a name.  RFC 9051 §6.3.5.  Raises: NotFound, Invalid."""
    mailbox = await s.mailboxes.get(s.account, name)
    if not mailbox.selectable:
        raise Refused("Only a name; its children keep it", b"HASCHILDREN")
    await s.mailboxes.delete(s.account, name)
    return Done()
