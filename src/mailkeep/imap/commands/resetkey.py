"""RESETKEY."""

from __future__ import annotations

from mailkeep.imap.done import Done, Refused
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response
from mailkeep.imap.wire.resetkey import Resetkey


async def resetkey(s: Authenticated, cmd: Resetkey) -> Done:
    """Take back all URLs that have been authorized, of one mailbox or of all.  RFC 4467 §7.  Raises: NotFound."""
    if any(mechanism != "INTERNAL" for mechanism in cmd.mechanisms):
        raise Refused("Only the mechanism INTERNAL is known", b"CANNOT")
    await s.session.services.urls.revoke(s.account, cmd.mailbox)
    if cmd.mailbox is None:
        return Done("All keys removed")
    return Done(code=response.URLMECH)
